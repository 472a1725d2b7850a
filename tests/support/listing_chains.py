"""Histories of listings, written and made anew."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.support.markets import TEN, add_event
from tickettape.catalogue import SeenZone, ensure_sections, ensure_zones
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import (
    Offer,
    OfferTermsKeys,
    Prices,
    lock_listing_history,
    microseconds,
    write_observation,
)
from tickettape.listing_history.deltas import Delta, Observation
from tickettape.listing_history.rows import DELTA_COLUMNS, delta_from_row

START = datetime(2026, 10, 30, 22, 40, tzinfo=UTC)  # over a day's edge, and in the next night over a month's
TICKS = [START + number * TEN for number in range(12)] + [
    START + timedelta(days=1) + number * TEN for number in range(10)
]
LOTS = [(1, (1,)), (2, (2,)), (4, (2, 4)), (4, (1, 2, 3, 4))]


def set_up(connection: Connection, external_id: str = "1") -> tuple[int, list[int], list[int]]:
    """An event, two sections of it, and the keys of LOTS."""
    ensure_partitions(connection, TICKS)
    event = add_event(connection, external_id)
    zones = ensure_zones(connection, [SeenZone(event, "Z", "Lower", 0)])
    sections = ensure_sections(connection, {(event, zones[event, "Z"], s): s for s in ("101", "102")})
    offer_terms = OfferTermsKeys(connection)
    return event, list(sections.values()), [offer_terms[terms] for terms in LOTS]


def put(connection: Connection, event: int, tick: datetime, offers: dict[Offer, Prices], status: str = "ok") -> None:
    """A capture and what it showed."""
    with connection.transaction():
        capture(connection, event, tick, status)
        lock_listing_history(connection, tick)
        write_observation(connection, tick, event, Observation(microseconds(tick), status == "partial", offers))


def capture(connection: Connection, event: int, tick: datetime, status: str) -> None:
    """A capture, without what it showed."""
    connection.execute(
        """insert into market.captures (event_key, tick, status, fetched_at, job_id) values (%s, %s, %s, %s, %s)
           on conflict (event_key, tick) do update set status = excluded.status""",
        [event, tick, status, tick, UUID(int=0)],
    )


def stored(connection: Connection, event: int) -> list[Delta]:
    rows = connection.execute(
        f"select {', '.join(DELTA_COLUMNS)} from market.all_listing_changes where event_key = %s order by tick", [event]
    ).fetchall()
    return [delta_from_row(row) for row in rows]


def offer(listing: str, price: int = 100, *, terms: int = 1, row: str = "A") -> tuple[str, int, str, int]:
    return listing, price, row, terms


def shelf(sections: list[int], offer_terms: list[int], *offers: tuple[str, int, str, int]) -> dict[Offer, Prices]:
    """Offers in the first section: (listing, price, row, lot)."""
    return {(listing, sections[0], row, offer_terms[terms]): (price, 0, -1) for listing, price, row, terms in offers}
