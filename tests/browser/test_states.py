"""What is said where there is nothing to draw, and how it goes on from there."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import COURTSIDE, FIRST_HOUR, GAME, LAST_HOUR, LOWER, SEEN_IN_PART, UNSEEN, UPPER


@pytest.mark.parametrize(("event", "zones"), [(UNSEEN, []), (SEEN_IN_PART, ["Balcony"])])
def test_an_event_without_a_complete_capture_says_so(
    dashboard: Dashboard, service: Service, event: str, zones: list[str]
) -> None:
    """Nor is anything of it called sold out."""
    dashboard.visit(event=service.get("events", search=event)["data"][0]["id"])
    dashboard.wait_until("empty")
    assert dashboard.says == "There is no complete capture of this event yet."
    assert dashboard.text("#captured") == "No complete capture yet"
    assert [option.text for option in dashboard.select("zone").options] == zones
    assert not dashboard.find("#price-trends").is_displayed()
    dashboard.screenshot("empty")


def test_dates_that_nobody_looked_at_say_which_were(dashboard: Dashboard) -> None:
    dashboard.visit(**{"from": "2020-01-01", "to": "2020-01-02"})
    dashboard.wait_until("empty")
    assert "between 2020-01-01 and 2020-01-02." in dashboard.says
    assert f"It was seen from {FIRST_HOUR.date()} to {LAST_HOUR.date()}." in dashboard.says


def test_a_slow_service_is_waited_for_and_the_newest_choice_wins(dashboard: Dashboard, service: Service) -> None:
    dashboard.open(zone=LOWER)
    with service.asleep():
        dashboard.select("zone").select_by_value(COURTSIDE)
        dashboard.select("zone").select_by_value(UPPER)
        assert (dashboard.state, dashboard.says) == ("loading", "Loading …")
        assert dashboard.find("#charts").get_attribute("aria-busy") == "true"
    dashboard.shows(UPPER)
    assert dashboard.find("#charts").get_attribute("aria-busy") == "false"
    assert f"zone={UPPER.replace(' ', '+')}" in dashboard.chrome.current_url


def test_the_apis_refusal_is_told(dashboard: Dashboard) -> None:
    dashboard.visit(**{"from": "2026-11-20", "to": "2026-11-10"})
    dashboard.wait_until("error")
    assert "start_date is after end_date" in dashboard.says


def test_a_failing_api_is_told_and_asked_again(dashboard: Dashboard, week_url: str) -> None:
    with psycopg.connect(week_url, autocommit=True) as connection:
        connection.execute("revoke select on analytics.aggregated_analytics from tickettape_reader")
        try:
            dashboard.visit(**{"from": str(LAST_HOUR.date())})  # not asked for before: what is known is answered 304
            dashboard.wait_until("error")
            assert "The service failed" in dashboard.says
            assert dashboard.find("#failure").get_attribute("role") == "alert"
            assert not dashboard.find("#price-trends").is_displayed()
            dashboard.screenshot("error")
        finally:
            connection.execute("grant select on analytics.aggregated_analytics to tickettape_reader")
    dashboard.find("#failure button").click()
    dashboard.wait_until("ready")


def test_a_service_that_is_gone_is_told_and_found_again(dashboard: Dashboard, service: Service) -> None:
    dashboard.open()
    service.stop()
    try:
        dashboard.select("zone").select_by_value(UPPER)
        dashboard.wait_until("error")
        assert dashboard.says == "The service cannot be reached."
    finally:
        service.start()  # with another key for its visitors
    dashboard.find("#failure button").click()
    dashboard.shows(UPPER)


@pytest.fixture
def impatient(dashboard: Dashboard) -> Iterator[Dashboard]:
    """The page looks again ten times a second instead of once a minute."""
    source = "const every = setInterval; window.setInterval = (look, ms) => every(look, ms / 600);"
    added = dashboard.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    yield dashboard
    dashboard.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    dashboard.chrome.get("about:blank")


def test_what_is_new_appears_by_itself_and_disturbs_no_one_who_types(impatient: Dashboard, week_url: str) -> None:
    impatient.open()
    field = impatient.find("#event")
    field.click()
    field.send_keys("half a wo")
    rename = "update market.events set name = %s, updated_at = clock_timestamp() where name = %s"
    with psycopg.connect(week_url, autocommit=True) as connection:
        connection.execute(rename, ["Bulls vs. Knicks", GAME])
        try:
            impatient.wait(lambda: impatient.text("h2") == "Bulls vs. Knicks", "the event's new name")
            assert field.get_property("value") == "half a wo"
        finally:
            connection.execute(rename, [GAME, "Bulls vs. Knicks"])
