"""What was spent of a marketplace's budget of requests, for all processes that ask it.

The arithmetic belongs in `marketplaces`; here it is kept. Times are this database's, in seconds of its epoch.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from tickettape.database import Connection


@dataclass(frozen=True)
class SpentBudget:
    """A marketplace's budget `now`. A block is (first moment, last moment, requests), oldest first."""

    now: float
    slowdown: float
    quiet_until: float
    blocks: list[tuple[float, float, int]]


def lock_budget(connection: Connection, source: str, *, back_seconds: float) -> SpentBudget:
    """Hold a marketplace's budget until the caller's transaction ends.

    The blocks are those that ended less than `back_seconds` ago, and the last one.
    """
    # A crash of the server forgets no more than the leases of its last moments, and lasts longer than they do.
    connection.execute("set local synchronous_commit = off")
    connection.execute("insert into market.budgets (source) values (%s) on conflict do nothing", [source])
    connection.execute("select from market.budgets where source = %s for update", [source])
    blocks = connection.execute(
        """select extract(epoch from first_at)::float8, extract(epoch from last_at)::float8, requests
           from market.request_blocks
           where source = %(source)s and (last_at > clock_timestamp() - make_interval(secs => %(back)s) or first_at = (
               select max(first_at) from market.request_blocks where source = %(source)s))
           order by first_at""",
        {"source": source, "back": back_seconds},
    ).fetchall()
    # the clock last: nothing that is slow comes between it and the caller
    row = connection.execute(
        """select extract(epoch from clock_timestamp())::float8, slowdown,
               coalesce(extract(epoch from quiet_until)::float8, 0)
           from market.budgets where source = %s""",
        [source],
    ).fetchone()
    assert row is not None  # noqa: S101  it was inserted above
    now, slowdown, quiet_until = map(float, row)
    return SpentBudget(now, slowdown, quiet_until, [(float(first), float(last), int(n)) for first, last, n in blocks])


def current_slowdown(connection: Connection, source: str) -> float:
    """How much more slowly a marketplace is asked at present than its rates allow; 1 is not at all."""
    row = connection.execute("select slowdown from market.budgets where source = %s", [source]).fetchone()
    return float(row[0]) if row else 1.0


def store_slowdown(connection: Connection, source: str, *, slowdown: float, quiet_until: float) -> None:
    """Keep how a marketplace is to be asked."""
    connection.execute(
        """update market.budgets set slowdown = %s, quiet_until = %s, updated_at = clock_timestamp()
           where source = %s""",
        [slowdown, _instant(quiet_until) if quiet_until else None, source],
    )


def store_request_block(
    connection: Connection, source: str, block: tuple[float, float, int], *, back_seconds: float
) -> None:
    """Keep a block that was leased, and forget those that no rate counts any more."""
    first, last, requests = block
    connection.execute(
        "delete from market.request_blocks where source = %s and last_at < %s", [source, _instant(first - back_seconds)]
    )
    connection.execute(
        "insert into market.request_blocks (source, first_at, last_at, requests) values (%s, %s, %s, %s)",
        [source, _instant(first), _instant(last), requests],
    )


def _instant(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
