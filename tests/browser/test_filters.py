"""Each filter changes the charts, and the URL with them."""

from datetime import timedelta
from typing import Any

import pytest
from selenium.webdriver import Keys

from tests.browser.test_charts import NO_VALUE
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import FIRST_HOUR, GAME, LAST_HOUR, PLAY, UPPER, day_in_words


def _type(dashboard: Dashboard, text: str) -> Any:
    field = dashboard.find("#versus")
    field.click()
    field.send_keys(text)
    return field


def test_an_event_to_compare_with_is_found_by_typing(dashboard: Dashboard) -> None:
    dashboard.open()
    field = _type(dashboard, "quiet")
    dashboard.wait(lambda: dashboard.text("#versus-list").startswith(PLAY), "the event that was typed")
    assert field.get_attribute("aria-expanded") == "true"
    dashboard.screenshot("search")
    field.send_keys(Keys.ENTER)
    dashboard.wait(lambda: PLAY in dashboard.text("#get-in .readout"), "the other event")
    assert field.get_property("value") == PLAY
    assert dashboard.text("#name") == GAME


def test_what_is_not_found_is_said_and_escape_goes_back(dashboard: Dashboard) -> None:
    dashboard.open()
    field = _type(dashboard, "no such thing")
    dashboard.wait(lambda: "No event name contains" in dashboard.text("#versus-list"), "a word that nothing was found")
    field.send_keys(Keys.ESCAPE)
    assert field.get_property("value") == ""
    assert field.get_attribute("aria-expanded") == "false"


def test_an_event_is_chosen_from_the_list_by_arrows_and_taken_away_again(dashboard: Dashboard) -> None:
    dashboard.open()
    field = dashboard.find("#versus")
    field.click()
    dashboard.wait(lambda: dashboard.text("#versus-list").startswith(PLAY), "every other event")
    field.send_keys(Keys.ARROW_DOWN)
    active = field.get_attribute("aria-activedescendant")
    assert dashboard.text(f"#{active}").startswith(PLAY)
    field.send_keys(Keys.ENTER)
    dashboard.wait(lambda: PLAY in dashboard.text("#get-in .readout"), "the other event")
    assert "versus=" in dashboard.chrome.current_url
    field.click()
    dashboard.wait(lambda: dashboard.text("#versus-list").startswith("None"), "no event")
    field.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    dashboard.wait(lambda: PLAY not in dashboard.text("#get-in .readout"), "this event alone")
    assert "versus=" not in dashboard.chrome.current_url


def test_zone_dates_and_fees_change_the_charts_and_the_url(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.select("zone").select_by_value(UPPER)
    dashboard.shows(f"{UPPER}, by hour")
    day = LAST_HOUR - timedelta(days=3)
    dashboard.fill("from", str(day.date()))
    dashboard.fill("to", str(day.date()))
    dashboard.wait(lambda: len(dashboard.table("ticket-counts")) == 24, "the hours of one day")
    assert {row["Hour"].rpartition(",")[0] for row in dashboard.table("ticket-counts")} == {day_in_words(day)}
    before_fees = dashboard.hours("price-trends")
    dashboard.choose("basis", "all_in")
    dashboard.shows("all-in. With fees only the lowest price is known.")
    all_in = dashboard.hours("price-trends")
    for hour, row in all_in.items():
        assert "Average" not in row
        lowest, with_fees = (float(one["Lowest"].lstrip("$")) for one in (before_fees[hour], row))
        assert with_fees == pytest.approx(lowest * 1.25, abs=0.02)

    shared = dashboard.chrome.current_url
    for part in ("/events/", "zone=Upper+Deck", f"from={day.date()}", f"to={day.date()}", "basis=all_in"):
        assert part in shared
    dashboard.chrome.back()
    dashboard.shows("before fees")
    assert dashboard.hours("price-trends") == before_fees
    dashboard.chrome.get("about:blank")
    dashboard.chrome.get(shared)
    dashboard.wait_until("ready")
    assert dashboard.hours("price-trends") == all_in


def test_the_number_of_tickets_and_the_time_change_the_page(dashboard: Dashboard) -> None:
    dashboard.open()
    assert "two get in together" in dashboard.text("#get-in .note")
    dashboard.choose("tickets", "4")
    dashboard.wait(lambda: "four get in together" in dashboard.text("#get-in .note"), "prices for four")
    dashboard.wait(lambda: "Get-in for 4, before fees\n$110.00" in dashboard.text("#figures"), "what four cost")
    dashboard.wait(lambda: len(dashboard.table("listings")) == 1, "the one listing of four")
    assert not dashboard.find("#from").is_displayed()
    dashboard.select("days").select_by_value("1")
    dashboard.wait(lambda: len(dashboard.table("price-trends")) == 25, "the hours of a day")
    dashboard.select("days").select_by_value("dates")
    dashboard.wait(lambda: dashboard.find("#from").is_displayed(), "fields for dates")
    for part in ("tickets=4", "from=", "to="):
        assert part in dashboard.chrome.current_url


def test_a_long_range_is_by_day(dashboard: Dashboard) -> None:
    dashboard.open(**{"from": str(FIRST_HOUR.date() - timedelta(days=12))})
    assert "by day" in dashboard.text("#ticket-counts .note")
    rows = {row["Day (UTC)"]: row for row in dashboard.table("ticket-counts")}
    assert next(iter(rows.values()))["Remark"] == "not observed"
    day = rows[day_in_words(LAST_HOUR - timedelta(days=2))]
    assert float(day["Tickets"]) > 0
    assert day["Listings"] == NO_VALUE
