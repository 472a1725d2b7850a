"""Compare the totals that answers state (overall, by zones, by sections) with what came and with what was stored."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from psycopg.rows import class_row

from tickettape.database import Connection


@dataclass(frozen=True)
class Reconciliation:
    """One event at one tick. None: not stated in the answer."""

    event: str
    status: str
    listings_stated: int | None
    listings_counted: int
    listings_left_out: int
    listings_stored: int
    tickets_stated: int | None
    tickets_stated_by_zones: int | None
    tickets_stated_by_sections: int | None
    tickets_counted: int
    tickets_stored: int

    @property
    def agrees(self) -> bool:
        """Whether the answer does not contradict itself, and no more was stored than it holds.

        Less may be stored: a listing without a price or a quantity is counted, but is not for sale.
        """
        more = self.listings_stored > self.listings_counted or self.tickets_stored > self.tickets_counted
        return self.status != "partial" and not more


def reconcile_newest_tick(connection: Connection, source: str) -> tuple[datetime | None, list[Reconciliation]]:
    """The newest tick of a marketplace that was read, and its events; those that differ most come first."""
    newest = connection.execute(
        """select max(tick) from market.captures inner join market.events using (event_key)
           where source = %s and status in ('ok', 'empty', 'partial')""",
        [source],
    ).fetchone()
    tick = newest[0] if newest else None
    with connection.cursor(row_factory=class_row(Reconciliation)) as cursor:
        events = cursor.execute(
            """select events.name as event, captures.status,
                   captures.stated_listings as listings_stated,
                   coalesce(captures.counted_listings, 0) as listings_counted,
                   coalesce(captures.left_out_listings, 0) as listings_left_out,
                   stored.listings as listings_stored,
                   captures.stated_tickets as tickets_stated,
                   captures.stated_zone_tickets as tickets_stated_by_zones,
                   captures.stated_section_tickets as tickets_stated_by_sections,
                   coalesce(captures.counted_tickets, 0) as tickets_counted,
                   stored.tickets as tickets_stored
               from market.captures inner join market.events using (event_key)
               cross join lateral (
                   select coalesce(sum(total_listings), 0)::integer as listings,
                       coalesce(sum(total_tickets), 0)::integer as tickets
                   from market.all_snapshots as s
                   where s.tick = captures.tick and s.event_key = captures.event_key
                       and s.date = (captures.tick at time zone 'UTC')::date
               ) as stored
               where events.source = %s and captures.tick = %s and captures.status in ('ok', 'empty', 'partial')
               order by abs(coalesce(captures.stated_tickets - captures.counted_tickets, 0)) desc, event_key""",
            [source, tick],
        ).fetchall()
    return tick, events


def reconciliation_totals(events: Sequence[Reconciliation]) -> dict[str, int]:
    """The sums over all events."""
    names = [field.name for field in fields(Reconciliation) if field.name.startswith(("listings", "tickets"))]
    return {name.replace("_", " "): sum(getattr(event, name) or 0 for event in events) for name in names}


@dataclass(frozen=True)
class NotUnderstood:
    """What could not be read at the newest tick: whole answers, and single listings of others."""

    tick: datetime | None
    answers_read: int
    refused: list[dict[str, str | None]]
    left_out: list[dict[str, str | int | None]]


def not_understood_at_newest_tick(connection: Connection, source: str) -> NotUnderstood:
    """What could not be read at the newest tick of a marketplace that was read."""
    rows = connection.execute(
        """select captures.tick, events.name, captures.status, captures.note, captures.left_out_listings
           from market.captures inner join market.events using (event_key)
           where source = %(source)s and captures.status in ('ok', 'empty', 'partial', 'rejected')
               and captures.tick = (
                   select max(tick) from market.captures inner join market.events using (event_key)
                   where source = %(source)s and captures.status in ('ok', 'empty', 'partial', 'rejected'))
           order by event_key""",
        {"source": source},
    ).fetchall()
    return NotUnderstood(
        rows[0][0] if rows else None,
        len(rows),
        [{"event": name, "reason": note} for _, name, status, note, _ in rows if status == "rejected"],
        [{"event": name, "listings": left_out, "reason": note} for _, name, _, note, left_out in rows if left_out],
    )
