"""What is said where there is nothing to draw, and how it goes on from there."""

from datetime import timedelta

import psycopg
import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import COURTSIDE, FIRST_HOUR, GAME, LAST_HOUR, LOWER, SEEN_IN_PART, UNSEEN, UPPER, VENUE


@pytest.mark.parametrize(("event", "zones"), [(UNSEEN, []), (SEEN_IN_PART, ["Balcony"])])
def test_an_event_without_a_complete_capture_says_so(
    dashboard: Dashboard, service: Service, event: str, zones: list[str]
) -> None:
    """Nor is anything of it called sold out."""
    dashboard.visit(event=service.get("events", search=event)["data"][0]["id"])
    dashboard.wait_until("empty")
    assert dashboard.says == "There is no complete capture of this event yet."
    assert dashboard.text("#captured") == "No complete capture yet"
    assert [option.get_attribute("textContent") for option in dashboard.select("zone").options] == zones
    assert not dashboard.find("#price-trends").is_displayed()
    dashboard.screenshot("empty")


def test_dates_that_nobody_looked_at_say_which_were(dashboard: Dashboard) -> None:
    dashboard.visit(**{"from": "2020-01-01", "to": "2020-01-02"})
    dashboard.wait_until("empty")
    assert "not observed between Jan 1, 2020 and Jan 2, 2020." in dashboard.says
    first, last = FIRST_HOUR, (LAST_HOUR + timedelta(minutes=40)).astimezone(VENUE)
    assert f"It was seen from {first:%b %-d, %Y} to {last:%b %-d, %Y}." in dashboard.says


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
            day = LAST_HOUR.astimezone(VENUE).date()
            dashboard.visit(**{"from": str(day)})  # not asked for before: what is known is answered 304
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
        dashboard.wait(lambda: dashboard.text("#live") == "Connecting", "the loss of the stream")
    finally:
        service.start()  # with another key for its visitors
    dashboard.find("#failure button").click()
    dashboard.shows(UPPER)
    dashboard.wait(lambda: dashboard.text("#live") == "Live", "the stream")


def test_a_busy_service_is_asked_again(dashboard: Dashboard, service: Service, week_url: str) -> None:
    """It answers two requests of a key at once, and refuses a third that waits for two seconds."""
    event = service.get("events", search=GAME)["data"][0]["id"]
    dashboard.open(event)
    dashboard.log("performance")
    with psycopg.connect(week_url) as connection:
        connection.execute("lock table analytics.price_distribution")
        dashboard.visit(event, days="1")
        refused: list[str] = []

        def is_refused() -> bool:
            refused.extend(e["message"] for e in dashboard.log("performance") if '"status":429' in e["message"])
            return bool(refused)

        dashboard.wait(is_refused, "a refusal")
        assert dashboard.state == "loading"
    dashboard.wait_until("ready")
