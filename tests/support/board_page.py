"""The board in the browser of the tests."""

from typing import Any
from urllib.parse import urlencode

from selenium.webdriver.common.by import By

from tests.support.dashboard_page import Dashboard

_ROWS = """return [...document.querySelectorAll("#rows tr[data-id]")].map((row) => Object.fromEntries(
    [...row.cells].map((cell) => [cell.className, cell.innerText])))"""


class Board(Dashboard):
    """The board as a reader has it."""

    def open(self, event: str = "", **filters: str) -> "Board":  # the board is of no event
        """Open the board with filters in its URL, and wait for its rows."""
        assert not event
        self.visit(**filters)
        self.wait_until("ready")
        return self

    def visit(self, event: str = "", **filters: str) -> None:
        """Open the board with filters in its URL."""
        assert not event
        self.chrome.get(f"{self.base}/?{urlencode(filters)}")

    @property
    def state(self) -> str:
        """What the rows' place shows."""
        return str(self.chrome.execute_script("return document.getElementById('events').dataset.state"))

    @property
    def rows(self) -> list[dict[str, str]]:
        """The events that are shown: the visible text of each cell."""
        return list(self.chrome.execute_script(_ROWS))

    @property
    def names(self) -> list[str]:
        """The events' names, in their order."""
        return [row["event"].partition("\n")[0] for row in self.rows]

    def shows_names(self, *names: str) -> None:
        """Wait until exactly these events are shown."""
        self.wait(lambda: self.state == "ready" and self.names == list(names), f"{names} instead of {self.names}")

    def begins_with(self, names: list[str]) -> None:
        """Wait until these events are the first."""
        self.wait(lambda: self.names[: len(names)] == names, f"first {names} instead of {self.names}")

    def head(self, name: str) -> Any:
        """A column's head."""
        return self.chrome.find_element(By.XPATH, f"//th[normalize-space()='{name}']")

    def choose(self, name: str, value: str) -> None:
        """Choose one of few: the label is what a finger hits."""
        self.find(f"label:has([name={name}][value='{value}'])").click()

    def fill_in(self, name: str, date: str) -> None:
        """Fill a date in: its keys depend on the browser's language, its value does not."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))"
        self.chrome.execute_script(script, self.find(f"#{name}"), date)
