"""What is drawn is what the API tells: prices, gaps, and sold-out hours."""

import re
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from selenium.webdriver import ActionChains

from tests.browser.conftest import Service
from tests.support.dashboard_page import CHARTS, DESKTOP, Dashboard
from tests.support.served_week import (
    ANNOUNCED,
    COURTSIDE,
    GAME,
    HOUR,
    LAST_HOUR,
    LOWER,
    NEW,
    SOLD_OUT_SINCE,
    UNOBSERVED,
    UPPER,
    in_words,
)

COLUMNS = {
    "price-trends": {"Lowest": "min_price", "Average": "avg_price", "Highest": "max_price"},
    "group-prices": {"For one": "price_1", "For two": "price_2", "For four": "price_4"},
    "ticket-counts": {"Tickets": "total_tickets", "Listings": "total_listings"},
}
NO_VALUE = "–"


def test_an_event_says_what_it_is_and_when_at_its_venue(dashboard: Dashboard, service: Service) -> None:
    (event,) = service.get("events", search=GAME)["data"]
    dashboard.open(event["id"])
    assert dashboard.text("#name") == GAME
    starts = datetime.fromisoformat(event["date"])
    assert dashboard.text("#place").startswith(f"United Center, Chicago · {in_words(starts)}, ")
    told = dashboard.find("#place time").get_attribute("title").replace("\u202f", " ")
    assert told.endswith(f"{starts:%-I:%M %p} UTC")
    assert re.search(r"Last capture \d+ minutes ago", dashboard.text("#captured"))
    assert dashboard.select("zone").first_selected_option.text == LOWER, "the first zone that is for sale"
    dashboard.screenshot("week")
    assert not [entry for entry in dashboard.log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_week_is_drawn_as_the_api_tells_it(dashboard: Dashboard, service: Service, chart: str) -> None:
    dashboard.open(zone=LOWER)
    (event,) = re.findall("/events/([^?]+)", dashboard.chrome.current_url)
    asked = urlsplit(dashboard.find(f"#{chart} .exports a").get_attribute("href"))
    start = parse_qs(asked.query)["start_date"][0]
    told = service.get(f"analytics/{chart}", event_id=event, zone=LOWER, fill="true", start_date=start)["data"]
    told = told[: 7 * 24 + 1]  # without an hour that has begun since the page asked

    def words(value: float | None) -> str:
        return NO_VALUE if value is None else str(value) if chart == "ticket-counts" else f"${value:,.2f}"

    assert {hour: [row[name] for name in COLUMNS[chart]] for hour, row in dashboard.hours(chart).items()} == {
        in_words(datetime.fromisoformat(row["timestamp"])): [words(row[column]) for column in COLUMNS[chart].values()]
        for row in told
    }
    lines = dashboard.paths(chart)
    assert len(lines) == len(COLUMNS[chart])
    assert all(line.count("L") > 100 for line in lines)


def test_unobserved_hours_are_gaps(dashboard: Dashboard) -> None:
    dashboard.open(zone=LOWER)
    gaps = {in_words(hour) for hour in UNOBSERVED}
    running = {in_words(LAST_HOUR + hours * HOUR) for hours in (1, 2)}
    for chart in CHARTS:
        unobserved = {hour for hour, row in dashboard.hours(chart).items() if row["Remark"] == "not observed"}
        assert gaps <= unobserved <= gaps | running
        # before the first gap, the one hour between, before and after the last gap
        assert [line.count("M") for line in dashboard.paths(chart)] == [4] * len(COLUMNS[chart])
        assert dashboard.find(f"#{chart} path.dots").get_attribute("d").count("M") == 1
        assert dashboard.text(f"#{chart} .keys") == "not observed"


def test_a_new_event_begins_at_its_first_capture(dashboard: Dashboard, service: Service) -> None:
    dashboard.open(event=service.get("events", search=NEW)["data"][0]["id"])
    for chart in CHARTS:
        assert dashboard.table(chart)[0]["Hour"] == in_words(ANNOUNCED)


def test_a_sold_out_zone_has_no_tickets_and_no_price(dashboard: Dashboard) -> None:
    dashboard.open(zone=UPPER)
    assert dashboard.select("zone").first_selected_option.text == f"{UPPER} (sold out)"
    trends, tickets = dashboard.hours("price-trends"), dashboard.hours("ticket-counts")
    for hours in range(60):
        hour = LAST_HOUR - hours * HOUR
        counted, priced = tickets[in_words(hour)], trends[in_words(hour)]
        if hour in UNOBSERVED:
            assert (counted["Tickets"], counted["Remark"]) == (NO_VALUE, "not observed")
        elif hour >= SOLD_OUT_SINCE:
            assert (counted["Tickets"], counted["Listings"], counted["Remark"]) == ("0", "0", "sold out")
            assert (priced["Lowest"], priced["Remark"]) == (NO_VALUE, "sold out")
        else:
            assert int(counted["Tickets"]) > 0
            assert counted["Remark"] == ""
    assert dashboard.text("#price-trends .when") == f"{in_words(LAST_HOUR)}: sold out"
    assert "sold out" in dashboard.text("#ticket-counts .keys")
    dashboard.resize(DESKTOP, dark=True)
    dashboard.screenshot("sold-out-dark")


def test_a_zone_that_was_never_for_sale_is_sold_out_throughout(dashboard: Dashboard) -> None:
    dashboard.open(zone=COURTSIDE)
    observed = [row for row in dashboard.table("ticket-counts") if row["Remark"] != "not observed"]
    assert {(row["Tickets"], row["Remark"]) for row in observed} == {("0", "sold out")}
    assert not any(dashboard.paths("price-trends"))


def test_the_pointer_reads_a_moment_out(dashboard: Dashboard) -> None:
    dashboard.open()
    at_rest = dashboard.text("#ticket-counts .when")
    chart = dashboard.find("#ticket-counts > svg")
    ActionChains(dashboard.chrome).move_to_element_with_offset(chart, -100, 0).perform()
    dashboard.wait(lambda: dashboard.text("#ticket-counts .when") != at_rest, "another hour")
    row = dashboard.hours("ticket-counts")[dashboard.text("#ticket-counts .when")]
    assert f"Tickets {row['Tickets']}" in dashboard.text("#ticket-counts .readout")
    ActionChains(dashboard.chrome).move_to_element(dashboard.find("h1")).perform()
    dashboard.wait(lambda: dashboard.text("#ticket-counts .when") == at_rest, "the last hour again")
