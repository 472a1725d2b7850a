"""How soon the pages appear: the board of 1,000 events and an event's page, compared with the page that they replaced;
the map of 80,000 seats, compared with one of 5,000.

The old page had three charts and asked six questions. Its files are read from the repository's history and served
beside today's, by the same process, with the same data and key. The pages are opened in turn in headless Chromium, with
an empty cache. A page counts as drawn two frames after it says that everything is drawn.
"""

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from bench import market
from bench.report import figure, heading, say
from tests.support.dashboard_page import browser
from tests.support.dbt_runs import run_dbt
from tests.support.served_market import serving
from tickettape.api_schema import apply_api_schema, create_key, create_tenant
from tickettape.box_office import add_sample_events, grant_roles
from tickettape.box_office.sample_data import HALL_SEATS, STADIUM_SEATS
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import ListingHistoryWriter, OfferTermsKeys, lock_listing_history, microseconds
from tickettape.listing_history.deltas import Observation
from tickettape.settings import ROOT, Settings

EVENTS = int(os.environ.get("BENCH_PAGES_EVENTS", "1000"))
BEFORE = "e23e0795"  # the last commit whose first page had three charts
LISTINGS = 6  # of each of an event's 60 sections
HOUR = timedelta(hours=1)
LAST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
WEEK = [LAST - hours * HOUR for hours in range(168, -1, -1)]
SEEN = [WEEK[0], LAST - 24 * HOUR, LAST - HOUR, LAST]  # when the other events were

_FACTS = """
    insert into market.captures (event_key, tick, status, fetched_at)
    select event_key, %(tick)s, 'ok', %(tick)s from market.events where event_key <= %(events)s;
    insert into market.section_snapshots (tick, price_sum_cents, event_key, section_key, lowest_price_cents,
        highest_price_cents, lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
        lowest_all_in_price_cents, total_tickets, total_listings)
    select %(tick)s, low * 8, event_key, section_key, low, low + 2500, low, low, low, low * 5 / 4, 12, 6
    from market.sections, lateral (
        select 5000 + 100 * (section_key %% 60) + 10 * (extract(epoch from %(tick)s::timestamptz) / 3600)::int %% 97
            as low) as priced
    where event_key <= %(events)s order by event_key, section_key"""
_DRAWN = """
    new MutationObserver(() => {
        if (window.drawn === undefined && document.querySelector("[data-state=ready]")) {
            window.drawn = null;
            requestAnimationFrame(() => requestAnimationFrame(() => (window.drawn = performance.now())));
        }
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] })"""


def run(connection: Connection, url: str, repetitions: int) -> bool:
    """Print the figures; whether the bounds hold."""
    event = _make(connection)
    create_tenant(connection, "bench", sees_all=True)
    key = create_key(connection, "bench", requests_per_minute=1_000_000)
    heading(f"Pages in Chromium with an empty cache: medians of {repetitions}; {EVENTS} events")
    with _old_page() as files, serving(url, Settings(dashboard_key=SecretStr(key)), _adding(files, key)) as base:
        pages = {
            "the old page": f"{base}/before/?event={event}",
            "an event's page": f"{base}/events/{event}",
            "the board": f"{base}/",
        }
        with browser() as chrome:
            times = _opened(chrome, pages, repetitions)
    before = median(drawn for _, drawn, _ in times["the old page"])
    holds = True
    for name, found in times.items():
        first, drawn, sent = (median(one[n] for one in found) for n in range(3))
        figure(f"{name}: first paint", first * 1000, "ms")
        figure("  everything drawn", drawn * 1000, "ms")
        figure("  sent", sent / 1000, "kB")
        if name != "the old page":
            holds &= figure("  everything drawn, compared with the old page", drawn / before, "times", most=2)
    return holds


def run_seat_maps(connection: Connection, url: str, repetitions: int) -> bool:
    """Print how soon the maps of the sample events are drawn, and the seats of a section; whether the bound holds."""
    grant_roles(connection)
    few, many = add_sample_events(connection, datetime.now(UTC))
    connection.execute("vacuum (analyze)")
    heading(f"Seat maps in Chromium with an empty cache: medians of {repetitions}")
    with serving(url, Settings()) as base, browser() as chrome:
        pages = {
            f"the map of {HALL_SEATS:,} seats": f"{base}/box-office/events/{few}",
            f"the map of {STADIUM_SEATS:,} seats": f"{base}/box-office/events/{many}",
        }
        times = _opened(chrome, pages, repetitions)
    drawn = {name: [median(one[n] for one in found) for n in range(3)] for name, found in times.items()}
    for name, (first, whole, sent) in drawn.items():
        figure(f"{name}: first paint", first * 1000, "ms")
        figure("  the map drawn", whole * 1000, "ms")
        figure("  sent", sent / 1000, "kB")
    (first_few, few_drawn, _), (first_many, many_drawn, _) = drawn.values()
    holds = figure("first paint, 80,000 seats against 5,000", first_many / first_few, "×", most=2)
    return figure("the map drawn, 80,000 seats against 5,000", many_drawn / few_drawn, "×", most=2) & holds


def _make(connection: Connection) -> str:
    """A market whose first event has a week by the hour, and its rollups; the id of that event."""
    market.add_catalogue(connection, EVENTS)
    connection.execute("update market.events set currency = 'USD', venue_time_zone = 'America/Chicago'")
    ensure_partitions(connection, WEEK)
    keys = OfferTermsKeys(connection)
    terms = [keys[size, (size,)] for size in (1, 2, 4)]
    sections: dict[int, list[int]] = {}
    for event, section in connection.execute("select event_key, section_key from market.sections order by 2"):
        sections.setdefault(event, []).append(section)
    say(f"making {EVENTS} events")
    for number, tick in enumerate(WEEK):
        events = EVENTS if tick in SEEN else 1
        with connection.transaction():
            for statement in _FACTS.split(";"):
                connection.execute(statement, {"tick": tick, "events": events})
            lock_listing_history(connection, tick)
            writer = ListingHistoryWriter(connection, tick, range(1, events + 1))
            for event in range(1, events + 1):
                offers = {
                    (f"{section}-{n}", section, "A", terms[n % 3]): (low, low * 5 // 4, 70)
                    for section in sections[event]
                    for n in range(LISTINGS)
                    if (section * 31 + n * 17 + number // 24) % 11  # some come and go, by the day
                    for low in [5000 + 100 * (section % 60) + 40 * n + 10 * ((section + n + number) // 10)]
                }
                writer.take(event, Observation(microseconds(tick), False, offers))
            writer.write()
    say("refreshing its rollups")
    run_dbt("run")
    apply_api_schema(connection, Settings())
    connection.execute("vacuum (analyze)")
    row = connection.execute("select id from market.events order by event_key limit 1").fetchone()
    assert row  # noqa: S101  it was made above
    return str(row[0])


@contextmanager
def _old_page() -> Iterator[Path]:
    """The files of the old page, from the history of this repository."""
    folder = "serving/dashboard/page"
    packed = subprocess.run(  # noqa: S603
        ["git", "archive", BEFORE, folder],  # noqa: S607
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if packed.returncode:
        raise SystemExit(f"The old page is in commit {BEFORE}, which this clone lacks: git fetch --unshallow")
    with tempfile.TemporaryDirectory(prefix="tickettape-before-") as place:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(place, filter="data")
        yield Path(place) / folder


def _adding(files: Path, key: str) -> Any:
    async def give_key() -> JSONResponse:
        return JSONResponse({"key": key})

    def add(app: FastAPI) -> None:
        app.add_api_route("/before/key", give_key, include_in_schema=False)
        app.mount("/before", StaticFiles(directory=files, html=True))

    return add


def _opened(chrome: Chrome, pages: dict[str, str], repetitions: int) -> dict[str, list[tuple[float, float, float]]]:
    """Of each page and repetition: seconds to the first paint and until all is drawn, and the bytes that were sent."""
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pages}
    chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _DRAWN})
    chrome.execute_cdp_cmd("Network.enable", {})
    chrome.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    chrome.set_window_size(1200, 900)
    for number in range(repetitions + 1):
        for name, page in pages.items():
            chrome.get("about:blank")
            chrome.get(page)
            WebDriverWait(chrome, 30, 0.05).until(lambda shown: shown.execute_script("return window.drawn"), name)
            first, drawn, sent = chrome.execute_script(
                """const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
                   const files = ["resource", "navigation"].flatMap((kind) => performance.getEntriesByType(kind));
                   return [paint, window.drawn, files.reduce((sum, file) => sum + file.transferSize, 0)]"""
            )
            if number:  # the first warms the service and the database
                times[name].append((first / 1000, drawn / 1000, float(sent)))
    return times
