"""For everyone: by keyboard, by ear, on a phone, at night, without the internet; and for nobody who has no key."""

import re
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.browser.conftest import Service, running
from tests.support.dashboard_page import PHONE, Dashboard
from tests.support.databases import use_database
from tests.support.served_week import GAME, HOUR, LAST_HOUR, UPPER, in_words
from tickettape.api_schema import create_key, create_tenant
from tickettape.database import Warehouse


def test_every_field_has_its_name(dashboard: Dashboard) -> None:
    dashboard.open()
    fields = ("tickets", "basis", "days", "versus", "zone", "with", "where")
    assert [dashboard.find(f"#{name}").accessible_name for name in fields] == [
        *("Tickets together", "Prices", "Time", "Compare with an event"),
        *("Zone", "Compare with", "Zone of the listings"),
    ]
    assert dashboard.find("#versus").aria_role == "combobox"


def test_a_chart_is_read_by_keyboard_and_by_ear(dashboard: Dashboard) -> None:
    dashboard.open()
    chart = dashboard.find("#price-trends > svg")
    assert (chart.aria_role, chart.accessible_name) == ("slider", "Price trends")
    assert chart.get_attribute("aria-valuetext").startswith(f"{in_words(LAST_HOUR)}; Lowest $")
    dashboard.chrome.execute_script("arguments[0].focus()", chart)
    ActionChains(dashboard.chrome).send_keys(Keys.ARROW_LEFT).perform()
    row = dashboard.hours("price-trends")[in_words(LAST_HOUR - HOUR)]
    told = f"Lowest {row['Lowest']}, Average {row['Average']}, Highest {row['Highest']}"
    assert chart.get_attribute("aria-valuetext") == f"{in_words(LAST_HOUR - HOUR)}; {told}"
    ActionChains(dashboard.chrome).send_keys(Keys.TAB, Keys.ENTER).perform()
    assert dashboard.find("#price-trends details").get_attribute("open")
    dashboard.wait(lambda: dashboard.text("#price-trends caption").startswith("Price trends."), "the table")
    dashboard.screenshot("table")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_readable_on_a_phone_by_day_and_at_night(dashboard: Dashboard, dark: bool) -> None:
    dashboard.resize(PHONE, dark)
    dashboard.open()
    look: dict[str, Any] = dashboard.chrome.execute_script(
        """const least = (css) => Math.min(...[...document.querySelectorAll(css)]
               .filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().height));
           return {wide: document.documentElement.scrollWidth,
               fields: least("#filters :is(span, select, .picker input)"),
               letters: least("figure > svg text"), ink: getComputedStyle(document.body).color,
               page: getComputedStyle(document.body).backgroundColor}"""
    )
    assert look["wide"] <= PHONE[0], "nothing is cut off or scrolls sideways"
    assert look["fields"] >= 40, "a finger finds every field"
    assert look["letters"] >= 12

    def brightness(colour: str) -> int:
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    assert (brightness(look["page"]) < brightness(look["ink"])) is dark
    dashboard.screenshot(f"phone-{'dark' if dark else 'light'}")


def test_nothing_comes_from_elsewhere(dashboard: Dashboard) -> None:
    dashboard.open()
    asked = dashboard.requests()
    assert len(asked) > 8
    assert not [url for url in asked if not url.startswith((f"{dashboard.base}/", "data:"))]


def test_control_the_browser_reaches_nothing_else(chrome: Chrome, service: Service) -> None:
    """Another address of this very machine is out of reach: so is everything beyond it."""
    chrome.get(f"{service.base}/health")
    assert "ok" in chrome.page_source
    for elsewhere in (f"http://127.0.0.2:{service.port}/health", "http://example.com/"):
        with pytest.raises(WebDriverException, match="ERR_NAME_NOT_RESOLVED"):
            chrome.get(elsewhere)


def test_a_reader_brings_a_key_that_enters_no_url(
    chrome: Chrome,
    dashboard: Dashboard,
    service: Service,
    week_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    event = service.get("events", search=GAME)["data"][0]["id"]
    request.addfinalizer(service.start)  # a real marketplace ends the demonstration's key: visitors get another
    service.stop()
    use_database(monkeypatch, week_url)
    with Warehouse().connection() as connection:
        create_tenant(connection, "readers", sees_all=True)
        key = create_key(connection, "readers")
    with running(week_url, tmp_path, "vividseats") as real:
        own = Dashboard(chrome, real.base)
        own.visit(event)
        own.wait(lambda: own.find("#key").is_displayed(), "the question for a key")
        own.screenshot("key")
        own.find("#key-input").send_keys("tt_wrong", Keys.ENTER)
        own.wait(lambda: "unknown or was revoked" in own.says, "why it is refused")
        own.find("#key-input").send_keys(key, Keys.ENTER)
        own.wait_until("ready")
        own.open(event, zone=UPPER)  # the tab knows it still
        kept = "return [document.cookie, JSON.stringify(localStorage), location.href, document.body.innerHTML]"
        assert not [text for text in chrome.execute_script(kept) if key in text]
        asked = own.requests()
        assert [url for url in asked if "/api/analytics/" in url]
        assert not [url for url in asked if key in url]
        own.find("#forget").click()
        own.wait(lambda: own.find("#key").is_displayed(), "the question for a key")
        assert chrome.execute_script("return sessionStorage.length") == 0
