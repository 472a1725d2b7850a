"""An event that the box office sells too: what is sold first-hand, and what resale asks above it."""

from decimal import ROUND_HALF_UP, Decimal

import httpx
import psycopg
import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import DESKTOP, PHONE, Dashboard
from tests.support.served_week import PLAY, join_both_sides_of_the_play


@pytest.fixture
def play(service: Service, week_url: str) -> str:
    """The play's id. It has both sides again, should a test of links have undone it."""
    with psycopg.connect(week_url, autocommit=True) as connection:
        join_both_sides_of_the_play(connection)
    return str(service.get("events", search=PLAY)["data"][0]["id"])


def per_cent(share: float) -> Decimal:
    """A share in per cent, exactly: a page rounds 19.15 up, and floats that are half way go either way."""
    return 100 * Decimal(str(share))


def test_premium_and_sell_through_are_those_of_the_newest_day(
    dashboard: Dashboard, service: Service, play: str
) -> None:
    dashboard.open(play)
    dashboard.wait(lambda: dashboard.find("#primary").is_displayed(), "both markets")
    newest = {row["zone"]: row for row in service.get(f"events/{play}/primary-and-resale")["data"]}
    whole, stalls = newest[None], newest["Stalls"]
    rows = {row["Zone"]: row for row in dashboard.table("primary")}
    assert list(rows) == ["Whole event", "Stalls"]  # Standing is no zone of the resale market
    assert (rows["Whole event"]["Sold"], rows["Stalls"]["Sold"]) == ("20% of 500", "25% of 200")
    assert (rows["Whole event"]["Face value from"], rows["Stalls"]["Face value from"]) == ("$40.00", "$80.00")
    for shown, row in ((rows["Whole event"], whole), (rows["Stalls"], stalls)):
        premium = per_cent(row["get_in_premium"])
        assert shown["Resale from"] == f"${row['get_in_price']:.2f}"
        assert shown["Premium"] == f"{premium.quantize(Decimal('0.1'), ROUND_HALF_UP):+,}%"
        # listings of the play are not known, so there is no median
        assert (row["median_price"], row["premium"]) == (None, None)
        assert (shown["Resale median"], shown["Median premium"]) == ("–", "–")
    premium = per_cent(whole["get_in_premium"]).quantize(Decimal(1), ROUND_HALF_UP)
    assert premium > 0
    note = dashboard.text("#primary .note")
    assert note.startswith(
        "First-hand, 20% of 500 tickets are sold. "
        f"The cheapest resale ticket costs {premium}% more than the cheapest first-hand. As of "
    )


def test_an_event_without_a_primary_market_shows_no_panel_and_no_error(dashboard: Dashboard) -> None:
    dashboard.open()
    assert not dashboard.find("#primary").is_displayed()
    assert dashboard.says == ""
    assert dashboard.log("browser") == []


def test_the_panel_fits_a_phone_and_gives_its_rows_to_keep(dashboard: Dashboard, play: str) -> None:
    for size in (PHONE, DESKTOP):
        dashboard.resize(size)
        dashboard.open(play)
        dashboard.wait(lambda: dashboard.find("#primary").is_displayed(), "both markets")
        assert dashboard.chrome.execute_script("return document.documentElement.scrollWidth") == size[0]
        dashboard.screenshot(f"primary-{size[0]}", "#primary")
    link = dashboard.find("#primary .exports a").get_attribute("href")
    key = httpx.get(f"{dashboard.base}/site/key").json()["key"]
    kept = httpx.get(link, headers={"x-api-key": key, "accept": "application/vnd.apache.parquet"})
    assert kept.content[:4] == b"PAR1"
