"""One event at several markets: where it is cheapest, on the board and on the page of each of its sides."""

import pytest
from selenium.webdriver import ActionChains, Keys

from tests.browser.conftest import Service
from tests.support.board_events import AT_MARKETS, MARKETS
from tests.support.board_page import Board
from tests.support.dashboard_page import DESKTOP, PHONE, Dashboard
from tests.support.served_week import LAST_HOUR, in_words

FIRST, SECOND, THIRD = MARKETS


@pytest.fixture
def sides(service: Service) -> dict[str, str]:
    """The event's id at each market."""
    return {row["source"]: row["id"] for row in service.get("events", search=AT_MARKETS)["data"]}


def test_the_board_has_one_row_of_it_and_says_where_it_is_cheapest(dashboard: Dashboard, sides: dict[str, str]) -> None:
    board = Board(dashboard.chrome, dashboard.base).open(search=AT_MARKETS)
    (row,) = board.rows
    assert row["price"].split("\n") == ["$80.00", f"$93.00 all-in at {SECOND}"]
    board.resize(PHONE)
    board.screenshot("markets-board-phone", "#rows")
    board.resize(DESKTOP)
    board.find("#rows .price a").click()
    dashboard.wait_until("ready")
    assert sides[SECOND] in dashboard.chrome.current_url
    board.open(search=AT_MARKETS, tickets="4")
    assert board.rows[0]["price"].split("\n") == ["–", "on 3 markets"]


def test_the_page_of_each_side_shows_all_of_them(dashboard: Dashboard, sides: dict[str, str]) -> None:
    dashboard.open(sides[FIRST], basis="all_in")
    rows = dashboard.table("across")
    assert [row["Market"] for row in rows] == [f"{FIRST}on this page", SECOND, THIRD]
    assert [row["All-in"] for row in rows] == ["$93.50", "$93.00cheapest", "$72.50"]
    assert [row["Share"] for row in rows] == ["33%", "33%", "33%"]
    assert [row["Captured"].endswith("not compared") for row in rows] == [False, False, True]
    assert dashboard.text("#across .note") == (f"The cheapest two together, with all fees: {SECOND} ($93.00 each).")
    dashboard.find("#across tbody a").click()
    dashboard.wait(lambda: sides[SECOND] in dashboard.chrome.current_url, "the other side")
    assert "basis=all_in" in dashboard.chrome.current_url, "with the same choices"
    dashboard.wait_until("ready")
    assert [row["Market"] for row in dashboard.table("across")] == [FIRST, f"{SECOND}on this page", THIRD]


def test_the_spread_is_drawn_by_the_hour_on_the_chosen_basis(dashboard: Dashboard, sides: dict[str, str]) -> None:
    dashboard.open(sides[SECOND])
    assert "before fees" in dashboard.text("#price-spread .note")
    hour = dashboard.hours("price-spread")[in_words(LAST_HOUR)]
    assert (hour["Cheapest"], hour["Dearest"]) == ("$80.00", "$81.00")
    dashboard.choose("basis", "all_in")
    dashboard.wait(lambda: dashboard.hours("price-spread")[in_words(LAST_HOUR)]["Dearest"] == "$93.50", "with fees")
    assert dashboard.find("#price-spread path.band").get_attribute("d").count("L") > 10


def test_offers_on_two_markets_are_an_estimate_with_its_rule_in_words(
    dashboard: Dashboard, sides: dict[str, str]
) -> None:
    dashboard.open(sides[FIRST])
    assert dashboard.text("#shared summary") == "2 offers are probably on two markets (estimate)"
    dashboard.find("#shared summary").send_keys(Keys.ENTER)
    assert "prices before fees at most 10% apart" in dashboard.text("#shared .note")
    heads = ("Seats", "Tickets", "At one market", "At the other")
    assert [tuple(row[head] for head in heads) for row in dashboard.table("shared")] == [
        ("201 row A", "2", f"$80.00{FIRST}", f"$81.00{SECOND}"),
        ("201 row A", "2", f"$91.00{FIRST}", f"$90.50{SECOND}"),
    ]


def test_an_event_of_one_market_has_no_such_panel(dashboard: Dashboard) -> None:
    dashboard.open()
    assert not dashboard.find("#markets").is_displayed()


def test_on_a_phone_and_by_keyboard_all_of_it_is_reached(dashboard: Dashboard, sides: dict[str, str]) -> None:
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        dashboard.resize(size)
        dashboard.open(sides[FIRST], basis="all_in")
        assert dashboard.chrome.execute_script("return document.documentElement.scrollWidth") == size[0]
        dashboard.screenshot(f"markets-{name}", "#markets")
    stops = []
    for _ in range(60):
        ActionChains(dashboard.chrome).send_keys(Keys.TAB).perform()
        stops.append(str(dashboard.chrome.execute_script("return document.activeElement.closest('[id]')?.id ?? ''")))
        if stops[-1] == "get-in":
            break
    reached = list(dict.fromkeys(stops))
    assert [one for one in reached if one in ("versus", "across", "price-spread", "shared", "get-in")] == [
        "versus", "across", "price-spread", "shared", "get-in"
    ]  # fmt: skip
    chart = dashboard.find("#price-spread > svg")
    chart.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert "Cheapest $" in str(chart.get_attribute("aria-valuetext"))
    assert "Dearest $" in str(chart.get_attribute("aria-valuetext"))
