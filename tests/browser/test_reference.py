"""The reference: a call is tried in the browser, with a key, without the internet."""

import json
from typing import Any

import httpx
import pytest
from selenium.webdriver.common.by import By

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import GAME

OPERATION = "#operations-events-list_events"


@pytest.fixture
def page(dashboard: Dashboard) -> Dashboard:
    """The reference, at the search for events, with the key that the service gives everyone."""
    dashboard.chrome.get("about:blank")  # only a new page reads where to begin
    dashboard.chrome.get(f"{dashboard.base}/docs/api/#/events/list_events")
    dashboard.wait(
        lambda: dashboard.find(f"{OPERATION} [aria-label='authorization button locked']"), "the service's key"
    )
    return dashboard


def answered(page: Dashboard) -> tuple[int, Any]:
    """Execute the call; the status and the body that are shown."""
    page.find(f"{OPERATION} .execute").click()
    body = f"{OPERATION} .live-responses-table .highlight-code code"
    page.wait(lambda: page.text(body), "an answer")
    status = int(page.text(f"{OPERATION} .live-responses-table tbody .response-col_status"))
    return status, json.loads(page.find(body).get_attribute("textContent"))


def give_key(page: Dashboard, key: str) -> None:
    """Replace the key in the dialog."""
    page.find(".auth-wrapper .authorize").click()
    form = page.wait(lambda: page.find(".modal-ux .auth-container"), "the dialog")
    form.find_element(By.XPATH, ".//button[text()='Logout']").click()
    page.wait(lambda: form.find_element(By.CSS_SELECTOR, "input"), "the field").send_keys(key)
    form.find_element(By.XPATH, ".//button[text()='Authorize']").click()
    page.find(".modal-ux .close-modal").click()


def test_a_call_is_tried_and_answered_and_nothing_comes_from_elsewhere(page: Dashboard, service: Service) -> None:
    page.find(f"{OPERATION} tr[data-param-name='search'] input").send_keys(GAME)
    status, body = answered(page)
    assert status == 200
    assert [event["name"] for event in body["data"]] == [GAME]
    assert body == service.get("events", search=GAME)
    page.screenshot("reference")
    asked = page.requests()
    assert any("/api/events?search=" in url for url in asked)
    assert not [url for url in asked if not url.startswith((f"{page.base}/", "data:", "about:"))]
    assert not [entry["message"] for entry in page.log("browser") if entry["level"] == "SEVERE"]
    # control: what would come from elsewhere is refused by the policy
    page.chrome.execute_script("new Image().src = 'http://example.com/picture.png'")
    (refused, *_) = page.wait(lambda: page.log("browser"), "the refusal")
    assert "Content Security Policy" in refused["message"]


def test_a_wrong_key_is_refused_and_another_is_taken(page: Dashboard, service: Service) -> None:
    key = httpx.get(f"{service.base}/site/key").json()["key"]
    give_key(page, "tt_wrong")
    status, body = answered(page)
    assert (status, body["title"]) == (401, "Unauthorized")
    give_key(page, key)
    page.find(f"{OPERATION} .btn-clear").click()
    assert answered(page)[0] == 200
    assert not [url for url in page.requests() if key in url]
