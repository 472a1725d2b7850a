"""The page of links: everybody reads, an operator decides, by mouse or keyboard."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Keys

from tests.support.board_events import AT_MARKETS, MARKETS
from tests.support.dashboard_page import DESKTOP, PHONE, Dashboard
from tickettape.api_schema import create_key
from tickettape.api_schema.tenants import DEMO
from tickettape.database import Warehouse


class LinksPage(Dashboard):
    """The page as a reader has it."""

    def open(self, event: str = "", **filters: str) -> "LinksPage":
        """Open the links of a state, and wait for them."""
        self.chrome.get(f"{self.base}/links/?state={filters['state']}")
        self.wait(lambda: self.state == "ready", "links")
        return self

    @property
    def state(self) -> str:
        """What the links' place shows."""
        return str(self.chrome.execute_script("return document.getElementById('links').dataset.state"))

    @property
    def cards(self) -> list[str]:
        """The visible text of each link."""
        return [card.text for card in self.chrome.find_elements("css selector", "#list > li")]

    @property
    def buttons(self) -> list[str]:
        """What can be decided about the first link."""
        return [one.text for one in self.chrome.find_elements("css selector", "#list > li:first-child button")]


@pytest.fixture
def page(dashboard: Dashboard) -> Iterator[LinksPage]:
    """The page, with the key that every visitor has; the tab forgets its own afterwards."""
    yield LinksPage(dashboard.chrome, dashboard.base)
    dashboard.chrome.execute_script("sessionStorage.clear()")


def test_everybody_reads_a_link_with_both_sides_rule_and_confidence_and_decides_nothing(page: LinksPage) -> None:
    page.open(state="confirmed")
    assert len(page.cards) == 2
    card = page.cards[0]
    assert card.count(AT_MARKETS) == 2
    assert f"{MARKETS[0]} many-0" in card
    assert f"{MARKETS[2]} many-2" in card
    assert "confirmed: by hand · confidence 100% · " in card
    assert page.buttons == []
    assert page.find("#operator").is_displayed()
    page.find("label:has([value=refused])").click()
    page.wait(lambda: page.state == "empty", "that none was refused")
    assert "state=refused" in page.chrome.current_url


def test_an_operator_refuses_and_takes_it_back_by_keyboard(page: LinksPage) -> None:
    with Warehouse().connection() as connection:
        key = create_key(connection, DEMO, operator=True)
    page.open(state="confirmed")
    page.find("#change").click()
    page.find("#key-input").send_keys(key, Keys.ENTER)
    page.wait(lambda: page.buttons == ["Not the same", "Undo"], "what can be decided")
    for size, name in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.resize(size)
        assert page.chrome.execute_script("return document.documentElement.scrollWidth") == size[0]
        page.screenshot(f"links-{name}", "main")
    page.find("#list button").send_keys(Keys.ENTER)
    page.wait(lambda: page.buttons == ["Same event", "Undo"], "that it was refused")
    assert page.text("#said") == "Now refused." or "Now refused." in page.find("#said").get_attribute("textContent")
    assert page.chrome.switch_to.active_element.text == "Undo", "the focus is on what takes it back"
    ActionChains(page.chrome).send_keys(Keys.ENTER).perform()
    page.wait(lambda: page.buttons == ["Not the same", "Undo"], "that it is confirmed again")
