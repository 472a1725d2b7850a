"""Which months are archived and dropped, and who may write into a month (A1, A5)."""

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.support.captured_answers import answer, store
from tests.support.markets import Section, observe
from tests.support.old_months import JULY, fill
from tickettape.archive.month_archive import close_month
from tickettape.database import (
    Connection,
    Warehouse,
    ensure_partitions,
    month_refusals,
    months_to_archive,
    state_of_month,
)
from tickettape.database.month_state import MonthState, months_before
from tickettape.observations import (
    captures,
    store_captures,
)

NOVEMBER_21 = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
IN_JULY = datetime(2026, 7, 9, 12, tzinfo=UTC)


def month(
    number: int, state: str = "open", *, pinned: bool = False, step: str | None = None, days_ago: int = 0
) -> MonthState:
    reached_at = NOVEMBER_21 - timedelta(days=days_ago) if step else None
    return MonthState(date(2026, number, 1), state, pinned, step, reached_at)


OPEN = [month(number) for number in range(8, 13)]


@pytest.mark.parametrize(
    ("known", "now", "due"),
    [
        pytest.param([], NOVEMBER_21, [], id="nothing is known, nothing is due"),
        pytest.param([month(6), month(7), *OPEN], NOVEMBER_21, [(6, "archive")], id="July is not wholly 4 months back"),
        pytest.param(
            [month(6), month(7), *OPEN], datetime(2026, 12, 1, tzinfo=UTC), [(6, "archive"), (7, "archive")],
            id="July is, at the first instant of December",
        ),
        pytest.param(
            [month(7), *OPEN], datetime(2026, 12, 1, tzinfo=UTC) - timedelta(microseconds=1), [],
            id="and is not, a microsecond before",
        ),
        pytest.param([month(3), month(5), *OPEN], NOVEMBER_21, [(3, "archive"), (5, "archive")], id="across a gap"),
        pytest.param([month(3), month(4)], NOVEMBER_21, [(3, "archive")], id="A1: the newest attached month stays"),
        pytest.param([month(3, "archived", step="dropped"), *OPEN], NOVEMBER_21, [], id="A1: once more does nothing"),
        pytest.param(
            [month(3, "archived", step="detached", days_ago=6), *OPEN], NOVEMBER_21, [], id="detached, kept for a week"
        ),
        pytest.param(
            [month(3, "archived", step="detached", days_ago=7), *OPEN], NOVEMBER_21, [(3, "drop")], id="then dropped"
        ),
        pytest.param(
            [month(3, "closed", step="exported"), *OPEN], NOVEMBER_21, [(3, "archive")], id="a killed archive goes on"
        ),
        pytest.param([month(9, "closed", step="closed"), *OPEN], NOVEMBER_21, [(9, "archive")], id="begun by hand too"),
        pytest.param([month(3, "restored", pinned=True), *OPEN], NOVEMBER_21, [], id="pinned: left alone"),
        pytest.param([month(3, "restored"), *OPEN], NOVEMBER_21, [(3, "archive")], id="released: taken again"),
        pytest.param(
            [month(2), month(3, "archived", step="dropped"), month(4, "restored", pinned=True), *OPEN],
            NOVEMBER_21, [(2, "archive")], id="each month by itself",
        ),
    ],
)  # fmt: skip
def test_which_months_are_archived_and_dropped(
    known: list[MonthState], now: datetime, due: list[tuple[int, str]]
) -> None:
    found = months_to_archive(known, now=now, raw_months=4, keep_detached_days=7)
    assert [(one.month, what) for one, what in found] == due


def test_nobody_changes_a_closed_month_not_even_by_hand(connection: Connection) -> None:
    fill(connection, JULY)
    close_month(connection, JULY)
    for statement in (
        "update market.section_snapshots set total_tickets = 0",
        "delete from market.captures",
        "insert into market.captures_2026_07 (event_key, tick, status) values (1, '2026-07-09', 'ok')",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="closed"):
            connection.execute(statement)
    observe(connection, 1, datetime(2026, 8, 9, tzinfo=UTC), Section("Lower", "101"))  # other months go on


@pytest.fixture
def open_writer(warehouse: Warehouse, connection: Connection) -> Iterator[Connection]:
    """A writer that stored a capture of July and has not committed."""
    [event, _] = fill(connection, JULY)
    ensure_partitions(connection, [IN_JULY])
    with warehouse.connection() as writer:
        writer.execute("begin")
        store_captures(writer, [answer(event, IN_JULY)], UUID(int=0))
        yield writer


@pytest.mark.race
def test_a5_closing_a_month_waits_for_the_writer_under_way_whose_row_is_then_part_of_it(
    warehouse: Warehouse, connection: Connection, open_writer: Connection
) -> None:
    closing = threading.Thread(target=_close, args=[warehouse])
    closing.start()
    _wait_until_blocked(connection)
    assert state_of_month(connection, JULY) == "open"
    open_writer.execute("commit")
    closing.join(timeout=60)
    assert state_of_month(connection, JULY) == "closed"
    assert connection.execute("select count(*) from market.captures where tick = %s", [IN_JULY]).fetchone() == (1,)


@pytest.mark.race
def test_a5_a_writer_that_waited_for_the_closing_finds_the_month_closed(
    warehouse: Warehouse, connection: Connection
) -> None:
    [event, _] = fill(connection, JULY)
    ensure_partitions(connection, [IN_JULY])
    held: list[int] = []

    def write() -> None:
        with warehouse.connection() as writer:
            held.append(store(writer, answer(event, IN_JULY)))

    with connection.transaction():
        close_month(connection, JULY)
        writing = threading.Thread(target=write)
        writing.start()
        with warehouse.connection() as observer:
            _wait_until_blocked(observer)
    writing.join(timeout=60)
    assert held == [1]


def test_control_without_the_share_lock_a_closing_overtakes_the_writer_who_then_fails(
    warehouse: Warehouse, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard taken out: a writer that only looks at the month's state is overtaken by its closing, and its
    tick fails; that its row is not lost in silence is the trigger's doing."""
    [event, _] = fill(connection, JULY)
    ensure_partitions(connection, [IN_JULY])
    asked = month_refusals

    def looks_only(connection: Connection, ticks: Iterable[datetime]) -> dict[date, str]:
        with connection.transaction(force_rollback=True):
            found = asked(connection, ticks)
        with warehouse.connection() as other:
            close_month(other, JULY)  # the injected wait: the month is closed between the look and the write
        return found

    monkeypatch.setattr(captures, "month_refusals", looks_only)
    with pytest.raises(psycopg.errors.RaiseException, match="closed"):
        store(connection, answer(event, IN_JULY))


def _close(warehouse: Warehouse) -> None:
    with warehouse.connection() as connection:
        close_month(connection, JULY)


def _wait_until_blocked(connection: Connection) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        waiting = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).fetchone()
        if waiting and waiting[0]:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


@pytest.mark.parametrize(
    ("instant", "months", "expected"),
    [
        (datetime(2026, 11, 21, 12, 30, tzinfo=UTC), 4, datetime(2026, 7, 21, 12, 30, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), 1, datetime(2025, 12, 1, tzinfo=UTC)),
        (datetime(2026, 5, 31, tzinfo=UTC), 3, datetime(2026, 2, 28, tzinfo=UTC)),
        (datetime(2028, 3, 31, tzinfo=UTC), 1, datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), 13, datetime(2025, 11, 30, tzinfo=UTC)),
        (datetime.fromisoformat("2026-03-01T00:30:00+02:00"), 1, datetime(2026, 1, 28, 22, 30, tzinfo=UTC)),
    ],
)
def test_months_are_the_calendars_and_end_where_a_month_does(
    instant: datetime, months: int, expected: datetime
) -> None:
    assert months_before(instant, months) == expected
