"""Partitions of the facts (by month) and of the stored answers (by day). They are made before rows are written.

There is no default partition: a row without a partition is refused. Making and removing are separate, so that a removal
that fails stops nothing else. A partition is made as its own table and then attached; this neither waits for readers
nor blocks them.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from psycopg import sql

from tickettape.database.connections import Connection
from tickettape.database.lock_waits import with_short_lock_waits
from tickettape.database.month_state import ATTACHED_STATES, month_after, month_bounds, month_of

MONTHLY_TABLES = (
    "captures",
    "section_snapshots",
    "packed_days",
    "listing_changes",
    "packed_listing_changes",
    "price_ranges",
)
DAILY_TABLES = ("capture_payloads",)
MONTHS_AHEAD = 3
DAYS_AHEAD = 7

_LOCK = 7_153_906  # one process makes partitions at a time


def ensure_partitions(connection: Connection, ticks: Iterable[datetime], *, answers: bool = True) -> list[str]:
    """Make missing partitions for `ticks`, each month or day in its own transaction. Returns those that were made.

    A month in the table `months` is left as it is, whatever its state: writers ask for that. `answers`: also make
    partitions for stored answers; an import of years has no answers.
    """
    instants = list(ticks)
    made = []
    for month in sorted({month_of(tick) for tick in instants}):
        if not _month_known(connection, month):
            made += _make(connection, MONTHLY_TABLES, f"{month:%Y_%m}", *month_bounds(month))
    for day in sorted({tick.astimezone(UTC).date() for tick in instants} if answers else ()):
        if not _exists(connection, f"capture_payloads_{day:%Y_%m_%d}"):
            start = datetime.combine(day, datetime.min.time(), UTC)
            made += _make(connection, DAILY_TABLES, f"{day:%Y_%m_%d}", start, start + timedelta(days=1))
    return made


def make_partitions_ahead(connection: Connection, now: datetime, *, months: int, days: int) -> list[str]:
    """Make missing partitions from the oldest month to the coming months and days. Returns those that were made."""
    row = connection.execute("select min(month) from market.months").fetchone()
    last = month_of(now)
    month = min(last, row[0]) if row and row[0] else last
    for _ in range(months):
        last = month_after(last)
    made = []
    while month <= last:
        if not _month_known(connection, month):
            made += _make(connection, MONTHLY_TABLES, f"{month:%Y_%m}", *month_bounds(month))
        month = month_after(month)
    return made + ensure_partitions(connection, (now + timedelta(days=day) for day in range(days + 1)))


def finish_interrupted_detaches(connection: Connection) -> list[str]:
    """Finish each interrupted DETACH CONCURRENTLY. Returns the names of the partitions.

    Such a partition looks attached, but its rows are invisible and writing to it fails. It is attached again if its
    month should be attached according to the table `months`.
    """
    pending = connection.execute(
        """select parent.relname, child.relname from pg_inherits
           inner join pg_class as parent on parent.oid = inhparent
           inner join pg_class as child on child.oid = inhrelid
           where inhdetachpending and parent.relnamespace = 'market'::regnamespace order by child.relname"""
    ).fetchall()
    for parent, child in pending:

        def finish(parent: str = parent, child: str = child) -> None:
            names = {"parent": sql.Identifier("market", parent), "child": sql.Identifier("market", child)}
            connection.execute(sql.SQL("alter table {parent} detach partition {child} finalize").format(**names))
            if parent in MONTHLY_TABLES:
                month = datetime.strptime(child.removeprefix(f"{parent}_"), "%Y_%m").replace(tzinfo=UTC).date()
                state = connection.execute("select state from market.months where month = %s", [month]).fetchone()
                if state and state[0] in ATTACHED_STATES:
                    attach_partition(connection, parent, child, *month_bounds(month))

        with_short_lock_waits(connection, finish, f"The interrupted detach of {child}")
    return [str(child) for _, child in pending]


def drop_payload_partitions_before(connection: Connection, day: date) -> list[str]:
    """Drop the stored answers of UTC days before `day`, but never the newest partition. Returns the dropped ones."""
    rows = connection.execute(
        """select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'market.capture_payloads'::regclass order by c.relname"""
    ).fetchall()
    prefix = "capture_payloads_"
    old = [str(name) for (name,) in rows[:-1] if str(name) < f"{prefix}{day:%Y_%m_%d}"]
    for name in old:
        drop = sql.SQL("drop table {}").format(sql.Identifier("market", name))
        with_short_lock_waits(connection, partial(connection.execute, drop), f"Dropping {name}")
    return old


def attach_partition(connection: Connection, parent: str, child: str, start: datetime, end: datetime) -> None:
    """Attach a table as the partition [start, end). Missing indexes are made. It blocks neither readers nor writers."""
    connection.execute(
        sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
            sql.Identifier("market", parent),
            sql.Identifier("market", child),
            sql.Literal(start.isoformat()),
            sql.Literal(end.isoformat()),
        )
    )


def _exists(connection: Connection, table: str) -> bool:
    # not to_regclass: its cache may miss a table that was made while this process waited for a lock
    found = connection.execute(
        "select from pg_class where relnamespace = 'market'::regnamespace and relname = %s", [table]
    )
    return found.fetchone() is not None


def _month_known(connection: Connection, month: date) -> bool:
    return connection.execute("select from market.months where month = %s", [month]).fetchone() is not None


def _make(connection: Connection, tables: tuple[str, ...], suffix: str, start: datetime, end: datetime) -> list[str]:
    def make() -> list[str]:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if _exists(connection, f"{tables[-1]}_{suffix}"):
            return []  # another process made it while this one waited
        for table in tables:
            partition = f"{table}_{suffix}"
            connection.execute(
                sql.SQL("create table {} (like {} including all)").format(
                    sql.Identifier("market", partition), sql.Identifier("market", table)
                )
            )
            attach_partition(connection, table, partition, start, end)
            if tables is MONTHLY_TABLES:
                connection.execute("select market.add_marks(%s)", [f"market.{partition}"])
        if tables is MONTHLY_TABLES:
            connection.execute("insert into market.months (month) values (%s)", [start.date()])
        return [f"{table}_{suffix}" for table in tables]

    return with_short_lock_waits(connection, make, f"Making the partition {tables[-1]}_{suffix}")
