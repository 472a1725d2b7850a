"""The partitions of the facts (a month each) and of the stored answers (a day each): made before a write.

There is no default partition: a row outside is an error, not a silent pile. `months` says of each month
what may be done with it, and is asked instead of any date.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from psycopg import sql

from orchestration.warehouse import Connection

MONTHLY_TABLES = ("captures", "section_snapshots")
DAILY_TABLES = ("capture_payloads",)

_LOCK = 7_153_906  # one process makes partitions at a time


def month_of(instant: datetime) -> date:
    """The first day of the UTC month that an instant falls in."""
    return instant.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)


class MonthNotWritable(Exception):  # noqa: N818
    """A write into a month that is closed or archived. The message says which and what to do."""


def ensure_partitions(connection: Connection, ticks: Iterable[datetime], *, answers: bool = True) -> None:
    """Make the partitions that hold `ticks` where they do not exist, each in a transaction of its own.

    A month that `months` knows is left as it is: whether it is open is asked where a row is written. Without
    `answers`, none are made for stored answers: an import of years has none.
    """
    instants = list(ticks)
    for month in sorted({month_of(tick) for tick in instants}):
        if not _exists(connection, MONTHLY_TABLES[-1], f"{month:%Y_%m}") and not _month_known(connection, month):
            _make(connection, MONTHLY_TABLES, f"{month:%Y_%m}", month, month_after(month))
    for day in sorted({tick.astimezone(UTC).date() for tick in instants} if answers else ()):
        if not _exists(connection, DAILY_TABLES[-1], f"{day:%Y_%m_%d}"):
            _make(connection, DAILY_TABLES, f"{day:%Y_%m_%d}", day, day + timedelta(days=1))


def not_writable(connection: Connection, instants: Iterable[datetime]) -> dict[date, str]:
    """The months of `instants` that nothing may be written into, with their state."""
    wanted = sorted({month_of(instant) for instant in instants})
    rows = connection.execute(
        "select month, state from market.months where month = any(%s) order by month for share", [wanted]
    ).fetchall()
    states = {month: str(state) for month, state in rows}
    found = {month: states.get(month, "without a partition") for month in wanted}
    return {month: state for month, state in found.items() if state not in ("open", "restored")}


def hold_writable(connection: Connection, instants: Iterable[datetime]) -> None:
    """Keep the months of `instants` from being closed until the caller's transaction ends.

    Raises MonthNotWritable where one is already.
    """
    refused = not_writable(connection, instants)
    if refused:
        said = ", ".join(f"{month:%Y-%m} is {state}" for month, state in refused.items())
        raise MonthNotWritable(f"{said}: nothing is written into it. Restore it from cold storage first.")


def drop_payloads_before(connection: Connection, day: date) -> list[str]:
    """Drop the stored answers of whole UTC days before `day`; the names of the dropped partitions."""
    rows = connection.execute(
        """select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'market.capture_payloads'::regclass order by c.relname"""
    ).fetchall()
    prefix = "capture_payloads_"
    old = [str(name) for (name,) in rows if str(name) < f"{prefix}{day:%Y_%m_%d}"]
    for name in old:
        with connection.transaction():
            connection.execute("set local lock_timeout = '5s'")
            connection.execute(sql.SQL("drop table {}").format(sql.Identifier("market", name)))
    return old


def _exists(connection: Connection, table: str, suffix: str) -> bool:
    row = connection.execute("select to_regclass(%s)", [f"market.{table}_{suffix}"]).fetchone()
    return row is not None and row[0] is not None


def _month_known(connection: Connection, month: date) -> bool:
    return connection.execute("select from market.months where month = %s", [month]).fetchone() is not None


def _make(connection: Connection, tables: tuple[str, ...], suffix: str, start: date, end: date) -> None:
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if _exists(connection, tables[-1], suffix):
            return  # another process made it while this one waited
        for table in tables:
            partition = sql.Identifier("market", f"{table}_{suffix}")
            connection.execute(
                sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
                    partition,
                    sql.Identifier("market", table),
                    sql.Literal(f"{start} 00:00Z"),
                    sql.Literal(f"{end} 00:00Z"),
                )
            )
            if tables is MONTHLY_TABLES:
                connection.execute("select market.add_marks(%s)", [f"market.{table}_{suffix}"])
        if tables is MONTHLY_TABLES:
            connection.execute("insert into market.months (month) values (%s)", [start])
