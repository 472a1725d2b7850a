"""A newcomer's first questions, answered from the board in six clicks at most each, without SQL."""

from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.browser.conftest import Service
from tests.support.board_events import FALLEN, FALLEN_ZONE
from tests.support.board_page import Board
from tests.support.dashboard_page import DESKTOP, Dashboard

MOST_CLICKS = 6


class Newcomer:
    """Someone who opens the board and clicks."""

    def __init__(self, chrome: Chrome, service: Service) -> None:
        self.board = Board(chrome, service.base)
        self.event = Dashboard(chrome, service.base)
        self.board.resize(DESKTOP)
        self.board.open()
        self.clicks = 0

    def click(self, element: Any) -> None:
        self.clicks += 1
        element.click()

    def sort_by(self, name: str, *expected: str) -> None:
        """Click a column's head, and wait for the first events."""
        self.click(self.board.head(name))
        self.board.begins_with(list(expected))

    def open_first(self) -> None:
        """Click the first event, and wait for its page."""
        name = self.board.names[0]
        self.click(self.board.find("#rows .event a"))
        self.event.wait(lambda: name in self.event.text("h1"), "the event's page")
        self.event.wait_until("ready")


@pytest.fixture
def newcomer(chrome: Chrome, service: Service) -> Newcomer:
    return Newcomer(chrome, service)


def first_of(service: Service, **asked: str) -> tuple[dict[str, Any], str]:
    """The first event of the board's answer, and its name as the board shows it."""
    row: dict[str, Any] = service.get("board", active="true", sides="one", **asked)["data"][0]
    return row, str(row["name"]).removesuffix(" (simulated)")


def test_the_weeks_largest_fall_and_its_zone(newcomer: Newcomer, service: Service) -> None:
    newcomer.sort_by("7 days", FALLEN)
    assert newcomer.board.rows[0]["week"] == "-90.0%\n-$90.00"
    newcomer.open_first()
    zones = newcomer.event.wait(lambda: newcomer.event.table("zones"), "the zones")
    assert {zone["Zone"]: zone["Change"] for zone in zones} == {FALLEN_ZONE: "-90.0%", "Balcony": "0.0%"}
    (mover, *_) = service.get("movers", days="7", direction="down")["data"]
    assert (mover["name"], mover["zone"]) == (FALLEN, FALLEN_ZONE)
    assert newcomer.clicks <= MOST_CLICKS


def test_the_cheapest_pair_now(newcomer: Newcomer, service: Service) -> None:
    row, name = first_of(service, sort="price")
    newcomer.sort_by("Get-in", name)
    newcomer.open_first()
    cheapest = newcomer.event.wait(lambda: newcomer.event.table("listings"), "the listings")[0]
    (told,) = service.get(f"events/{row['id']}/listings", tickets="2", limit="1")["data"]
    assert cheapest["Price"] == f"${told['price']:,.2f}"
    assert told["section"] in cheapest["Seats"]
    assert newcomer.clicks <= MOST_CLICKS


def test_what_sold_yesterday(newcomer: Newcomer, service: Service) -> None:
    row, name = first_of(service, sort="-sold_tickets_1day")
    newcomer.sort_by("Sold in 24 h", name)
    assert int(newcomer.board.rows[0]["sold"].replace(",", "")) == row["sold_tickets_1day"] > 0
    newcomer.open_first()
    assert f"{row['sold_tickets_1day']:,} estimated" in newcomer.event.text("#figures").replace("\n", " ")
    newcomer.click(newcomer.event.find("#activity summary"))
    hours = newcomer.event.wait(lambda: newcomer.event.table("activity"), "the hours, made when the table opens")
    assert newcomer.event.find("#activity tbody").is_displayed()
    sold = [hour["Sold (estimated)"].replace(",", "") for hour in hours]
    assert sum(int(number) for number in sold if number.isdigit()) > 0
    assert newcomer.clicks <= MOST_CLICKS
