"""What the sensor finds in real runs and checks, told over real HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from orchestration.definitions import build_defs
from orchestration.incidents import Watched, build_incident_sensor, ended_runs, failed_checks, watch_for_incidents
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from tests.support.markets import NOON, TEN, add_event
from tests.support.receiver import Receiver
from tickettape.database import Connection, Warehouse
from tickettape.incidents import (
    EndedRun,
    FailedCheck,
    Incident,
    SendAttempts,
    failed_run_incidents,
    owned,
    record_incidents,
)
from tickettape.marketplaces.breaker import Breaker
from tickettape.marketplaces.breaker_store import store_breaker
from tickettape.observations.poll_schedule import PollRules, plan_polls
from tickettape.settings import Settings

HOUR = timedelta(hours=1)
REPEAT = timedelta(hours=12)


def run(job: str, tick: str | None, *, failed: bool) -> EndedRun:
    return EndedRun(job, f"run of {tick}", tick, failed, "no server" if failed else "")


def settings_for(receiver: Receiver, **more: Any) -> Settings:
    return Settings(incident_urls=SecretStr(receiver.url), **more)


def look(
    receiver: Receiver,
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    at: datetime,
    attempts: SendAttempts | None = None,
    **more: Any,
) -> str:
    checks = [dg.AssetCheckKey(dg.AssetKey("prices"), name) for name in ("are_right", "are_usual")]
    return watch_for_incidents(
        settings_for(receiver, **more),
        warehouse,
        instance,
        Watched(["backup", "checks", "tick"], checks),
        at,
        attempts or SendAttempts(),
    )


def test_a_breaker_that_opens_stale_events_and_a_large_database_are_told_over_http_with_what_to_do(
    receiver: Receiver, warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    assert look(receiver, warehouse, instance, now) == "No incidents."
    assert receiver.messages == []
    until = now + timedelta(minutes=5)
    opened = Breaker("open", 5, "bbbbb", 1, now.timestamp(), until.timestamp(), "5 blocked in a row")
    store_breaker(connection, "simulator", opened, before=Breaker())
    assert "Reported 1" in look(receiver, warehouse, instance, now)
    [message] = receiver.messages
    assert message["title"] == "Tickettape: simulator blocks us"
    assert f"is open until {until:%Y-%m-%d %H:%M:%S} UTC: 5 blocked in a row" in message["message"]
    assert "lower the request rate" in message["message"]
    assert "1 incidents, all already reported" in look(receiver, warehouse, instance, now)
    assert len(receiver.messages) == 1

    add_event(connection, name="An opera", date=now + timedelta(days=30))
    connection.execute("update market.events set created_at = %s", [now - HOUR])
    plan_polls(connection, "simulator", now, PollRules(TEN))  # and then nothing: the run hangs
    look(receiver, warehouse, instance, now, incident_database_gb=0.001)
    assert receiver.titles()[1:] == ["Tickettape: Prices of 1 events of simulator are stale (and 1 more)"]
    text = receiver.messages[-1]["message"]
    assert "An opera (every 10 min, newest never)" in text
    assert "`tickettape poll-schedule`" in text
    assert "INCIDENT_DATABASE_GB" in text

    store_breaker(connection, "simulator", Breaker(), before=opened)
    look(receiver, warehouse, instance, now, incident_database_gb=0.001)
    assert receiver.titles()[2:] == ["Tickettape: Over: simulator blocks us"]
    look(receiver, warehouse, instance, now + REPEAT, incident_database_gb=0.001)
    assert "since the last message" in receiver.messages[-1]["message"]
    assert len(receiver.messages) == 4


def test_failed_runs_and_checks_of_a_real_job_are_told_and_when_they_pass_again(
    receiver: Receiver, warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    broken = [True]

    @dg.asset
    def prices() -> None:
        if broken[0]:
            raise ConnectionError("the marketplace's disk is full")

    @dg.asset_check(asset=prices)
    def are_right() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=not broken[0], description="7 prices below 0")

    @dg.asset_check(asset=prices)
    def are_usual() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=not broken[0], severity=dg.AssetCheckSeverity.WARN, description="twice as dear"
        )

    defs = dg.Definitions(
        [prices],
        asset_checks=[are_right, are_usual],
        jobs=[
            dg.define_asset_job("backup", selection=dg.AssetSelection.assets(prices).without_checks()),
            dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks()),
        ],
    )

    def run_all() -> None:
        for job in ("backup", "checks"):
            defs.resolve_job_def(job).execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )

    run_all()
    now = datetime.now(UTC) + timedelta(minutes=1)
    look(receiver, warehouse, instance, now)
    [message] = receiver.messages
    assert message["title"].endswith("(and 2 more)")
    for words in (
        "The job backup failed",
        "the marketplace's disk is full",
        "The check prices:are_right fails",
        "7 prices below 0",
        "1 checks warn",
        "prices:are_usual: twice as dear",
    ):
        assert words in message["message"]
    look(receiver, warehouse, instance, now)
    assert len(receiver.messages) == 1

    broken[0] = False
    run_all()
    look(receiver, warehouse, instance, now)
    assert receiver.messages[1]["message"].count("Over: ") == 3


def test_a_jobs_failure_is_known_however_many_ticks_ran_since(instance: dg.DagsterInstance) -> None:
    ok, failed = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    for job, status in [("backup", ok), ("backup", failed), *[("tick", ok)] * 30]:
        instance.add_run(dg.DagsterRun(job, status=status, tags={SOURCE_TAG: "simulator"}))
    ended = ended_runs(instance, ["tick", "backup", "never ran"], ["simulator"], Settings())
    assert [(run.job, run.failed) for run in ended] == [("backup", True), *[("tick", False)] * 9]


def test_one_programs_look_does_not_end_what_another_sees_of_its_own_runs(connection: Connection) -> None:
    def look(owner: str, *about: str) -> set[str]:
        found = [owned(Incident(one, one, "…"), owner) for one in about]
        record_incidents(connection, found, now=NOON, repeat=timedelta(hours=12), owner=owner)
        return {
            str(name) for (name,) in connection.execute("select about from market.incidents where ended_at is null")
        }

    both = {"breaker x", "runs of tick (x)", "check a:b"}
    assert look("", *both) == both
    assert look("a_second", "breaker x", "runs of tick (y)") == both | {"runs of tick (y) [a_second]"}
    assert look("", "breaker x", "check a:b") == {"breaker x", "check a:b", "runs of tick (y) [a_second]"}
    assert look("a_second", "breaker x") == {"breaker x", "check a:b"}
    assert look("a_second") == {"check a:b"}  # a breaker is everybody's
    assert look("") == set()


def test_a_marketplace_whose_ticks_fail_is_told_though_anothers_succeed(instance: dg.DagsterInstance) -> None:
    ok, failed = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    for minute in range(3):
        for source, status in (("fair", ok), ("foul", failed)):
            tags = {SOURCE_TAG: source, TICK_TAG: (NOON + timedelta(minutes=10 * minute)).isoformat()}
            instance.add_run(dg.DagsterRun("tick", status=status, tags=tags))
    ended = ended_runs(instance, ["tick"], ["fair", "foul"], Settings())
    assert [one.about for one in failed_run_incidents(ended, in_a_row=3)] == ["runs of tick (foul)"]
    assert failed_run_incidents(ended, in_a_row=4) == []


def test_a_check_that_is_being_evaluated_says_what_it_said_before(instance: dg.DagsterInstance) -> None:
    """Otherwise every run of a check that fails would end its alert for as long as it takes."""
    seen: list[list[FailedCheck]] = []
    key = dg.AssetCheckKey(dg.AssetKey("prices"), "are_right")

    @dg.asset
    def prices() -> None: ...

    @dg.asset_check(asset=prices)
    def are_right() -> dg.AssetCheckResult:
        seen.append(failed_checks(instance, [key]))
        return dg.AssetCheckResult(passed=False, description="7 prices below 0")

    defs = dg.Definitions([prices], asset_checks=[are_right])
    for _ in range(2):
        defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert seen == [[], [FailedCheck("prices:are_right", True, "7 prices below 0")]]


def test_what_a_receiver_did_not_take_goes_out_later(
    receiver: Receiver, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    receiver.status = 503
    assert "could not be reported" in look(receiver, warehouse, instance, NOON, incident_database_gb=0.001)
    receiver.status = 200
    assert "Reported 1" in look(receiver, warehouse, instance, NOON, incident_database_gb=0.001)
    receiver.status = 503
    assert "could not be reported" in look(receiver, warehouse, instance, NOON)
    receiver.status = 200
    assert "the end of 1" in look(receiver, warehouse, instance, NOON)
    assert look(receiver, warehouse, instance, NOON) == "No incidents."


def test_a_message_that_nobody_takes_is_tried_less_and_less_often(
    receiver: Receiver, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    receiver.status = 503
    attempts, minute, tried = SendAttempts(), timedelta(minutes=1), []
    for number in range(180):
        before = attempts.failures
        look(receiver, warehouse, instance, NOON + number * minute, attempts, incident_database_gb=0.001)
        tried += [number] * (attempts.failures - before)
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123]
    receiver.status = 200
    assert "tried again at 15:03" in look(
        receiver, warehouse, instance, NOON + 182 * minute, attempts, incident_database_gb=0.001
    )
    assert "Reported 1" in look(
        receiver, warehouse, instance, NOON + 183 * minute, attempts, incident_database_gb=0.001
    )
    assert attempts == SendAttempts()


def test_one_of_two_receivers_being_gone_does_not_repeat_the_message_to_the_other(
    receiver: Receiver, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    settings = Settings(incident_urls=SecretStr(f"json://127.0.0.1:1/ {receiver.url}"), incident_database_gb=0.001)
    for _ in range(2):
        watch_for_incidents(settings, warehouse, instance, Watched(), NOON, SendAttempts())
    assert len(receiver.messages) == 1


def test_what_cannot_be_looked_at_is_an_incident_and_hides_nothing_else(
    receiver: Receiver,
    warehouse: Warehouse,
    connection: Connection,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.execute("alter table market.breakers rename to breakers_gone")
    look(receiver, warehouse, instance, NOON, incident_database_gb=0.001)
    text = receiver.messages[0]["message"]
    assert "The breakers could not be checked for incidents" in text
    assert "The database holds" in text

    def sensor() -> dg.SkipReason:
        context = dg.build_sensor_context(instance)
        outcome = build_incident_sensor(settings_for(receiver), warehouse)(context)
        assert isinstance(outcome, dg.SkipReason)
        return outcome

    assert "reported" in str(sensor().skip_message).lower()
    connection.execute("alter table market.incidents rename to incidents_gone")
    assert "Looking for incidents failed" in str(sensor().skip_message)  # said, and the daemon goes on


def test_the_programs_own_sensor_looks_at_the_checks_of_all_its_assets(
    receiver: Receiver, warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    defs = build_defs(settings=settings_for(receiver), warehouse=warehouse)
    watched = Watched.all_of(defs.get_repository_def())
    assert dg.AssetCheckKey(dg.AssetKey("database_health"), "storage") in watched.checks
    assert {"tick", "shard", "rollups", "backup"} <= set(watched.jobs)
    assert "__ASSET_JOB" not in watched.jobs
    sensor = defs.resolve_sensor_def("report_incidents")
    context = dg.build_sensor_context(instance, repository_def=defs.get_repository_def())
    outcome = sensor(context)
    assert isinstance(outcome, dg.SkipReason)
    assert outcome.skip_message == "No incidents."
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_it_says_regularly_that_it_is_alive_and_nothing_once_ticks_do_not_start(
    receiver: Receiver, warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    settings = Settings(alive_urls=SecretStr(receiver.url), alive_minutes=20)

    def looked(*minutes: int) -> int:
        for minute in minutes:
            at = NOON + timedelta(minutes=minute)
            watch_for_incidents(settings, warehouse, instance, Watched(), at, SendAttempts())
        return len(receiver.messages)

    assert looked(0, 1, 19) == 1
    assert looked(20) == 2
    assert looked(*range(21, 60)) == 2  # no tick has started for half an hour
    connection.execute(
        "insert into market.scraper_jobs (source, started_at, status) values ('simulator', %s, 'success')",
        [NOON + HOUR],
    )
    receiver.status = 500
    assert looked(60) == 2
    receiver.status = 200
    assert looked(61) == 3
    assert set(receiver.titles()) == {"Tickettape: still alive"}
    watch_for_incidents(Settings(), warehouse, instance, Watched(), NOON + 5 * HOUR, SendAttempts())
    assert len(receiver.messages) == 3  # a control: off by default


def failed_run(instance: dg.DagsterInstance, error: Exception) -> str:
    """What an incident says of a run in which a step raised `error` below Dagster's and another's wrapping."""

    @dg.op
    def capture() -> None:
        try:
            raise error
        except Exception as below:
            raise RuntimeError("the step failed") from below

    @dg.job(name="tick", executor_def=dg.in_process_executor)
    def ticking() -> None:
        capture()

    ticking.execute_in_process(instance=instance, raise_on_error=False, tags={SOURCE_TAG: "simulator"})
    (ended,) = ended_runs(instance, ["tick"], ["simulator"], Settings(incident_failed_runs=1))
    (incident,) = failed_run_incidents([ended], 1)
    return incident.message


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (
            psycopg.errors.DiskFull('could not extend file "base/5/1": No space left on device'),
            "disk is full",
            "Free some space",
        ),
        (OSError(28, "No space left on device"), "disk is full", "Free some space"),
        (psycopg.errors.ReadOnlySqlTransaction("in a read-only transaction"), "read-only", "to the primary"),
        (psycopg.OperationalError("FATAL: sorry, too many clients already"), "no connection left", "max_connections"),
        (
            psycopg.OperationalError("connection to server failed: Connection refused"),
            "cannot be reached",
            "check DATABASE_URL",
        ),
        (psycopg.OperationalError("server closed the connection unexpectedly"), "was stopped", "Wait until"),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), "cannot be reached", "check DATABASE_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_incident_of_a_failed_run_names_the_cause_and_the_remedy(
    instance: dg.DagsterInstance, error: Exception, cause: str, remedy: str
) -> None:
    message = failed_run(instance, error)
    assert cause in message
    assert remedy in message
    assert ".." not in message


def test_an_incident_of_a_run_whose_process_is_gone_says_so_and_how_its_work_goes_on(
    instance: dg.DagsterInstance,
) -> None:
    made = dg.DagsterRun("backup", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(made)
    instance.report_run_failed(made, "The process of this run (pid 7) is gone: it was killed. It can be run again.")
    (ended,) = ended_runs(instance, ["backup"], [], Settings())
    (incident,) = failed_run_incidents([ended], 1)
    assert "says: The process of this run (pid 7) is gone: it was killed. It can be run again. Open" in incident.message
