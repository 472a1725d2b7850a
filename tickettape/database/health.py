"""The health of the database: sizes and growth, indexes, statements, connections, dead rows, marks, partitions.

These are the monitoring queries of R-132 to R-139, over our schemas. Partitions are counted as part of their table.
`measure_health` measures, and `judge_health` decides from the resulting `DatabaseHealth` alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from tickettape.database.connections import Connection
from tickettape.database.disk import Disk, database_disk
from tickettape.database.month_state import month_after, month_of
from tickettape.database.partitions import DAILY_TABLES, DAYS_AHEAD, MONTHLY_TABLES, MONTHS_AHEAD

SCHEMAS = ("market", "analytics", "box_office", "price_alerts", "access", "dagster")
INDEXED_BY_US = tuple(schema for schema in SCHEMAS if schema != "dagster")  # whose indexes are Dagster's own matter
WHOLE = "database"  # the name under which the size of the whole database is stored
GROWTH_DAYS = 7  # a week has each weekday's traffic once
SHORTEST_GROWTH = timedelta(days=1)  # shorter measurements say nothing about the growth of a day
SIZES_KEPT_DAYS = 400  # more than a year, to compare a month with the same month of last year
FIRST_HOUR = timedelta(hours=1)  # a new database may be measured before its partitions are made
OLDEST_MARK = timedelta(hours=1)  # ticks refresh every 10 to 20 minutes: so three in a row did not
XID_AGE = 500_000_000  # autovacuum freezes at 200 million; Postgres stops writing at 2,100 million
LEAST_FREE_SHARE = 0.1  # of the disk, whatever the growth: a dump, a vacuum or an index needs space too

Row = dict[str, Any]


@dataclass(frozen=True)
class DatabaseHealth:
    """One measurement. Sizes are in bytes, growth is in bytes a day (None: not known yet), ages are in seconds."""

    measured_at: datetime
    began_at: datetime
    database_bytes: int
    growth_a_day: float | None
    disk: Disk | None
    connections: int
    max_connections: int
    xid_age: int
    marks: int
    oldest_mark_seconds: float
    partitions_missing: list[str]
    sizes: list[Row]
    unused_indexes: list[Row]
    slow_statements: list[Row] | None
    connections_by_state: list[Row]
    dead_rows: list[Row]

    @property
    def days_left(self) -> float | None:
        """Days until the disk is full at this growth; None if disk or growth is not known, or if nothing grows."""
        if self.disk is None or self.growth_a_day is None or self.growth_a_day <= 0:
            return None
        return self.disk.free / self.growth_a_day


@dataclass(frozen=True)
class HealthVerdict:
    """The result of one check, and the reason."""

    check: str
    passed: bool
    stops_us: bool
    """Whether the pipeline will stop if nobody acts. If so, the check's severity is error."""
    why: str


HEALTH_CHECKS = {
    "storage": "The database's disk has room, and will have for long enough.",
    "connections": "The server has connections left.",
    "xid_age": "Autovacuum keeps transaction ids from wrapping around.",
    "marks": "Rollups are refreshed: no mark waits for long.",
    "partitions_ahead": "The partitions of the coming months and days are made.",
}


def judge_health(health: DatabaseHealth, *, storage_days_left: int, connections_share: float) -> list[HealthVerdict]:
    """The verdicts on a measurement, one for each of HEALTH_CHECKS."""
    share = health.connections / health.max_connections
    missing = health.partitions_missing
    return [
        _storage(health, storage_days_left),
        HealthVerdict(
            "connections",
            share <= connections_share,
            True,
            f"{health.connections} of {health.max_connections} connections are in use.",
        ),
        HealthVerdict(
            "xid_age",
            health.xid_age <= XID_AGE,
            True,
            f"The oldest transaction id is {health.xid_age:,} transactions old. More than {XID_AGE:,} means that "
            "something is blocking autovacuum. Look for old transactions in pg_stat_activity, prepared transactions "
            "and replication slots.",
        ),
        HealthVerdict(
            "marks",
            health.oldest_mark_seconds <= OLDEST_MARK.total_seconds(),
            False,
            f"{health.marks:,} marks are waiting, the oldest for {health.oldest_mark_seconds:,.0f} s.",
        ),
        HealthVerdict(
            "partitions_ahead",
            not missing or health.measured_at - health.began_at < FIRST_HOUR,
            False,
            f"Missing: {', '.join(missing)}." if missing else "All partitions for the coming months and days exist.",
        ),
    ]


def _storage(health: DatabaseHealth, storage_days_left: int) -> HealthVerdict:
    if health.disk is None:
        why = "The server is on another machine, and the size of its disk is not known. Set WAREHOUSE_DISK_GB to it."
        return HealthVerdict("storage", False, False, why)
    free_share = health.disk.free / health.disk.total
    left = health.days_left
    enough = free_share >= LEAST_FREE_SHARE and (left is None or left >= storage_days_left)
    growth = "at a growth not known yet" if health.growth_a_day is None else "and it does not grow"
    until = f"full in {left:,.0f} days" if left is not None else growth
    return HealthVerdict("storage", enough, True, f"{health.disk.free / 1e9:,.1f} GB ({free_share:.0%}) free, {until}.")


def measure_health(connection: Connection, now: datetime, *, stated_disk_bytes: int | None = None) -> DatabaseHealth:
    """Measure the database, and store its sizes, from which later measurements compute the growth."""
    with connection.transaction():
        database_bytes, sizes = database_size_bytes(connection), _sizes(connection)
        _remember(connection, now, {WHOLE: database_bytes, **{row["table"]: row["bytes"] for row in sizes}})
        sizes, growth = _with_growth(connection, now, sizes)
    marks, oldest = _marks(connection)
    connections = _connections(connection)
    return DatabaseHealth(
        measured_at=now,
        began_at=measured_since(connection) or now,
        database_bytes=database_bytes,
        growth_a_day=growth,
        disk=database_disk(connection, stated_bytes=stated_disk_bytes),
        connections=sum(row["connections"] for row in connections),
        max_connections=int(_one(connection, "select current_setting('max_connections')")),
        xid_age=int(_one(connection, "select max(age(datfrozenxid)) from pg_database")),
        marks=marks,
        oldest_mark_seconds=oldest,
        partitions_missing=partitions_not_made(connection, now),
        sizes=sizes,
        unused_indexes=_unused_indexes(connection),
        slow_statements=_slow_statements(connection),
        connections_by_state=connections,
        dead_rows=_dead_rows(connection),
    )


def table_sizes(connection: Connection, now: datetime) -> tuple[list[Row], float | None]:
    """The size of each table with its growth a day, the largest first; and the growth of the whole database."""
    return _with_growth(connection, now, _sizes(connection))


def measured_since(connection: Connection) -> datetime | None:
    """When this database was first measured, which is within an hour of its first use; None if it never was."""
    row = connection.execute("select min(measured_at) from market.database_sizes").fetchone()
    return row[0] if row else None


def database_size_bytes(connection: Connection) -> int:
    """The size of the whole database on disk."""
    return int(_one(connection, "select pg_database_size(current_database())"))


def partitions_not_made(connection: Connection, now: datetime) -> list[str]:
    """The partitions of the current and the coming months and days that do not exist yet."""
    return missing_partitions(_partitions(connection), now)


def missing_partitions(existing: Iterable[str], now: datetime) -> list[str]:
    """The partitions of the current and the coming months and days that are not among `existing`."""
    there = set(existing)
    months: list[date] = [month_of(now)]
    while len(months) <= MONTHS_AHEAD:
        months.append(month_after(months[-1]))
    days = [now.astimezone(UTC).date() + timedelta(days=day) for day in range(DAYS_AHEAD + 1)]
    wanted = [f"{table}_{month:%Y_%m}" for month in months for table in MONTHLY_TABLES]
    wanted += [f"{table}_{day:%Y_%m_%d}" for day in days for table in DAILY_TABLES]
    return [name for name in wanted if name not in there]


def _sizes(connection: Connection) -> list[Row]:
    """The size of each table with its indexes, TOAST and partitions, the largest first."""
    return _rows(
        connection,
        """select n.nspname || '.' || root.relname as table,
               sum(pg_total_relation_size(part.oid))::bigint as bytes,
               sum(pg_indexes_size(part.oid))::bigint as "index bytes",
               coalesce(sum(part.reltuples) filter (where part.relkind != 'p' and part.reltuples > 0), 0)::bigint
                   as "rows, about",
               count(*) filter (where part.oid != root.oid)::integer as partitions
           from pg_class as part
           inner join pg_class as root on root.oid = coalesce(pg_partition_root(part.oid), part.oid)
           inner join pg_namespace as n on n.oid = root.relnamespace
           where part.relkind in ('r', 'm', 'p') and n.nspname = any(%(schemas)s)
           group by n.nspname, root.relname order by bytes desc""",
    )


def _with_growth(connection: Connection, now: datetime, sizes: list[Row]) -> tuple[list[Row], float | None]:
    growth = _growth(connection, now)
    return [row | {"growth a day": growth.get(row["table"])} for row in sizes], growth.get(WHOLE)


def _remember(connection: Connection, now: datetime, sizes: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market.database_sizes (measured_at, relation, bytes) values (%s, %s, %s)
               on conflict (relation, measured_at) do update set bytes = excluded.bytes""",
            [(now, relation, size) for relation, size in sizes.items()],
        )
    connection.execute(
        "delete from market.database_sizes where measured_at < %s", [now - timedelta(days=SIZES_KEPT_DAYS)]
    )


def _growth(connection: Connection, now: datetime) -> dict[str, float]:
    """The growth of each relation in bytes a day: the slope of the last days' measurements, if they span a day."""
    rows = connection.execute(
        """select relation, 86400 * regr_slope(bytes, extract(epoch from measured_at))
           from market.database_sizes where measured_at > %s and measured_at <= %s
           group by relation having max(measured_at) - min(measured_at) >= %s""",
        [now - timedelta(days=GROWTH_DAYS), now, SHORTEST_GROWTH],
    ).fetchall()
    return {str(relation): float(slope) for relation, slope in rows}


def _unused_indexes(connection: Connection) -> list[Row]:
    """Non-unique indexes that no query has used since the counts began. Partitions count as their parent index."""
    return _rows(
        connection,
        """select s.schemaname || '.' || root.relname as index,
               min(coalesce(pg_partition_root(s.relid), s.relid)::regclass::text) as table,
               sum(pg_relation_size(s.indexrelid))::bigint as bytes,
               (select stats_reset::text from pg_stat_database where datname = current_database()) as "counted since"
           from pg_stat_user_indexes as s
           inner join pg_index as i on i.indexrelid = s.indexrelid
           inner join pg_class as root on root.oid = coalesce(pg_partition_root(s.indexrelid), s.indexrelid)
           where s.schemaname = any(%(indexed_by_us)s) and not i.indisunique
           group by s.schemaname, root.relname having sum(s.idx_scan) = 0
           order by bytes desc limit 20""",
    )


def _slow_statements(connection: Connection) -> list[Row] | None:
    """The slowest statements by mean time; None if the server does not have pg_stat_statements."""
    if not _one(connection, "select count(*) from pg_extension where extname = 'pg_stat_statements'"):
        return None
    return _rows(
        connection,
        """select left(query, 200) as query, round(mean_exec_time::numeric, 1)::float as "mean ms", calls,
               round(total_exec_time::numeric / 1000, 1)::float as "total s"
           from pg_stat_statements
           where dbid = (select oid from pg_database where datname = current_database())
           order by mean_exec_time desc limit 10""",
    )


def _connections(connection: Connection) -> list[Row]:
    return _rows(
        connection,
        """select coalesce(state, 'unknown') as state, coalesce(usename::text, '') as "user",
               coalesce(application_name, '') as application, count(*)::integer as connections,
               coalesce(max(extract(epoch from now() - xact_start)), 0)::integer as "longest transaction s"
           from pg_stat_activity where backend_type = 'client backend'
           group by 1, 2, 3 order by connections desc""",
    )


def _dead_rows(connection: Connection) -> list[Row]:
    return _rows(
        connection,
        """select schemaname || '.' || relname as table, n_live_tup as "live rows", n_dead_tup as "dead rows",
               coalesce(greatest(last_vacuum, last_autovacuum)::text, 'never') as "last vacuumed"
           from pg_stat_user_tables where schemaname = any(%(schemas)s) and n_dead_tup > 0
           order by n_dead_tup desc limit 20""",
    )


def _marks(connection: Connection) -> tuple[int, float]:
    row = connection.execute(
        """select count(*), coalesce(extract(epoch from clock_timestamp() - min(marked_at)), 0)
           from market.dirty_buckets"""
    ).fetchone()
    return (int(row[0]), float(row[1])) if row else (0, 0.0)


def _partitions(connection: Connection) -> list[str]:
    rows = connection.execute(
        """select relname from pg_class
           where relispartition and relkind = 'r' and relnamespace = 'market'::regnamespace"""
    ).fetchall()
    return [str(name) for (name,) in rows]


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _rows(connection: Connection, query: str) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"schemas": list(SCHEMAS), "indexed_by_us": list(INDEXED_BY_US)}).fetchall()
