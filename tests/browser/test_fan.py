"""What an event's page says of the days to come, and the page with the record."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.conftest import Service
from tests.support.axe import violations
from tests.support.board_page import Board
from tests.support.dashboard_page import DESKTOP, PHONE, Dashboard
from tests.support.said_forecasts import add_past_like, keep_record, say_forecasts
from tests.support.served_week import GAME, PLAY
from tests.support.tools import needs_axe

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def play(week_url: str, service: Service) -> Iterator[str]:
    """The id of an event with forecasts of today, beside a record."""
    with psycopg.connect(week_url, autocommit=True) as connection:
        row = connection.execute("select event_key, id from market.events where name = %s", [PLAY]).fetchone()
        assert row
        say_forecasts(connection, row[0], TODAY)
        keep_record(connection, TODAY)
        yield str(row[1])


@pytest.fixture(scope="module")
def past(week_url: str, service: Service) -> list[str]:
    """The names of events like the game, which are over."""
    with psycopg.connect(week_url, autocommit=True) as connection:
        row = connection.execute("select event_key from market.events where name = %s", [GAME]).fetchone()
        assert row
        return add_past_like(connection, row[0])


def test_the_price_goes_on_as_a_fan_with_a_line_of_words_and_base_rates(dashboard: Dashboard, play: str) -> None:
    dashboard.open(play)
    words = dashboard.text("#fan .words")
    assert words.startswith(
        "The last price has been the best guess so far for events like this; 8 in 10 ended between $"
    )
    assert words.endswith(" in 14 days.")
    for part in ("range-80", "range-50", "line.ahead"):
        assert dashboard.find(f"#fan svg .{part}").is_displayed()
    assert dashboard.find("#fan svg").get_attribute("aria-label").startswith("The price of the last 14 days, and its ")
    assert "Of 150 past events at this distance, 41 % were over 5 % cheaper 14 days later" in dashboard.text("#fan")
    dashboard.find("#fan summary").click()
    rows = dashboard.chrome.execute_script(
        """return [...document.querySelectorAll("#fan tbody tr")].map((row) =>
               [...row.cells].slice(1).map((cell) => cell.textContent))"""
    )
    assert len(rows) == 4
    assert rows[0][5:] == ["0.93", "79 %", "310"]  # 19 days before the event, its record is that of 15 to 30 days
    low, high, low_50, high_50, mid = (float(cell.strip("$").replace(",", "")) for cell in rows[-1][:5])
    assert low < low_50 < mid < high_50 < high
    assert low / mid == pytest.approx(0.8, abs=0.01)
    assert high / mid == pytest.approx(1.2, abs=0.01)
    for size in (DESKTOP, PHONE):
        dashboard.resize(size)
        assert dashboard.chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    dashboard.resize(DESKTOP)


@pytest.mark.usefixtures("play")
def test_an_event_without_a_forecast_shows_no_fan(dashboard: Dashboard) -> None:
    dashboard.open()
    assert not dashboard.find("#fan").is_displayed()
    assert GAME in dashboard.text("#name")


@pytest.mark.usefixtures("play")
def test_the_record_is_a_table_that_says_where_the_last_price_is_shown(dashboard: Dashboard) -> None:
    dashboard.chrome.get(f"{dashboard.base}/skill")
    dashboard.wait(lambda: dashboard.find("#record").get_attribute("data-state") == "ready", "the record")
    assert dashboard.text("h1") == "How right the forecasts were"
    rows = dashboard.chrome.execute_script(
        """return [...document.querySelectorAll("#record tbody tr")].map((row) =>
               [...row.cells].map((cell) => cell.textContent))"""
    )
    assert len(rows) == 20
    assert rows[3] == [
        *("1", "15-30", "0.93", "0.97", "0.95", "79 %", "0.0300", "0.0310", "310", "120", "14", "2", "forecast"),
    ]
    assert rows[0][2:6] == ["–", "–", "–", "–"]
    assert rows[0][-1] == "last price"


@needs_axe
def test_comparables_say_how_many_were_cheaper_and_name_the_events(dashboard: Dashboard, past: list[str]) -> None:
    dashboard.open()
    says = dashboard.text("#comparables .note")
    assert says.startswith("8 events like this one were observed ")
    assert "100% of them were cheaper than this event's $" in says
    dashboard.find("#comparables summary").click()
    rows = dashboard.chrome.execute_script(
        """return [...document.querySelectorAll("#comparables tbody tr")].map((row) =>
               [...row.cells].map((cell) => cell.innerText))"""
    )
    assert [row[0] for row in rows] == [f"{name}\nUnited Center" for name in past]
    assert [row[3] for row in rows] == [f"${20 + number}.00" for number in range(8)]
    assert dashboard.find("#comparables a").get_attribute("href").startswith(f"{dashboard.base}/events/")
    assert violations(dashboard.chrome) == []
    dashboard.resize(PHONE)
    assert dashboard.chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    dashboard.resize(DESKTOP)


def test_too_few_comparables_are_said_to_be_too_few(dashboard: Dashboard, play: str) -> None:
    dashboard.open(play)
    assert dashboard.text("#comparables .note").startswith("Too few to compare: fewer than 8 events ")
    assert not dashboard.find("#comparables details").is_displayed()


@needs_axe
@pytest.mark.usefixtures("play")
def test_the_board_says_which_way_prices_went_or_that_there_is_no_trend(chrome: Chrome, service: Service) -> None:
    board = Board(chrome, service.base).open()
    board.wait(lambda: board.find("#trends").is_displayed(), "the trends")
    assert board.text("#trends summary") == "Get-in prices of the same events: down 4% in 7 days; no trend in 28 days"
    board.find("#trends summary").click()
    assert [item.text for item in board.chrome.find_elements(By.CSS_SELECTOR, "#trends li")] == [
        "All, 7 days: -4.0%, 95 % band -6.0% to -1.0%, about 12% of the tickets on offer were sold (240 events).",
        "All, 28 days: +1.0%, 95 % band -2.0% to +4.0%, which holds 0, so there is no trend (230 events).",
    ]
    assert violations(board.chrome) == []
