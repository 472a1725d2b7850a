"""What tests of the box office share: a database for many tests, each with events of its own, and races."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg

from tickettape.box_office.events import Seat, add_seats, add_tier, create_event
from tickettape.database import Connection

_NUMBERS = count(1)


@dataclass(frozen=True)
class BoxOffice:
    """A database with a box office, and what a test needs to fill it."""

    url: str
    connection: Connection
    opened: list[Connection] = field(default_factory=list)
    known_faults: set[tuple[Any, ...]] = field(default_factory=set)
    """What earlier tests, the controls, have left."""

    def connect(self) -> Connection:
        """One more connection, closed at the end of the test."""
        made = psycopg.connect(self.url, autocommit=True, options="-c timezone=UTC -c search_path=box_office")
        self.opened.append(made)
        return made

    def close(self) -> None:
        for one in self.opened:
            one.close()
        self.opened.clear()

    def one(self, query: str, *values: Any) -> Any:
        """The one value that a query returns."""
        row = self.connection.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values).fetchall()

    def do(self, query: str, *values: Any) -> int:
        """Run a statement; how many rows it changed."""
        return self.connection.execute(query.encode(), values).rowcount

    def user(self) -> int:
        number = next(_NUMBERS)
        return int(
            self.one(
                "insert into users (email, full_name, password_hash) values (%s, %s, 'x') returning id",
                f"user{number}@example.com",
                f"User {number}",
            )
        )

    def event(self, **given: Any) -> int:
        start = datetime.now(UTC) + timedelta(days=30)
        return create_event(self.connection, "A concert", "A hall", start, **{"status": "on_sale", **given})

    def tier(self, event_id: int, quantity: int, *, price: int = 10, **given: Any) -> int:
        return add_tier(self.connection, event_id, "Standing", Decimal(price), quantity, **given)

    def seats(self, event_id: int, rows: int = 1, in_a_row: int = 10, section: str = "A", price: int = 10) -> list[int]:
        """Seats of a section; their ids, by rows."""
        plan = [
            Seat(section, str(row + 1), str(seat + 1), Decimal(price))
            for row in range(rows)
            for seat in range(in_a_row)
        ]
        add_seats(self.connection, event_id, plan)
        query = "select id from stored_seats where event_id = %s and section = %s order by row_rank, seat_rank"
        return [seat for (seat,) in self.all(query, event_id, section)]

    def stock(self, tier_id: int) -> tuple[int, int, int]:
        """What the view says: quantity, sold, reserved."""
        return self.all("select quantity, sold, reserved from ticket_tiers where id = %s", tier_id)[0]

    def left(self, tier_id: int) -> int:
        quantity, sold, reserved = self.stock(tier_id)
        return quantity - sold - reserved

    def expire(self, *, order: int | None = None, booking: int | None = None) -> None:
        """Let the time of an order or a booking pass."""
        self.do("update orders set expires_at = now() - interval '1 second' where id = %s", order)
        self.do("update bookings set hold_expires_at = now() - interval '1 second' where id = %s", booking)
        self.do(
            "update stored_seats set held_until = now() - interval '1 second' where current_booking_id = %s", booking
        )

    def faults(self) -> list[tuple[Any, ...]]:
        """Contradictions in the books that this test has made."""
        return [
            one
            for one in self.all("select fault, id, found, expected from discrepancies()")
            if one not in self.known_faults
        ]


Work = Callable[[Connection], Any]


def outcome(work: Work, connection: Connection) -> Any:
    """What a call returns, or its error."""
    try:
        return work(connection)
    except Exception as error:
        return error


def waits_for_lock(office: BoxOffice, waiting: Connection, seconds: float = 5.0, *, event: str | None = None) -> bool:
    """Whether a connection comes to wait for a lock, or for one of a kind (`event`, as pg_stat_activity says it)."""
    pid, until = waiting.info.backend_pid, time.monotonic() + seconds
    while time.monotonic() < until:
        found = office.all("select wait_event_type, wait_event from pg_stat_activity where pid = %s", pid)
        if found and found[0][0] == "Lock" and event in (None, found[0][1]):
            return True
        time.sleep(0.005)
    return False


def race(office: BoxOffice, first: Work, second: Work, *, isolation: str = "read committed") -> tuple[Any, Any]:
    """Two transactions at once: `first` has done its work and not committed when `second` begins.

    The first one commits when the second waits for it, or has ended without waiting.
    """
    connections = [office.connect(), office.connect()]
    for one in connections:
        one.execute(f"set default_transaction_isolation = '{isolation}'".encode())
    done = threading.Event()

    def second_one() -> Any:
        try:
            return outcome(second, connections[1])
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        if isolation != "read committed":
            connections[1].execute("begin")
            connections[1].execute("select 1 from settings")  # its snapshot is older than the first one's commit
        connections[0].execute("begin")
        won = outcome(first, connections[0])
        running = pool.submit(second_one)
        until = time.monotonic() + 5
        while not done.is_set() and time.monotonic() < until:
            if waits_for_lock(office, connections[1], seconds=0.01):
                break
        connections[0].execute("rollback" if isinstance(won, Exception) else "commit")
        lost = running.result(timeout=60)
        if isolation != "read committed":
            connections[1].execute("rollback" if isinstance(lost, Exception) else "commit")
    return won, lost


@contextmanager
def without_guard(office: BoxOffice, function: str, guard: str, instead: str = "") -> Iterator[None]:
    """For the block, a function of schema box_office without its guard: a control."""
    was = office.one("select pg_get_functiondef(%s::regproc)", f"box_office.{function}")
    assert guard in was, f"{function} has no {guard!r}"
    office.do(was.replace(guard, instead).replace("%", "%%"))
    try:
        yield
    finally:
        office.do(was.replace("%", "%%"))


@contextmanager
def without_stock_locks(office: BoxOffice, tier: int) -> Iterator[None]:
    """Counters that are read without a lock, and may fall below 0."""
    office.do("alter table tier_stock drop constraint tier_stock_free_check")
    try:
        with without_guard(office, "write_stock", " for update skip locked"):
            yield
    finally:
        office.do("update tier_stock set free = 0 where tier_id = %s", tier)
        office.do("alter table tier_stock add constraint tier_stock_free_check check (free >= 0)")


def at_once(office: BoxOffice, works: list[Work], clients: int = 64) -> list[Any]:
    """Run all on so many connections; what each returned, or its error, in order."""
    local, lock = threading.local(), threading.Lock()

    def run(work: Work) -> Any:
        if not hasattr(local, "connection"):
            with lock:
                local.connection = office.connect()
        return outcome(work, local.connection)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, works))


PURCHASE = """
BEGIN;
SELECT id, quantity, sold, reserved FROM ticket_tiers WHERE id = {tier} FOR UPDATE;
UPDATE ticket_tiers SET sold = sold + {number} WHERE id = {tier};
INSERT INTO orders (user_id, event_id, status, total_amount) VALUES ({user}, {event}, 'paid', {number} * 10);
INSERT INTO payments (order_id, provider, amount, currency, status)
SELECT max(id), 'counter', {number} * 10, 'USD', 'succeeded' FROM orders WHERE user_id = {user};
INSERT INTO tickets (order_id, tier_id, price)
SELECT (SELECT max(id) FROM orders WHERE user_id = {user}), {tier}, 10 FROM generate_series(1, {number});
COMMIT;
"""
"""As people type it: lock, raise `sold`, write order, payment and tickets."""


def typed(user: int, event: int, tier: int, number: int) -> Work:
    def work(connection: Connection) -> None:
        try:
            connection.execute(PURCHASE.format(tier=tier, number=number, user=user, event=event).encode())
        except Exception:
            connection.execute("rollback")
            raise

    return work
