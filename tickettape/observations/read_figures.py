"""Figures about the answers of some ticks, from the tables: whichever run has read them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from tickettape.database import Connection


@dataclass(frozen=True)
class ReadFigures:
    """How many captures have each status, and what the usable answers hold."""

    ok: int
    empty: int
    partial: int
    rejected: int
    missing: int
    unread: int
    rows: int
    listings: int
    tickets: int
    left_out: int
    lowest_price_cents: int | None

    @property
    def answers_read(self) -> int:
        """How many answers were read, whatever they turned out to be."""
        return self.ok + self.empty + self.partial + self.rejected


def read_figures(connection: Connection, source: str, start: datetime, end: datetime) -> ReadFigures:
    """The figures of a marketplace's ticks in [start, end)."""
    with connection.cursor(row_factory=class_row(ReadFigures)) as cursor:
        found = cursor.execute(
            """select count(*) filter (where status = 'ok') as ok, count(*) filter (where status = 'empty') as empty,
                   count(*) filter (where status = 'partial') as partial,
                   count(*) filter (where status = 'rejected') as rejected,
                   count(*) filter (where status = 'missing') as missing,
                   count(*) filter (where status = 'received') as unread,
                   coalesce(sum(stored.rows), 0)::bigint as rows,
                   coalesce(sum(counted_listings) filter (where usable), 0)::bigint as listings,
                   coalesce(sum(counted_tickets) filter (where usable), 0)::bigint as tickets,
                   coalesce(sum(left_out_listings) filter (where usable), 0)::bigint as left_out,
                   min(stored.lowest_price_cents) as lowest_price_cents
               from market.captures
               inner join market.events using (event_key)
               cross join lateral (select status in ('ok', 'empty', 'partial') as usable) as judged
               left join lateral (
                   select count(*) as rows, min(s.lowest_price_cents) as lowest_price_cents
                   from market.all_snapshots as s
                   where s.tick = captures.tick and s.event_key = captures.event_key
                       and s.date = (captures.tick at time zone 'UTC')::date
               ) as stored on judged.usable
               where events.source = %s and captures.tick >= %s and captures.tick < %s""",
            [source, start, end],
        ).fetchone()
    assert found is not None  # noqa: S101  an aggregate without GROUP BY is one row
    return found
