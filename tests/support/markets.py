"""Small markets for tests: events in the catalogue, captures and snapshots written by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pandas as pd

from tickettape.catalogue import SeenZone, ensure_sections, ensure_zones, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import OfferTermsKeys, lock_listing_history, microseconds, write_observation
from tickettape.listing_history.deltas import Observation
from tickettape.marketplaces import Marketplace, Marketplaces, WatchedMarketplace
from tickettape.observations import (
    SNAPSHOT_COLUMNS,
    AnswerVerdict,
    PriceRange,
    replace_snapshots,
    store_price_ranges,
)
from tickettape.settings import Settings


def watching(*marketplaces: Marketplace, settings: Settings | None = None) -> Marketplaces:
    """These marketplaces as what a program watches."""
    return Marketplaces({one.source: WatchedMarketplace(settings or Settings(), one) for one in marketplaces})


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)

PRODUCTION: dict[str, Any] = {
    "external_id": "1", "name": "An evening", "venue": "The Hall", "city": "Chicago", "state": "IL", "country": "US",
    "venue_time_zone": "America/Chicago", "date": datetime(2027, 6, 1, 19, tzinfo=UTC), "category": "Concerts",
    "performer_id": "9", "performer_name": "Someone", "image_url": None,
}  # fmt: skip


def add_event(connection: Connection, external_id: str = "1", source: str = "simulator", **more: Any) -> int:
    """An event in the catalogue; its key."""
    upsert_events(connection, source, [PRODUCTION | {"external_id": external_id} | more])
    row = connection.execute(
        "select event_key from market.events where source = %s and external_id = %s", [source, external_id]
    ).fetchone()
    assert row
    return int(row[0])


@dataclass(frozen=True)
class Section:
    """One section at one tick; prices in cents of its listings, each of 2 tickets."""

    zone: str
    section: str
    prices: list[int] = field(default_factory=lambda: [1000])


def price_range(event_key: int, tick: datetime, **more: Any) -> PriceRange:
    """A price range; `more`: other values of its fields."""
    known: dict[str, Any] = {
        "tick": tick, "event_key": event_key, "market": "resale", "price_basis": "all_in", "currency": "USD",
        "lowest_price_cents": 1000, "average_price_cents": 2505, "highest_price_cents": 9000, "listings": 12,
        "tickets": 30,
    }  # fmt: skip
    return PriceRange(**(known | more))


def observe_ranges(connection: Connection, *ranges: PriceRange) -> None:
    """Store price ranges as the program does, in a transaction of their own."""
    ensure_partitions(connection, [one.tick for one in ranges], answers=False)
    with connection.transaction():
        store_price_ranges(connection, ranges)


def observe(
    connection: Connection, event_key: int, tick: datetime, *sections: Section, status: str | None = None
) -> None:
    """Write a capture, its snapshots and its listings as the program does: `ok`, or `empty` without sections."""
    ensure_partitions(connection, [tick])
    with connection.transaction():
        connection.execute(
            """insert into market.captures (event_key, tick, status, fetched_at, job_id)
               values (%s, %s, 'received', %s, %s) on conflict do nothing""",
            [event_key, tick, tick, UUID(int=0)],
        )
        zones = ensure_zones(connection, [SeenZone(event_key, one.zone, one.zone, 0) for one in sections])
        keys = ensure_sections(
            connection, {(event_key, zones[event_key, one.zone], one.section): one.section for one in sections}
        )
        rows = pd.DataFrame(
            [
                {
                    "event_key": event_key,
                    "section_key": keys[event_key, zones[event_key, one.zone], one.section],
                    "lowest_price_cents": min(one.prices),
                    "highest_price_cents": max(one.prices),
                    "price_sum_cents": sum(one.prices),
                    "lowest_price_1ticket_cents": None,
                    "lowest_price_2tickets_cents": min(one.prices),
                    "lowest_price_4tickets_cents": None,
                    "lowest_all_in_price_cents": None,
                    "total_tickets": 2 * len(one.prices),
                    "total_listings": len(one.prices),
                }
                for one in sections
            ],
            columns=[name for name in SNAPSHOT_COLUMNS if name != "tick"],
        )
        verdict = AnswerVerdict(event_key, status or ("ok" if sections else "empty"))
        lock_listing_history(connection, tick, event_key)
        if replace_snapshots(connection, tick, [verdict], rows):
            terms = OfferTermsKeys(connection)[2, (2,)]
            offers = {
                (f"{one.section}-{number}", keys[event_key, zones[event_key, one.zone], one.section], "A", terms): (
                    price, price + 250 if number else 0, 70
                )
                for one in sections
                for number, price in enumerate(one.prices)
            }  # fmt: skip
            observation = Observation(microseconds(tick), verdict.status == "partial", offers)
            write_observation(connection, tick, event_key, observation)
