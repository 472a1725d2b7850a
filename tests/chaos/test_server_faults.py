"""Faults of the database server under a program that ticks: after each it is well by itself, and said little."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import psycopg
import pytest

from tests.chaos.program import MOST_LINES, TICK, Program, report
from tests.support.own_server import OwnServer

pytestmark = pytest.mark.long

A_WHILE, THREE_MINUTES = 45.0, 180.0  # seconds; a while is longer than all retries of one step


@contextmanager
def stopped(server: OwnServer) -> Iterator[None]:
    """Away: every connection is refused."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def restarted(server: OwnServer) -> Iterator[None]:
    """Gone as after a crash, and back at once."""
    server.stop("immediate")
    server.start()
    yield


@contextmanager
def a_standby(server: OwnServer) -> Iterator[None]:
    """After a failover that left this program on the other server: it reads, and cannot write."""
    server.stop()
    server.start(standby=True)
    try:
        yield
    finally:
        server.promote()


@contextmanager
def read_only(server: OwnServer) -> Iterator[None]:
    """Set read-only, as a hosted database is when it is over its size."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("alter system set default_transaction_read_only = on")
        connection.execute("select pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("set default_transaction_read_only = off")
            connection.execute("alter system reset default_transaction_read_only")
            connection.execute("select pg_reload_conf()")


@contextmanager
def exhausted(server: OwnServer) -> Iterator[None]:
    """Somebody else holds every connection."""
    taken = server.take_all()
    try:
        yield
    finally:
        for connection in taken:
            with suppress(psycopg.Error):
                connection.close()


@contextmanager
def frozen(server: OwnServer) -> Iterator[None]:
    """It takes connections, and never answers."""
    with server.frozen():
        yield


@pytest.mark.parametrize(
    ("fault", "seconds", "words"),
    [
        (restarted, 0, ()),
        (a_standby, A_WHILE, ("read-only", "DATABASE_URL")),
        (read_only, A_WHILE, ("read-only", "DATABASE_URL")),
        (exhausted, A_WHILE, ("no connection left", "max_connections")),
        (stopped, THREE_MINUTES, ("cannot be reached", "DATABASE_URL")),
        (frozen, THREE_MINUTES, ()),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_fault_in_mid_tick_is_over_when_the_server_is_well(
    program: Program,
    server: OwnServer,
    fault: Callable[[OwnServer], AbstractContextManager[None]],
    seconds: float,
    words: tuple[str, ...],
) -> None:
    program.wait_for_the_middle_of_a_tick()
    before, told_before = len(program.said()), len(program.inbox.messages)
    with fault(server):
        program.market.seconds = 0
        time.sleep(seconds)
    took = program.wait_until_well()
    said = program.said()[before:]
    report(f"{fault.__name__}: well {took:.0f} s after it; {len(said)} lines:", *said)
    messages = program.inbox.messages[told_before:]
    report(*[f"told: {one['title']}\n{one['message']}" for one in messages])
    assert len(program.problems(said)) <= MOST_LINES
    for word in words:  # an earlier fault may have told it: the same reason is told again after ten minutes
        assert any(word in line for line in program.said()), word
    assert all("nothing." not in one["message"] for one in messages)


def test_an_idle_session_with_an_old_snapshot_delays_no_tick_and_is_no_news(program: Program) -> None:
    before = len(program.said())
    with program.database() as catalogue, psycopg.connect(program.url or "") as idle:
        tables = catalogue.execute(
            """select format('%I.%I', schemaname, relname) from pg_stat_user_tables
               where schemaname in ('market', 'analytics')"""
        ).fetchall()
        idle.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for (table,) in tables:
            idle.execute(f"select from {table} limit 1".encode())
        for _ in range(2):
            took = program.wait_until_well(2 * TICK.total_seconds())
            report(f"beside an idle session: well after {took:.0f} s")
        idle.execute("select")  # it is still there
    said = program.said()[before:]
    report(f"{len(said)} lines:", *said)
    assert program.problems(said) == []
