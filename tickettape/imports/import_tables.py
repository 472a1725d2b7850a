"""The SQL by which imports read and write the warehouse's tables: events, captures, snapshots and quarantine.

The triggers of the tables see these rows like any others, so the rollups are refreshed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa

from tickettape.database import Connection
from tickettape.imports.staging_tables import copy_table
from tickettape.observations import SNAPSHOT_COLUMNS, copy_snapshots, end_voids, unpack_days

CAPTURE_KEY = ["event_key", "second"]
STORED_COLUMNS = [name for name in SNAPSHOT_COLUMNS if name != "tick"]


def known_events(connection: Connection, source: str) -> dict[str, int]:
    """The events of a source: external id -> event_key."""
    rows = connection.execute("select external_id, event_key from market.events where source = %s", [source])
    return {str(external_id): int(event_key) for external_id, event_key in rows.fetchall()}


def store_events(connection: Connection, source: str, events: Mapping[str, Mapping[str, Any]]) -> None:
    """Add events, or update their descriptions. They are not watched, because a file cannot be polled.

    `events`: external id -> name, venue, date (datetime), city, …; a value that is not given stays as it was.
    """
    columns = ("name", "venue", "date", "city", "state", "country", "venue_time_zone", "category", "performer_name")
    given = {column: f"%({column})s::{'timestamptz' if column == 'date' else 'text'}" for column in columns}
    key = "source = %(source)s::text and external_id = %(external_id)s::text"
    with connection.cursor() as cursor:
        cursor.executemany(
            f"""insert into market.events as known
                    (source, external_id, active, retired_because, {", ".join(columns)})
                values (%(source)s::text, %(external_id)s::text, false, 'imported',
                        coalesce({given["name"]}, %(external_id)s::text), coalesce({given["venue"]}, 'unknown'),
                        coalesce({given["date"]}, (select date from market.events where {key})),
                        {", ".join(given[column] for column in columns[3:])})
                on conflict (source, external_id) do update set updated_at = now(),
                    {", ".join(f"{column} = coalesce({value}, known.{column})" for column, value in given.items())}
                where {
                " or ".join(
                    f"{value} is distinct from known.{column} and {value} is not null"
                    for column, value in given.items()
                )
            }""",  # noqa: S608
            [
                {"source": source, "external_id": external_id} | {column: said.get(column) for column in columns}
                for external_id, said in events.items()
            ],
        )


def start_import(
    connection: Connection, *, source: str, file: str, whole_inventory: bool, rows_read: int, rows_refused: int
) -> UUID:
    """Record that an import begins to write; returns its id."""
    row = connection.execute(
        """insert into market.imports (source, file, whole_inventory, rows_read, rows_refused)
           values (%s, %s, %s, %s, %s) returning import_id""",
        [source, file, whole_inventory, rows_read, rows_refused],
    ).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    return UUID(str(row[0]))


def finish_import(
    connection: Connection, import_id: UUID, *, added: int, replaced: int, unchanged: int, refused: int
) -> None:
    """Record that an import is complete, and what became of its captures."""
    connection.execute(
        """update market.imports set completed_at = clock_timestamp(), captures_added = %s, captures_replaced = %s,
               captures_unchanged = %s, captures_refused = %s where import_id = %s""",
        [added, replaced, unchanged, refused, import_id],
    )


@dataclass(frozen=True)
class StandingCapture:
    """A capture that is stored already. `status`: if it is void, its status before that."""

    status: str
    imported: bool
    void: bool


def lock_standing_captures(connection: Connection, captures: pd.DataFrame) -> dict[tuple[int, int], StandingCapture]:
    """The captures that are stored already, by (event_key, second), locked until the caller's transaction ends."""
    rows = connection.execute(
        """select captures.event_key, extract(epoch from captures.tick)::bigint,
               coalesce(voids.capture_status, captures.status),
               exists (select from market.imports where import_id = captures.job_id), captures.status = 'void'
           from market.captures
           inner join unnest(%(keys)s::int[], %(ticks)s::timestamptz[]) as wanted (event_key, tick)
               on captures.event_key = wanted.event_key and captures.tick = wanted.tick
           left join market.voids on voids.event_key = captures.event_key and voids.tick = captures.tick
               and voids.ended_at is null and voids.kind = 'listings' and captures.status = 'void'
           where captures.tick >= %(first)s and captures.tick <= %(last)s
           for update of captures""",
        _wanted(captures),
    ).fetchall()
    return {(key, second): StandingCapture(status, imported, void) for key, second, status, imported, void in rows}


def unpack_captured_days(connection: Connection, captures: pd.DataFrame) -> None:
    """Make rows of the packed days that captures (event_key, second) are in, until the caller's transaction ends."""
    wanted = _wanted(captures)
    unpack_days(connection, wanted["keys"], wanted["ticks"])


def stored_snapshots(connection: Connection, captures: pd.DataFrame) -> pd.DataFrame:
    """The snapshots of captures (event_key, second), void ones included: `second` and STORED_COLUMNS."""
    columns = ", ".join(f"stored.{name}" for name in STORED_COLUMNS)
    rows = connection.execute(
        f"""with wanted as (
                select * from unnest(%(keys)s::int[], %(ticks)s::timestamptz[]) as wanted (event_key, tick)
            )
            select extract(epoch from tick)::bigint as second, {columns}
            from market.section_snapshots as stored inner join wanted using (event_key, tick)
            where tick >= %(first)s and tick <= %(last)s
            union all
            select extract(epoch from tick)::bigint, {columns}
            from market.voided_snapshots as stored inner join wanted using (event_key, tick)
            inner join market.voids using (void_id, event_key, tick)
            where ended_at is null""",  # noqa: S608
        _wanted(captures),
    ).fetchall()
    return pd.DataFrame(rows, columns=["second", *STORED_COLUMNS])


def write_captures(connection: Connection, import_id: UUID, captures: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Store captures with their snapshots, in the caller's transaction.

    `captures`: event_key, second, status, observed (microseconds), listings, tickets, note, and `replaces`: whether it
    replaces a stored capture, which the caller has locked and which came from an import. `rows`: `second` and
    STORED_COLUMNS.
    """
    wanted = _wanted(captures[captures["replaces"]])
    for table in ("section_snapshots", "captures") if wanted["keys"] else ():
        connection.execute(
            f"""delete from market.{table} as stored
                using unnest(%(keys)s::int[], %(ticks)s::timestamptz[]) as wanted (event_key, tick)
                where stored.event_key = wanted.event_key and stored.tick = wanted.tick
                    and stored.tick >= %(first)s and stored.tick <= %(last)s""",  # noqa: S608
            wanted,
        )
    stored = captures.assign(
        tick=_iso(captures["second"]),
        fetched_at=pd.to_datetime(captures["observed"], unit="us", utc=True),
        counted_listings=captures["listings"],
        counted_tickets=captures["tickets"],
        job_id=str(import_id),
    )
    columns = ("event_key", "tick", "status", "fetched_at", "counted_listings", "counted_tickets", "note", "job_id")
    copy_table(
        connection, "market.captures", columns, pa.Table.from_pandas(stored[list(columns)], preserve_index=False)
    )
    copy_snapshots(connection, rows.assign(tick=_iso(rows["second"])))
    end_voids(connection, list(zip(wanted["keys"], wanted["ticks"], strict=True)), "import")


def quarantine_staged_refusals(
    connection: Connection, import_id: UUID, source: str, file: str, range_events: Mapping[int, str] | None = None
) -> int:
    """Put the staged refusals into quarantine, each once even if its file is imported again; returns how many.

    If an earlier import refused rows of an observation that this one wrote, they count as replayed, unless they are
    refused again. `range_events`: for price ranges, event_no -> external id; None for captures.
    """
    parameters: dict[str, Any] = {"run": str(import_id), "source": source, "file": file}
    connection.execute(
        """update market.quarantine as kept set run_id = %(run)s
           from staged_refused as refused
           where kept.source = %(source)s and kept.replayed_at is null
               and kept.reason = %(file)s || ', line ' || refused.line || ': ' || refused.reason
               and kept.external_id is not distinct from refused.event
               and kept.tick is not distinct from to_timestamp(refused.second)""",
        parameters,
    )
    connection.execute(
        """insert into market.quarantine (source, external_id, tick, reason, payload_zstd, run_id, content)
           select %(source)s, event, to_timestamp(second),
               %(file)s || ', line ' || line || ': ' || reason, payload, %(run)s, 'rows'
           from staged_refused as refused
           where not exists (
               select from market.quarantine as kept
               where kept.source = %(source)s and kept.replayed_at is null and kept.run_id = %(run)s
                   and kept.reason = %(file)s || ', line ' || refused.line || ': ' || refused.reason
                   and kept.external_id is not distinct from refused.event
                   and kept.tick is not distinct from to_timestamp(refused.second))
           order by refused.line""",
        parameters,
    )
    written = """select events.external_id, captures.tick
                 from market.events inner join market.captures using (event_key)
                 where events.source = %(source)s and captures.job_id = %(run)s::uuid"""
    if range_events is not None:
        written = """select events.external_id, to_timestamp(ranges.second) as tick
                     from pg_temp.kept_ranges as ranges
                     inner join unnest(%(numbers)s::int[], %(events)s::text[]) as events (event_no, external_id)
                         using (event_no)"""
        parameters |= {"numbers": list(range_events), "events": list(range_events.values())}
    connection.execute(
        f"""update market.quarantine as kept set replayed_at = clock_timestamp()
            from ({written}) as written
            where kept.source = %(source)s and kept.replayed_at is null and kept.run_id != %(run)s::text
                and kept.run_id in (select import_id::text from market.imports)
                and written.external_id = kept.external_id and kept.tick = written.tick""",  # noqa: S608
        parameters,
    )
    row = connection.execute("select count(*) from staged_refused").fetchone()
    return int(row[0]) if row else 0


def _wanted(captures: pd.DataFrame) -> dict[str, Any]:
    ticks = [datetime.fromtimestamp(second, UTC) for second in captures["second"]]
    return {
        "keys": [int(key) for key in captures["event_key"]],
        "ticks": ticks,
        "first": min(ticks, default=None),  # with these bounds the planner skips the other months
        "last": max(ticks, default=None),
    }


def _iso(seconds: "pd.Series[int]") -> "pd.Series[str]":
    texts = {second: datetime.fromtimestamp(second, UTC).isoformat() for second in seconds.unique()}
    return seconds.map(texts)


def zones_by_name(connection: Connection, event_keys: Iterable[int]) -> dict[tuple[int, str], str]:
    """The zones of events by their names, stored or shown: (event_key, name) -> external id."""
    rows = connection.execute(
        """select event_key, display_name, external_id from market.zones where event_key = any(%(keys)s)
           union all
           select event_key, name, external_id from market.zones where event_key = any(%(keys)s)""",
        {"keys": list(event_keys)},
    ).fetchall()
    return {(key, name): external_id for key, name, external_id in rows}


def sections_by_name(connection: Connection, event_keys: Iterable[int]) -> dict[tuple[int, int, str], str]:
    """The sections of events by name: (event_key, zone_key, name) -> external id."""
    rows = connection.execute(
        "select event_key, zone_key, name, external_id from market.sections where event_key = any(%s)",
        [list(event_keys)],
    ).fetchall()
    return {(event_key, zone_key, name): external_id for event_key, zone_key, name, external_id in rows}
