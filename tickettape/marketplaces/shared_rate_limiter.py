"""Turns that all processes share: the arithmetic of `marketplaces.turns` on what `warehouse` keeps."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tickettape.database import Connection
from tickettape.marketplaces import breaker_store as breakers
from tickettape.marketplaces import request_budget as budgets
from tickettape.marketplaces.breaker import Breaker, Policy
from tickettape.marketplaces.breaker_store import Row
from tickettape.marketplaces.rate_limiter import (
    Block,
    Budget,
    Lease,
    Rate,
    Rules,
    Seen,
    per_second,
    take,
)
from tickettape.settings import Settings


def rules_of(settings: Settings) -> Rules:
    """The rates and the breaker that the settings name."""
    return Rules(
        rates=(per_second(settings.requests_per_second), Rate(settings.requests_per_minute, 60.0)),
        policy=Policy(
            in_a_row=settings.breaker_blocked_in_a_row,
            share=settings.breaker_blocked_share,
            of_last=settings.breaker_blocked_of_last,
            wait_seconds=settings.breaker_wait_seconds,
        ),
    )


class SharedTurns:
    """`Turns` of every process that asks a marketplace, kept in the warehouse; see `marketplaces.turns.Turns`.

    The database's clock is everybody's: turns come as seconds from now, so no two machines' clocks need agree. What a
    lease takes from there to whoever asked is counted: a process that is held up must not ask in others' turns.
    """

    def __init__(self, connect: Callable[[], Connection], source: str, rules: Rules) -> None:
        self._connect, self._source, self._rules = connect, source, rules
        self._connection: Connection | None = None
        self._way_back_seconds = 0.0  # of the last lease: the next is given as much ahead
        self._alone = threading.Lock()  # who asked may have given up, and its thread be at it still

    async def lease(self, wanted: int, seen: Sequence[Seen]) -> Lease:
        """See `Turns.lease`."""
        lease, at = await asyncio.to_thread(self._lease_alone, wanted, seen)
        self._way_back_seconds = time.monotonic() - at
        return replace(lease, starts=tuple(start - self._way_back_seconds for start in lease.starts))

    async def close(self) -> None:
        """Close the connection; the next lease opens another."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._alone:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _lease_alone(self, wanted: int, seen: Sequence[Seen]) -> tuple[Lease, float]:
        with self._alone:
            return self._lease(wanted, seen)

    def _lease(self, wanted: int, seen: Sequence[Seen]) -> tuple[Lease, float]:
        source, back_seconds = self._source, self._rules.longest_seconds
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self._connection.autocommit = True
        connection = self._connection
        with connection.transaction():
            spent = budgets.lock(connection, source, back_seconds=back_seconds)
            at = time.monotonic()
            kept = breakers.of(connection, source)
            before = Budget(tuple(map(Block._make, spent.blocks)), spent.slowdown, spent.quiet_until)
            budget, breaker, lease = take(
                self._rules, before, _breaker(kept), wanted, seen, spent.now, self._way_back_seconds
            )
            if (budget.slowdown, budget.quiet_until) != (spent.slowdown, spent.quiet_until):
                budgets.note(connection, source, slowdown=budget.slowdown, quiet_until=budget.quiet_until)
            if lease.starts and self._rules.rates:
                budgets.spend(connection, source, budget.blocks[-1], back_seconds=back_seconds)
            row = _row(breaker)
            breakers.keep(connection, source, row, before=kept)
        if lease.refusal is not None:
            lease = Lease(refusal=breakers.sentence(source, row))
        return lease, at


def _breaker(row: Row) -> Breaker:
    return Breaker(
        state=row.state,  # type: ignore[arg-type]  # the table's own check
        blocked_in_a_row=row.blocked_in_a_row,
        recent=row.recent,
        openings=row.openings,
        opened_at=row.opened_at.timestamp() if row.opened_at else None,
        probe_at=row.probe_at.timestamp() if row.probe_at else None,
        reason=row.reason,
    )


def _row(breaker: Breaker) -> Row:
    return Row(
        state=breaker.state,
        blocked_in_a_row=breaker.blocked_in_a_row,
        recent=breaker.recent,
        openings=breaker.openings,
        opened_at=datetime.fromtimestamp(breaker.opened_at, UTC) if breaker.opened_at else None,
        probe_at=datetime.fromtimestamp(breaker.probe_at, UTC) if breaker.probe_at else None,
        reason=breaker.reason,
    )
