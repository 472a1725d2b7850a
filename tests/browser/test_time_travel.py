"""The listings of any time before: by dragging along the chart, by keyboard, and step by step."""

from datetime import timedelta

import pytest
from selenium.webdriver import ActionChains, Keys

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import HOUR, LAST_HOUR, LISTED_SINCE, SOLD_AT, VENUE, in_words


def _note(page: Dashboard) -> str:
    return page.text("#listings .note")


def _cheapest(page: Dashboard) -> str:
    return page.table("listings")[0]["Price"]


@pytest.fixture
def page(dashboard: Dashboard) -> Dashboard:
    """An event's page, of two days."""
    start, end = (hour.astimezone(VENUE).date() for hour in (LISTED_SINCE, LAST_HOUR))
    return dashboard.open(**{"from": str(start), "to": str(end)})


def test_dragging_back_shows_what_was_for_sale_then(page: Dashboard) -> None:
    assert _cheapest(page) == "$83.00"
    chart = page.find("#get-in > svg")
    width = chart.size["width"]
    drag = (
        ActionChains(page.chrome, duration=20).move_to_element_with_offset(chart, int(width * 0.45), 0).click_and_hold()
    )
    drag.move_by_offset(-20, 0).move_by_offset(int(-width * 0.2), 0).perform()
    page.wait(lambda: "as seen on" in _note(page), "the listings under the pointer")
    assert "at=" not in page.chrome.current_url, "not before the reader lets go"
    ActionChains(page.chrome).release().perform()
    page.wait(lambda: "at=" in page.chrome.current_url, "an address for it")
    page.wait(lambda: _cheapest(page) == "$65.00", "what was sold since")
    assert page.find("#get-in .marked").is_displayed()
    assert page.find("#listings").get_attribute("data-past") == "past"
    page.screenshot("past")
    seen = _note(page)
    page.chrome.refresh()
    page.wait_until("ready")
    page.wait(lambda: _note(page) == seen, "the same under the same address")
    assert page.find("#get-in .marked").is_displayed()
    page.find("#now").click()
    page.wait(lambda: _cheapest(page) == "$83.00", "what is for sale now")
    assert "at=" not in page.chrome.current_url
    page.chrome.back()
    page.wait(lambda: _cheapest(page) == "$65.00", "the time before, by the Back button")


def test_a_point_is_chosen_by_keyboard_and_escape_leads_back(page: Dashboard) -> None:
    chart = page.find("#get-in > svg")
    described = chart.get_attribute("aria-describedby")
    assert "press Enter" in page.text(f"#{described}")
    page.chrome.execute_script("arguments[0].focus()", chart)
    back = int((LAST_HOUR - SOLD_AT) / HOUR) + 1
    ActionChains(page.chrome).send_keys(*[Keys.ARROW_LEFT] * back, Keys.ENTER).perform()
    page.wait(lambda: _cheapest(page) == "$65.00", "what was for sale before the sale")
    assert in_words(SOLD_AT - HOUR) in _note(page)
    ActionChains(page.chrome).send_keys(Keys.ARROW_RIGHT, Keys.ENTER).perform()
    assert page.text("#get-in .when") == in_words(SOLD_AT)
    page.wait(lambda: in_words(SOLD_AT) in _note(page) and _cheapest(page) != "$65.00", "the next hour")
    ActionChains(page.chrome).send_keys(Keys.ESCAPE).perform()
    page.wait(lambda: "now: seen" in _note(page), "now")


def test_every_tick_is_reached_by_the_buttons(page: Dashboard) -> None:
    page.find("#earlier").click()
    page.wait(lambda: in_words(LAST_HOUR) in _note(page), "the tick before the last")
    page.find("#earlier").click()
    page.wait(lambda: in_words(LAST_HOUR - HOUR) in _note(page), "the one before")
    page.find("#later").click()
    page.wait(lambda: in_words(LAST_HOUR) in _note(page), "forward again")
    page.find("#later").click()
    page.wait(lambda: in_words(LAST_HOUR + timedelta(minutes=40)) in _note(page), "the last tick")


def test_later_leads_to_now_where_nobody_looked_for_more_than_a_day(page: Dashboard) -> None:
    last = LAST_HOUR + timedelta(minutes=40)
    page.chrome.get(f"{page.chrome.current_url}&at={last:%Y-%m-%dT%H:%M:%SZ}")
    page.wait_until("ready")
    page.wait(lambda: f"as seen on {in_words(last)}" in _note(page), "the last tick")
    page.chrome.execute_script("const now = Date.now; Date.now = () => now() + 4 * 86_400_000")
    page.find("#later").click()
    page.wait(lambda: "now: seen 4 days ago" in _note(page), "now")


@pytest.mark.parametrize("button", ["#later", "#listings tbody button"])
def test_a_button_that_gets_no_answer_says_so(page: Dashboard, service: Service, button: str) -> None:
    page.find("#earlier").click()
    page.wait(lambda: in_words(LAST_HOUR) in _note(page), "the tick before the last")
    service.stop()
    try:
        page.find(button).click()
        page.wait(lambda: page.text("#stale") == "The service cannot be reached.", "why nothing came")
        assert in_words(LAST_HOUR) in _note(page), "what was shown stays"
    finally:
        service.start()


def test_a_time_without_listings_says_so(page: Dashboard) -> None:
    page.chrome.get(f"{page.chrome.current_url}&at={LISTED_SINCE - 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    page.wait_until("ready")
    assert _note(page).startswith("No listings are known for")
    assert not page.chrome.find_elements("css selector", "#listings tr")
