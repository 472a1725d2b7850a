"""What an event costs now, in which zone, and at which seats; and what happened to its listings."""

from datetime import timedelta

from selenium.webdriver import ActionChains, Keys

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import (
    COURTSIDE,
    GAME,
    HOUR,
    LAST_HOUR,
    LISTED_SINCE,
    LOWER,
    SOLD_AT,
    UPPER,
    VENUE,
    in_words,
)

GAME_LISTINGS = ["Lower Bowl 201 row A", "Lower Bowl 201 row A"]


def test_the_get_in_price_is_that_of_the_api_on_both_bases(dashboard: Dashboard, service: Service) -> None:
    dashboard.open()
    event = service.get("events", search=GAME)["data"][0]["id"]
    told = {row["timestamp"][:13]: row["price_2"] for row in service.get(f"events/{event}/get-in")["data"]}
    for hour, price in ((SOLD_AT - HOUR, 65.0), (SOLD_AT, 81.0), (LAST_HOUR, 83.0)):
        assert told[f"{hour:%Y-%m-%dT%H}"] == price
        assert dashboard.hours("get-in")[in_words(hour)]["For two together"] == f"${price:.2f}"
    assert "Get-in for 2, before fees\n$83.00\n+27.7% since " in dashboard.text("#figures")
    dashboard.choose("basis", "all_in")
    dashboard.wait(
        lambda: dashboard.hours("get-in")[in_words(SOLD_AT - HOUR)]["For two together"] == "$81.25", "with fees"
    )
    dashboard.wait_until("ready")
    for chart in ("price-trends", "group-prices"):
        assert "all-in" in dashboard.text(f"#{chart} .note"), "one basis on the whole page"
    assert "With fees only the lowest price is known" in dashboard.text("#price-distribution .note")
    assert not dashboard.find("#price-distribution svg").is_displayed()
    assert set(dashboard.table("zones")[0]) == {"Zone", "Lowest", "Change", "Tickets"}


def test_the_zones_are_a_table_that_leads_to_their_charts(dashboard: Dashboard) -> None:
    dashboard.open(days="1")
    zones = {row["Zone"]: row for row in dashboard.table("zones")}
    assert list(zones) == [f"{COURTSIDE} sold out", LOWER, f"{UPPER} sold out"]
    assert zones[LOWER]["Lowest"].startswith("$")
    assert zones[LOWER]["Median"] == "$100"
    assert zones[LOWER]["Change"].endswith("%")
    heat = dashboard.chrome.execute_script(
        """return [...document.querySelectorAll("#zones td.heat")]
               .map((cell) => getComputedStyle(cell).backgroundColor)"""
    )
    assert len(heat) == 4
    assert not [colour for colour in heat if colour == "rgba(0, 0, 0, 0)"]
    dashboard.find("#zones tbody tr:nth-child(3) button").click()
    dashboard.shows(UPPER)
    assert dashboard.text("#zone-title") == UPPER


def test_the_cheapest_listings_say_where_how_many_and_since_when(dashboard: Dashboard) -> None:
    dashboard.open()
    first, second = dashboard.table("listings")
    assert [row["Seats"] for row in (first, second)] == GAME_LISTINGS
    assert [row["Tickets"] for row in (first, second)] == ["2", "2"]
    assert (first["Price"], first["All-in"]) == ("$83.00", "$103.75")
    assert first["Repriced"] == "8×"
    assert second["Repriced"] == "never"
    since = LISTED_SINCE.astimezone(VENUE)
    assert first["Since"] == f"{since:%b %-d, %-I %p}"
    assert dashboard.find("#listings tbody time").get_attribute("title").endswith("UTC")
    button = dashboard.find("#listings tbody button")
    button.send_keys(Keys.ENTER)
    dashboard.wait(lambda: dashboard.find("#listings .history"), "its history")
    assert button.get_attribute("aria-expanded") == "true"
    told = dashboard.text("#listings .history").splitlines()
    assert told[0].startswith("$83.00 for 2 from ")
    assert told[0].endswith(" on")
    assert told[-1].startswith(f"$80.00 for 2 from {in_words(LISTED_SINCE)} until ")
    button.send_keys(Keys.ENTER)
    assert not dashboard.chrome.find_elements("css selector", "#listings .history")


def test_listings_are_of_one_zone_if_asked(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.select("where").select_by_visible_text(f"{UPPER} (sold out)")
    dashboard.wait(lambda: "Nobody offers exactly 2" in dashboard.text("#listings table"), "that there is none")
    assert "where=Upper+Deck" in dashboard.chrome.current_url


def test_what_happened_to_listings_is_told_by_the_hour(dashboard: Dashboard) -> None:
    dashboard.open(tickets="4")  # of whichever size
    hours = dashboard.hours("activity")
    row = hours[in_words(SOLD_AT)]
    assert row["Sold (estimated)"] == "1"
    assert hours[in_words(LISTED_SINCE + 5 * HOUR)]["Appeared"] == "1"
    assert hours[in_words(LISTED_SINCE + 6 * HOUR)]["Repriced"] == "1"
    assert hours[in_words(LISTED_SINCE + 7 * HOUR)]["Repriced"] == "0"
    unlisted = hours[in_words(LISTED_SINCE - 3 * HOUR)]
    assert set(unlisted.values()) == {in_words(LISTED_SINCE - 3 * HOUR), "–", ""}, "not known is not zero"
    assert hours == dashboard.hours("zone-activity"), "of the one zone that has listings"
    assert dashboard.find("#activity path.bars").get_attribute("d").count("M") >= 1
    assert (
        "2\nestimated: 0 nearly sure, 1 to be expected, 2 possible (calibrated on simulated worlds)"
        in dashboard.text("#figures")
    )
    sold = dashboard.table("days-on-market")
    assert [row["Days until sold (median)"] for row in sold if row["Days until sold (median)"] != "–"] == [
        str(round((SOLD_AT - LISTED_SINCE) / timedelta(days=1), 1))
    ]
    spread = dashboard.hours("price-distribution")[in_words(LAST_HOUR)]
    assert spread["Median"] == "$100.00"


def test_everything_is_done_by_keyboard_alone_at_320_px(dashboard: Dashboard) -> None:
    dashboard.resize((320, 640))
    dashboard.open()
    assert dashboard.chrome.execute_script("return document.documentElement.scrollWidth") == 320

    def press(*keys: str) -> str:
        ActionChains(dashboard.chrome).send_keys(*keys).perform()
        return str(dashboard.chrome.execute_script("return document.activeElement.closest('[id]')?.id ?? ''"))

    stops = [press(Keys.TAB)]
    while stops[-1] != "zone-activity":
        stops.append(press(Keys.TAB))
        assert len(stops) < 150
    order = list(dict.fromkeys(stops))
    fields = [
        "tickets",
        "basis",
        "days",
        "versus",
        "get-in",
        "zones",
        "listings",
        "activity",
        "zone",
        "with",
        "price-trends",
    ]
    assert [place for place in order if place in fields] == fields, "every part is reached, in the order of the page"
    dashboard.chrome.execute_script("document.querySelector('#tickets :checked').focus()")
    press(Keys.ARROW_RIGHT)
    dashboard.wait(lambda: "four get in together" in dashboard.text("#get-in .note"), "prices for four")
    dashboard.wait_until("ready")
    assert dashboard.chrome.execute_script("return document.activeElement.value") == "4", "the focus stays"
    dashboard.screenshot("320-px")
