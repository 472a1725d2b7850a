"""The board: its rows say what the API says, and each filter, order and grouping is in the URL."""

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
from selenium.webdriver import Chrome, Keys

from tests.browser.conftest import Service
from tests.support.board_events import CROWD, FALLEN, SIMULATED
from tests.support.board_page import Board
from tests.support.dashboard_page import DESKTOP
from tests.support.served_week import GAME, PLAY

NOTHING = "–"


@pytest.fixture
def board(chrome: Chrome, service: Service) -> Board:
    """The board on a desk's screen, by day."""
    page = Board(chrome, service.base)
    page.resize(DESKTOP)
    page.log("browser")
    return page


def shown_name(row: dict[str, Any]) -> str:
    return str(row["name"]).removesuffix(" (simulated)")


def told(service: Service, **asked: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = service.get("board", active="true", sides="one", **asked)["data"]
    return rows


def test_a_row_says_what_the_api_says(board: Board, service: Service) -> None:
    board.open(city="", performer="", sort="-sold_tickets_1day")
    assert board.text("main > h1")
    rows = told(service, sort="-sold_tickets_1day")[:SIMULATED]
    assert all(row["price"] and row["sold_tickets_1day"] and row["change_7days"] is not None for row in rows)
    for shown, row in zip(board.rows, rows, strict=False):
        begins = datetime.fromisoformat(row["date"]).astimezone(ZoneInfo(row["venue_time_zone"]))
        assert shown["event"] == f"{shown_name(row)}\n{row['venue']}, {row['city']} · simulated"
        assert shown["date"].replace(" ", " ") == f"{begins:%a, %b %-d, %Y}\n{begins:%-I:%M %p}"
        assert shown["price"] == f"${row['price']:,.2f}"
        for cell, days in (("day", "1day"), ("week", "7days")):
            share, change = 100 * Decimal(str(row[f"share_{days}"])), row[f"change_{days}"]
            rounded = share.quantize(Decimal("0.1"), ROUND_HALF_UP)
            assert shown[cell].startswith(f"{rounded:+}%" if rounded else "0.0%")
            assert shown[cell].endswith(f"${abs(change):,.2f}")
        assert shown["month"] == NOTHING, "nobody looked a month ago"
        assert (shown["left"], shown["sold"]) == (f"{row['total_tickets']:,}", f"{row['sold_tickets_1day']:,}")
        known = [price for price in row["sparkline"] if price is not None]
        line = board.find(f"[data-id='{row['id']}'] svg.spark")
        assert len(known) > 50
        ends, bounds = (known[0], known[-1]), (min(known), max(known))
        words = "Last week: from ${:,.2f} to ${:,.2f}, lowest ${:,.2f}, highest ${:,.2f}"
        assert line.accessible_name == words.format(*ends, *bounds)
        assert line.find_element("css selector", ".week").get_attribute("d").count("L") > 40
    moment = board.find("#rows time[datetime]")
    assert moment.get_attribute("title").endswith("UTC"), "UTC is there for who points at the date"
    assert "ago" in board.rows[0]["age"]
    board.screenshot("board")
    assert not [entry for entry in board.log("browser") if entry["level"] == "SEVERE"]


def test_what_moved_most_is_first_and_every_column_sorts_both_ways(board: Board, service: Service) -> None:
    board.open()
    assert board.names[:SIMULATED] == [shown_name(row) for row in told(service, sort="movers")[:SIMULATED]]
    heads = {"7 days": "share_7days", "Get-in": "price", "Tickets left": "-total_tickets", "Event": "name"}
    for name, sort in heads.items():
        for order in (sort, sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"):
            board.head(name).click()
            expected = [shown_name(row) for row in told(service, sort=order)[:SIMULATED]]
            board.begins_with(expected)
            assert f"sort={order}" in board.chrome.current_url
            direction = "descending" if order.startswith("-") else "ascending"
            assert board.find(f"th[data-sort='{sort.removeprefix('-')}']").get_attribute("aria-sort") == direction
            assert board.find("#sort").get_property("value") == order
    board.chrome.back()
    board.wait(lambda: board.find("#sort").get_property("value") == "name", "the order before")


def test_a_search_without_accents_and_case_is_shared_and_taken_back(board: Board) -> None:
    board.open()
    board.find("#search").send_keys("BÚLLS")
    board.shows_names(GAME)
    assert board.text("#count") == "1 event"
    shared = board.chrome.current_url
    board.chrome.back()
    board.wait(lambda: len(board.rows) == 50, "all events again")
    assert board.find("#search").get_property("value") == ""
    board.chrome.get(shared)
    board.shows_names(GAME)
    assert board.find("#search").get_property("value") == "BÚLLS"


def test_filters_narrow_and_are_cleared_where_nothing_matches(board: Board, service: Service) -> None:
    board.open()
    board.find("#city").send_keys("lisbon", Keys.TAB)
    here = {"The Hall, Lisbon · simulated"}
    board.wait(lambda: {row["event"].splitlines()[1] for row in board.rows} == here, "the events of a city")
    assert board.text("#count") == "The first 50 events"
    board.fill_in("date_from", "2030-01-01")
    board.wait_until("empty")
    assert board.says == "No event matches these filters."
    board.find("#clear").click()
    board.wait_until("ready")
    assert "city" not in board.chrome.current_url
    assert len(board.rows) == 50
    categories = {row["category"] for row in told(service)}
    offered = [option.text for option in board.select("category").options]
    assert offered[0] == "All"
    assert set(offered[1:]) >= categories
    one = told(service, sort="movers")[0]
    board.select("category").select_by_visible_text(one["category"])
    board.wait(lambda: shown_name(one) in board.names and len(board.rows) < 50 + CROWD, "a category")


def test_the_days_of_the_filter_are_the_venues(board: Board, service: Service) -> None:
    (event,) = told(service, search=FALLEN)
    assert (event["local_date"], event["date"][:10]) == ("2027-08-01", "2027-08-02")
    board.open(date_from="2027-08-01", date_to="2027-08-01")
    board.shows_names(FALLEN)
    board.visit(date_from="2027-08-02", date_to="2027-08-02")
    board.wait_until("empty")


def test_more_events_than_a_page_come_when_they_are_asked_for_and_stay_after_going_back(board: Board) -> None:
    board.open(sort="name", city="lisbon")
    assert len(board.rows) == 50
    board.find("#next").click()
    board.wait(lambda: len(board.rows) == CROWD, "the rest")
    assert board.text("#count") == f"{CROWD} events"
    assert not board.find("#next").is_displayed()
    assert board.chrome.switch_to.active_element.text == board.names[50], "the reader goes on with the first new one"
    board.chrome.refresh()
    board.wait(lambda: len(board.rows) == CROWD, "as many as before")


def test_grouped_by_performer_the_cheapest_date_is_said(board: Board, service: Service) -> None:
    board.open(group="performer")
    groups = [row.text for row in board.chrome.find_elements("css selector", "#rows .group b")]
    said = {row.text for row in board.chrome.find_elements("css selector", "#rows .group")}
    assert "Someone 6 dates, cheapest Sun, Aug 1, 2027, 8:00 PM for $10.00" in {
        one.replace("\u202f", " ") for one in said
    }
    rows = told(service, group="performer", sort="price")
    performers = list(dict.fromkeys(row["performer_name"] for row in rows))
    assert groups == performers
    assert board.names == [shown_name(row) for row in rows]
    assert board.find("#sort").get_property("value") == "price"
    board.screenshot("board-by-performer")


def test_prices_are_for_so_many_tickets_with_or_without_fees(board: Board, service: Service) -> None:
    board.open(sort="-total_tickets")
    one = told(service, sort="-total_tickets", tickets="4", basis="all_in")[0]
    assert one["price"] == one["all_in_price_4"] != one["price_2"]
    board.choose("tickets", "4")
    board.choose("basis", "all_in")
    board.wait(lambda: board.rows[0]["price"] == f"${one['price']:,.2f}", "the price of four, with fees")
    assert "tickets=4" in board.chrome.current_url
    assert "basis=all_in" in board.chrome.current_url
    link = board.find(f"[data-id='{one['id']}'] a").get_attribute("href")
    assert link == f"{service.base}/events/{one['id']}?basis=all_in&tickets=4", "the event's page goes on with it"


@pytest.fixture
def impatient(board: Board) -> Iterator[Board]:
    """The board looks again ten times a second instead of once a minute, and not half a minute apart."""
    source = """const every = setInterval, now = Date.now, start = now();
        window.setInterval = (look, ms) => every(look, ms / 600);
        Date.now = () => start + (now() - start) * 600;"""
    added = board.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    yield board
    board.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    board.chrome.get("about:blank")


def test_what_is_new_appears_by_itself_and_the_focus_stays(impatient: Board, week_url: str) -> None:
    impatient.open(sort="-total_tickets")
    link = impatient.find("#rows tr:nth-child(2) a")
    impatient.chrome.execute_script("arguments[0].focus(); window.kept = arguments[0]", link)
    rename = "update market.events set venue = %s, updated_at = clock_timestamp() where name = %s"
    with psycopg.connect(week_url, autocommit=True) as connection:
        connection.execute(rename, ["A Larger Hall", PLAY])
        try:
            impatient.wait(
                lambda: any("A Larger Hall" in row["event"] for row in impatient.rows), "the event's new venue"
            )
            assert impatient.chrome.execute_script("return document.activeElement === window.kept")
        finally:
            connection.execute(rename, ["United Center", PLAY])


def test_a_service_that_is_gone_leaves_the_rows_and_says_how_old_they_are(impatient: Board, service: Service) -> None:
    impatient.open()
    before = impatient.rows
    service.stop()
    try:
        impatient.wait(lambda: impatient.text("#stale").startswith("The service cannot be reached."), "that it is gone")
        assert "What you see is of " in impatient.text("#stale")
        assert [row["event"] for row in impatient.rows] == [row["event"] for row in before]
    finally:
        service.start()
    # by its hurried clock, the newest capture may be hours old by now, which it says
    impatient.wait(lambda: "reached" not in impatient.text("#stale"), "fresh rows, with the new key")
    assert httpx.get(f"{service.base}/health").status_code == 200
