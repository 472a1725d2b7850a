"""A price alert from the event's page to a received message, by keyboard alone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.browser.conftest import Service, running
from tests.support.axe import violations
from tests.support.dashboard_page import DESKTOP, Dashboard
from tests.support.databases import fresh_database
from tests.support.listing_chains import put
from tests.support.mail_server import Inbox, mail_server
from tests.support.served_week import GAME
from tests.support.tools import needs_axe
from tickettape.database import ensure_partitions
from tickettape.listing_history.states import states_between
from tickettape.price_alerts import deliver_due, evaluate_alerts, new_key
from tickettape.settings import Settings

TEN = timedelta(minutes=10)


class Reader:
    """Somebody who only has a keyboard, and a mailbox."""

    def __init__(self, page: Dashboard, inbox: Inbox, settings: Settings, url: str) -> None:
        self.page, self.inbox, self.settings, self.url = page, inbox, settings, url

    def tab_to(self, css: str) -> None:
        """Press Tab until an element has the focus."""
        self.page.wait(lambda: self.page.find(css).is_displayed(), css)
        for _ in range(300):
            if self.page.chrome.execute_script("return document.activeElement.matches(arguments[0])", css):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"Tab does not reach {css}")

    def press(self, *keys: str) -> None:
        ActionChains(self.page.chrome).send_keys(*keys).perform()

    def type(self, css: str, text: str, *then: str) -> None:
        """Type into a field."""
        self.tab_to(css)
        self.press(text, *then)

    def open_alerts(self) -> None:
        """Open the page of alerts."""
        self.page.chrome.get(f"{self.page.base}/alerts")
        self.page.wait(lambda: self.page.find("#content[data-state=ready]"), "the alerts")

    def says(self, css: str, words: str) -> None:
        """Wait until a text says something."""
        self.page.wait(lambda: words in self.page.text(css), f"{words!r} in {css}")

    def a_tick_passes(self) -> None:
        """A capture shows the game's listings as they were, rules are evaluated, and messages are sent."""
        now = datetime.now(UTC)
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("select event_key from market.events where name = %s", [GAME]).fetchone()
            assert row
            tick = now.replace(second=0, microsecond=0)
            *_, (_, _, stand) = states_between(connection, row[0], now - timedelta(days=1), now)
            ensure_partitions(connection, [tick])
            put(connection, row[0], tick, {offer: standing[2:] for offer, standing in stand.items()})
            assert evaluate_alerts(connection, now, {"simulator": TEN, "vividseats": TEN})
            deliver_due(connection, self.settings, lambda: datetime.now(UTC), for_at_most=TEN)


@pytest.fixture(scope="module")
def reader(
    chrome: Chrome, server_url: str, week_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """On a week of its own: a tick passes in it, and each service that starts has a new key for visitors."""
    home: Path = tmp_path_factory.mktemp("alerts")
    with mail_server() as inbox, fresh_database(server_url, week_template) as url:
        key = new_key()
        more = {"PRICE_ALERTS_KEY": key, "PRICE_ALERTS_SMTP_URL": inbox.url}
        settings = Settings(price_alerts_key=SecretStr(key), price_alerts_smtp_url=SecretStr(inbox.url))
        with running(url, home, "simulator", **more) as service:
            page = Dashboard(chrome, service.base)
            page.resize(DESKTOP)
            yield Reader(page, inbox, settings, url)


@needs_axe
def test_an_alert_is_set_previewed_received_paused_and_deleted_by_keyboard(reader: Reader) -> None:
    page = reader.page
    reader.open_alerts()
    reader.type("#destination-name", "my mail")
    reader.type("#destination-address", "ann@example.com", Keys.ENTER)
    reader.says("#said", "A code was sent")
    code = re.search(r"\d{6}", reader.inbox.mails[-1].get_content())
    assert code
    page.chrome.find_element("tag name", "body").click()  # the page was made anew, and Tab begins at its top
    reader.type("#destinations input", code[0], Keys.ENTER)
    reader.says("#said", "Alerts can be sent to my mail")
    assert violations(page.chrome) == []

    page.open()
    reader.type("#alert-number", "90")
    reader.says("#alert-preview", "would have told you")
    assert page.find(".limit text").text == "Alert: $90.00"
    assert len(page.chrome.find_elements("css selector", ".would-tell")) >= 1
    assert violations(page.chrome) == []
    reader.tab_to("#alert form button")
    reader.press(Keys.ENTER)
    reader.says("#alert-preview", "Saved: 2 tickets for at most 90.00 before fees")

    reader.a_tick_passes()
    mail = reader.inbox.mails[-1]
    assert mail["subject"].startswith(GAME)
    assert "before fees" in mail.get_content()

    reader.open_alerts()
    assert "delivered" in page.text("#history")
    reader.tab_to("#rules button[aria-label^='Edit']")
    reader.press(Keys.ENTER)
    page.wait(lambda: page.chrome.execute_script("return document.activeElement.id === 'edit-number'"), "the form")
    assert violations(page.chrome) == []
    reader.press(Keys.ARROW_UP, Keys.ENTER)
    reader.says("#said", "The alert is changed")
    page.chrome.find_element("tag name", "h1").click()
    reader.tab_to("#rules button[aria-label^='Pause']")
    reader.press(Keys.ENTER)
    reader.says("#said", "The alert is paused")
    reader.says("#rules", "paused")
    page.chrome.find_element("tag name", "h1").click()
    reader.tab_to("#rules button[aria-label^='Delete']")
    reader.press(Keys.ENTER)
    reader.says("#said", "The alert is deleted")
    reader.says("#rules", "There is no rule yet")


def test_a_rule_about_all_events_of_a_performer_is_tried_and_saved(reader: Reader) -> None:
    page = reader.page
    with psycopg.connect(reader.url, autocommit=True) as connection:
        connection.execute(
            "update market.events set page_url = 'https://market.example/1', updated_at = now() where name = %s", [GAME]
        )
    page.open()
    assert page.find("#place a").get_attribute("href") == "https://market.example/1"
    reader.type("#alert-number", "90")
    reader.says("#alert-preview", "would have told you")
    page.chrome.execute_script("document.getElementById('alert-preview').textContent = ''")
    reader.tab_to("#alert-about")
    reader.press(Keys.ARROW_DOWN)
    assert page.find("#alert-about").get_property("value") == "performer"
    reader.says("#alert-preview", "would have told you")
    reader.tab_to("#alert form button")
    reader.press(Keys.ENTER)
    reader.says("#alert-preview", "Saved: 2 tickets for at most 90.00 before fees")
    reader.open_alerts()
    reader.says("#rules", "performer ")
    reader.tab_to("#rules button[aria-label^='Preview']")
    reader.press(Keys.ENTER)
    reader.says("#said", "In the last 30 days it would have told you")
    page.chrome.find_element("tag name", "h1").click()
    reader.tab_to("#rules button[aria-label^='Delete']")
    reader.press(Keys.ENTER)
    reader.says("#rules", "There is no rule yet")


def test_the_limit_is_dragged_on_the_chart(reader: Reader) -> None:
    page = reader.page
    page.open()
    reader.type("#alert-number", "90")
    page.wait(lambda: page.find(".limit text").text == "Alert: $90.00", "the limit")
    handle = page.find(".limit .handle")
    page.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    ActionChains(page.chrome).move_to_element(handle).click_and_hold().move_by_offset(0, -40).release().perform()
    page.wait(lambda: float(page.find("#alert-number").get_property("value")) > 92, "a higher limit")
    assert page.find(".limit text").text.startswith("Alert: $")


def test_what_cannot_be_saved_is_said(reader: Reader, service: Service) -> None:
    """A service without a key for destinations."""
    page = Dashboard(reader.page.chrome, service.base)
    page.chrome.get(f"{service.base}/alerts")
    page.wait(lambda: page.find("#content[data-state=ready]"), "the alerts")
    assert "no feed" in page.text("#feed")
    other = Reader(page, reader.inbox, reader.settings, reader.url)
    other.type("#destination-name", "my mail")
    other.type("#destination-address", "ann@example.com", Keys.ENTER)
    other.says("#said", "PRICE_ALERTS_KEY is not set")
