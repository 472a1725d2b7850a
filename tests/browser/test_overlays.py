"""Two events on one chart, by date or by days to the event; and two zones."""

from datetime import timedelta

import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import GAME, HOUR, LAST_HOUR, LOWER, PLAY, SOLD_AT, UPPER, in_words

DAYS_APART = 1  # the play is a day after the game


@pytest.fixture
def play(service: Service) -> str:
    """The id of the other event."""
    return str(service.get("events", search=PLAY)["data"][0]["id"])


def test_two_events_share_a_chart_by_date(dashboard: Dashboard, service: Service, play: str) -> None:
    game = service.get("events", search=GAME)["data"][0]["id"]
    dashboard.open(play, versus=game)
    row = dashboard.hours("get-in")[in_words(SOLD_AT - HOUR)]
    assert row == {"Hour": in_words(SOLD_AT - HOUR), PLAY: "–", GAME: "$65.00", "Remark": ""}
    assert dashboard.find("#versus").get_property("value") == GAME
    dashed, _ = dashboard.paths("get-in")[::-1]
    assert dashed.count("L") > 40
    dashboard.select("axis").select_by_value("days")
    dashboard.wait(lambda: "Days to the event" in dashboard.table("get-in")[0], "days to the event")
    assert "axis=days" in dashboard.chrome.current_url


def test_by_days_to_the_event_both_are_as_far_from_theirs(dashboard: Dashboard, service: Service, play: str) -> None:
    game = service.get("events", search=GAME)["data"][0]["id"]
    dashboard.open(play, versus=game, axis="days")
    rows = dashboard.hours("get-in")
    # the game is earlier: what happened to it an hour before its sale is drawn a day later, at the play's same distance
    there = SOLD_AT - HOUR + timedelta(days=DAYS_APART)
    assert rows[in_words(there)][GAME] == "$65.00"
    assert rows[in_words(there + HOUR)][GAME] == "$81.00"
    assert " d" in dashboard.text("#get-in .moment text")
    assert "days before" in dashboard.text("#get-in .when")
    dashboard.screenshot("days-to-the-event")


def test_the_other_event_shows_what_comes_next(dashboard: Dashboard, service: Service, play: str) -> None:
    """The game, compared with itself a day ahead: its points go on where the play's end."""
    game = service.get("events", search=GAME)["data"][0]["id"]
    dashboard.open(play, versus=game, axis="days")
    rows = dashboard.table("get-in")
    ahead = [row for row in rows if row[GAME] != "–" and row["Hour"] == in_words(LAST_HOUR + timedelta(days=1))]
    assert [row[GAME] for row in ahead] == ["$83.00"]
    assert {row["Remark"] for row in rows[-20:]} == {""}, "the future is not unobserved"


def test_two_zones_share_the_charts_of_one(dashboard: Dashboard) -> None:
    dashboard.open(zone=LOWER)
    dashboard.select("with").select_by_visible_text(f"{UPPER} (sold out)")
    dashboard.wait(lambda: f"Lowest, {UPPER}" in dashboard.text("#price-trends .readout"), "the other zone")
    hour = LAST_HOUR - 60 * HOUR
    alone = dashboard.hours("price-trends")[in_words(hour)]
    assert alone[f"Lowest, {UPPER}"] not in ("–", alone["Lowest"])
    for chart, line in (("group-prices", "For two"), ("ticket-counts", "Tickets"), ("price-distribution", "Median")):
        assert f"{line}, {UPPER}" in dashboard.table(chart)[0]
    assert "with=Upper+Deck" in dashboard.chrome.current_url
    dashboard.select("zone").select_by_visible_text(f"{UPPER} (sold out)")
    dashboard.wait(lambda: "Upper Deck, by hour" in dashboard.text("#price-trends .note"), "that zone alone")
    assert f"Lowest, {UPPER}" not in dashboard.table("price-trends")[0], "a zone is not compared with itself"
    dashboard.screenshot("zones")
