"""Each filter changes the charts, and the URL with them."""

from datetime import timedelta

import pytest
from selenium.webdriver import Keys

from tests.browser.test_charts import NO_VALUE
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import FIRST_HOUR, GAME, LAST_HOUR, LOWER, PLAY, UPPER, day_in_words


def test_an_event_is_found_by_typing(dashboard: Dashboard) -> None:
    dashboard.open()
    field = dashboard.find("#event")
    field.click()
    field.send_keys("quiet")
    dashboard.wait(lambda: dashboard.text("#event-list").startswith(PLAY), "the event that was typed")
    assert field.get_attribute("aria-expanded") == "true"
    dashboard.screenshot("search")
    field.send_keys(Keys.ENTER)
    dashboard.shows("Stalls")
    assert dashboard.text("h2") == PLAY


def test_what_is_not_found_is_said_and_escape_goes_back(dashboard: Dashboard) -> None:
    dashboard.open()
    field = dashboard.find("#event")
    field.click()
    field.send_keys("no such thing")
    dashboard.wait(lambda: "No event name contains" in dashboard.text("#event-list"), "a word that nothing was found")
    field.send_keys(Keys.ESCAPE)
    assert field.get_property("value") == GAME
    assert field.get_attribute("aria-expanded") == "false"


def test_an_event_is_chosen_from_the_list_by_arrows(dashboard: Dashboard) -> None:
    dashboard.open()
    field = dashboard.find("#event")
    field.click()
    dashboard.wait(lambda: dashboard.text("#event-list").startswith(GAME), "every event")
    field.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    active = field.get_attribute("aria-activedescendant")
    assert dashboard.text(f"#{active}").startswith(PLAY)
    field.send_keys(Keys.ENTER)
    dashboard.shows("Stalls")


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
    dashboard.select("basis").select_by_value("all_in")
    dashboard.shows("all-in. With fees only the lowest price is known.")
    all_in = dashboard.hours("price-trends")
    for hour, row in all_in.items():
        assert row["Average"] == NO_VALUE
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


def test_another_event_keeps_the_dates_and_takes_a_zone_of_its_own(dashboard: Dashboard) -> None:
    day = str(LAST_HOUR.date() - timedelta(days=3))
    dashboard.open(zone=LOWER, to=day, **{"from": day})
    field = dashboard.find("#event")
    field.click()
    field.send_keys("quiet")
    dashboard.wait(lambda: dashboard.text("#event-list").startswith(PLAY), "the event that was typed")
    dashboard.find("#event-list li").click()
    dashboard.shows("Stalls")
    assert len(dashboard.table("ticket-counts")) == 24
    assert "zone=Stalls" in dashboard.chrome.current_url


def test_a_long_range_is_by_day(dashboard: Dashboard) -> None:
    dashboard.open(**{"from": str(FIRST_HOUR.date() - timedelta(days=12))})
    assert "by day" in dashboard.text("#ticket-counts .note")
    rows = {row["Day (UTC)"]: row for row in dashboard.table("ticket-counts")}
    assert next(iter(rows.values()))["Remark"] == "not observed"
    day = rows[day_in_words(LAST_HOUR - timedelta(days=2))]
    assert float(day["Tickets"]) > 0
    assert day["Listings"] == NO_VALUE
