"""The page follows the event's stream: what is new appears by itself, and nothing asks each minute."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import GAME


@contextmanager
def _renamed(url: str, event: str, name: str) -> Iterator[None]:
    """For the block the event has another name, as after a tick: its streams are told at once."""
    rename = "update market.events set name = %s, updated_at = clock_timestamp() where id = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        for words in (name, GAME):
            connection.execute(rename, [words, event])
            connection.execute("select pg_notify('tickettape_prices', %s)", [event])
            if words == name:
                yield


@pytest.fixture
def event(service: Service) -> str:
    """The game's id."""
    return str(service.get("events", search=GAME)["data"][0]["id"])


def _is_live(page: Dashboard) -> None:
    page.wait(lambda: page.text("#live") == "Live", "the stream")


def test_what_is_new_appears_at_once_and_disturbs_no_one_who_types(
    dashboard: Dashboard, week_url: str, event: str
) -> None:
    dashboard.open()
    _is_live(dashboard)
    field = dashboard.find("#versus")
    field.click()
    field.send_keys("half a wo")
    dashboard.requests()
    with _renamed(week_url, event, "Bulls vs. Knicks"):
        dashboard.wait(lambda: dashboard.text("#name") == "Bulls vs. Knicks", "the event's new name")
        assert field.get_property("value") == "half a wo"
        assert dashboard.state == "ready"
    dashboard.wait(lambda: dashboard.text("#name") == GAME, "its old name")


def test_what_is_drawn_again_leaves_the_focus_and_what_was_opened(
    dashboard: Dashboard, week_url: str, event: str
) -> None:
    dashboard.open()
    _is_live(dashboard)
    button = dashboard.find("#listings tbody tr:nth-child(2) button")
    button.send_keys(Keys.ENTER)
    dashboard.wait(lambda: dashboard.find("#listings .history"), "its history")
    with _renamed(week_url, event, "Bulls vs. Knicks"):
        dashboard.wait(lambda: dashboard.text("#name") == "Bulls vs. Knicks", "the event's new name")
        dashboard.wait(lambda: not _is_attached(button), "the table's new rows")
        dashboard.wait(lambda: dashboard.find("#listings .history"), "the same history")
        focused = dashboard.chrome.switch_to.active_element
        assert focused.get_attribute("data-key") == "L5"
        assert focused.get_attribute("aria-expanded") == "true"
        assert dashboard.find("#get-in > svg").is_displayed()
    dashboard.wait(lambda: dashboard.text("#name") == GAME, "its old name")


def _is_attached(element: WebElement) -> bool:
    try:
        return bool(element.tag_name)
    except StaleElementReferenceException:
        return False


def test_the_page_asks_for_nothing_until_it_is_told(dashboard: Dashboard) -> None:
    """Its timers run 600 times as fast: a page that asks each minute would do so ten times a second."""
    source = "const every = setInterval; window.setInterval = (look, ms) => every(look, ms / 600);"
    added = dashboard.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        dashboard.open()
        _is_live(dashboard)
        assert len([url for url in dashboard.requests() if url.endswith("/stream")]) == 1
        time.sleep(0.5)
        assert not dashboard.requests()
    finally:
        dashboard.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        dashboard.chrome.get("about:blank")


def test_a_page_that_nobody_sees_holds_no_stream(dashboard: Dashboard) -> None:
    dashboard.open()
    _is_live(dashboard)
    dashboard.requests()
    hide = """Object.defineProperty(document, "hidden", { value: arguments[0], configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));"""
    dashboard.chrome.execute_script(hide, True)
    dashboard.wait(lambda: dashboard.find("#live").get_attribute("data-state") == "waiting", "the stream's end")
    dashboard.chrome.execute_script(hide, False)
    _is_live(dashboard)
    assert len([url for url in dashboard.requests() if url.endswith("/stream")]) == 1
