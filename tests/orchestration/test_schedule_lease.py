"""Two programs on one database: one runs the schedules, the other waits and takes over."""

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from orchestration import schedule_lease
from orchestration.instance import SCHEMA
from orchestration.schedule_lease import Program, ScheduleLease
from orchestration.start_claims import claim_start
from tickettape.database import Connection

HERE, THERE = Program("here", 1, "/one"), Program("there", 2, "/two")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    monkeypatch.setattr(schedule_lease, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(schedule_lease, "KEEP_SECONDS", 0.05)
    connection.execute(f"create schema if not exists {SCHEMA}")


@pytest.fixture
def lease(database_url: str) -> Iterator[Callable[..., tuple[ScheduleLease, list[str]]]]:
    opened: list[ScheduleLease] = []

    def make(
        program: Program, *sources: str, schema: str = SCHEMA, **more: Callable[[], None]
    ) -> tuple[ScheduleLease, list[str]]:
        said: list[str] = []
        opened.append(ScheduleLease(database_url, schema, sources, said.append, program=program, **more))
        return opened[-1], said

    yield make
    for one in opened:
        one.close()


Lease = Callable[..., tuple[ScheduleLease, list[str]]]


def ends_within(seconds: float, waiting: threading.Thread) -> bool:
    waiting.join(seconds)
    return not waiting.is_alive()


def in_the_background(lease: ScheduleLease) -> threading.Thread:
    waiting = threading.Thread(target=lease.wait, daemon=True)
    waiting.start()
    return waiting


def test_the_second_waits_says_once_for_whom_and_takes_over_when_the_first_is_gone(lease: Lease) -> None:
    first, said_first = lease(HERE, "simulator")
    first.wait()
    second, said = lease(THERE, "simulator")
    waiting = in_the_background(second)
    assert not ends_within(0.5, waiting)
    assert said_first == []
    (line,) = said
    assert "here (pid 1, /one)" in line
    first.close()
    assert ends_within(5, waiting)
    third, said_third = lease(HERE, "simulator")
    waiting = in_the_background(third)
    assert not ends_within(0.3, waiting)
    assert "there (pid 2, /two)" in said_third[0]
    second.close()
    assert ends_within(5, waiting)


def test_programs_of_different_marketplaces_run_beside_each_other_and_say_so(lease: Lease) -> None:
    first, _ = lease(HERE, "simulator")
    first.wait()
    second, said = lease(THERE, "vividseats", schema="a_second")
    second.wait()
    assert [("here" in line, "simulator" in line) for line in said] == [(True, True)]


def test_one_of_other_marketplaces_on_the_same_dagster_waits_and_is_told_how_not_to(lease: Lease) -> None:
    """Dagster's queue is one: each daemon would start the other's runs."""
    first, _ = lease(HERE, "simulator")
    first.wait()
    second, said = lease(THERE, "vividseats")
    waiting = in_the_background(second)
    assert not ends_within(0.3, waiting)
    (line,) = said
    assert "set DAGSTER_SCHEMA" in line
    first.close()
    assert ends_within(5, waiting)


def test_one_that_shares_a_single_marketplace_holds_none_while_it_waits(lease: Lease) -> None:
    first, _ = lease(HERE, "b")
    first.wait()
    second, _ = lease(THERE, "a", "b", schema="a_second")
    waiting = in_the_background(second)
    assert not ends_within(0.3, waiting)
    third, _ = lease(HERE, "a", schema="a_third")
    third.wait()  # "a" is free
    third.close()
    first.close()
    assert ends_within(5, waiting)


def test_a_lock_that_a_restart_of_the_server_freed_is_taken_again(lease: Lease, connection: Connection) -> None:
    first, said = lease(HERE, "simulator", lost=lambda: pytest.fail("it was not lost"))
    first.wait()
    first.keep()
    cut_off(connection)
    time.sleep(1)  # twenty looks
    second, _ = lease(THERE, "simulator")
    waiting = in_the_background(second)
    assert not ends_within(0.3, waiting)
    assert said == []
    first.close()
    assert ends_within(5, waiting)


def test_one_that_lost_its_lock_to_another_stops(lease: Lease, connection: Connection) -> None:
    stopped = threading.Event()
    first, said = lease(HERE, "simulator", lost=stopped.set)
    first.wait()
    second, _ = lease(THERE, "simulator")
    cut_off(connection, first)
    second.wait()
    first.keep()
    assert stopped.wait(5)
    assert "there (pid 2, /two) took over the schedules of simulator" in said[0]


def cut_off(connection: Connection, lease: ScheduleLease | None = None) -> None:
    pid = lease._connection.info.backend_pid if lease else None
    connection.execute(
        """select pg_terminate_backend(pid, 5000) from pg_stat_activity
           where application_name = 'tickettape schedules' and pid = coalesce(%s, pid)
               and datname = current_database()""",
        [pid],
    )


def test_what_everybody_would_start_is_started_once(database_url: str) -> None:
    asked = [claim_start("backup 2026-11-29T03:33", claimant) for claimant in ("dagster", "a_second", "dagster")]
    assert asked == [True, False, True]  # evaluated again by who has it: Dagster's run keys keep that one run
    assert claim_start("backup 2026-11-30T03:33")


def test_control_without_the_lock_both_run_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch, lease: Lease
) -> None:
    run = ScheduleLease._run

    def always(self: ScheduleLease, statement: str, source: str) -> bool:
        return True if "try" in statement else run(self, statement, source)

    monkeypatch.setattr(ScheduleLease, "_run", always)
    for program in (HERE, THERE):
        one, said = lease(program, "simulator")
        one.wait()
        assert said == []


def test_a_server_that_is_gone_is_an_error_at_the_start() -> None:
    with pytest.raises(psycopg.OperationalError):
        ScheduleLease("postgresql://127.0.0.1:1/none", SCHEMA, ["simulator"], lambda text: None)


def test_one_that_waits_outlives_a_restart_of_the_server(lease: Lease, connection: Connection) -> None:
    first, _ = lease(HERE, "simulator")
    first.wait()
    second, said = lease(THERE, "simulator")
    waiting = in_the_background(second)
    assert not ends_within(0.3, waiting)
    cut_off(connection, second)
    assert not ends_within(0.5, waiting)
    first.close()
    assert ends_within(5, waiting)
    assert len(said) == 1
