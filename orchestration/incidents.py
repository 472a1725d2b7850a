"""The incident sensor: find incidents each minute and report them to operators, outside of any run.

No run waits for a report or fails because of it. `tickettape.incidents` decides what is an incident. If a part cannot
be checked, that is an incident too.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.console import cause_of, why_run_failed
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.schedule_lease import watched_sources
from orchestration.sensors import MOST_ATTEMPTS
from orchestration.shared_tables import SHARED_SCHEMA
from tickettape.database import Connection, Warehouse, database_size_bytes, refusal_of, try_lock
from tickettape.incidents import (
    FREQUENT_JOBS,
    EndedRun,
    FailedCheck,
    Incident,
    SendAttempts,
    alive_is_due,
    breaker_incidents,
    compose_message,
    database_size_incidents,
    failed_check_incidents,
    failed_run_incidents,
    missing_signs,
    owned,
    record_alive,
    record_incidents,
    record_look,
    record_told,
    reopen_untold,
    send_message,
    stale_event_incidents,
)
from tickettape.marketplaces import describe_breaker, load_breaker
from tickettape.observations import stale_events
from tickettape.settings import Settings

EVALUATIONS_LOOKED_AT = 5  # more than one, because evaluations in progress come before the newest result
OWN_INCIDENTS = ("freshness",)
"""Checks that are skipped here, because `find_incidents` examines the same thing itself, even if no run does."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """The jobs and checks whose failures are reported. Whoever materializes assets by hand watches that run."""

    jobs: Collection[str] = ()
    checks: Collection[dg.AssetCheckKey] = ()

    @classmethod
    def all_of(cls, repository: dg.RepositoryDefinition | None) -> "Watched":
        """All jobs with a name, and all checks."""
        if repository is None:
            return cls()
        jobs = [name for name in repository.job_names if not name.startswith("__")]
        return cls(jobs, repository.asset_graph.asset_check_keys)


def build_incident_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """The sensor that looks for incidents every minute, and reports new ones."""

    attempts = SendAttempts()  # kept in this process: after a restart it sends at once

    @dg.sensor(name="report_incidents", minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
    def report_incidents(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Report current incidents once, and again after INCIDENT_REPEAT_HOURS."""
        try:
            watched = Watched.all_of(context.repository_def)
            now = datetime.now(UTC)
            return dg.SkipReason(watch_for_incidents(settings, warehouse, context.instance, watched, now, attempts))
        except Exception as error:  # whatever failed, the sensor must run again
            context.log.exception("Incidents could not be looked for.")
            return dg.SkipReason(f"Looking for incidents failed: {type(error).__name__}: {error}")

    return report_incidents


def watch_for_incidents(
    settings: Settings,
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    watched: Watched,
    now: datetime,
    attempts: SendAttempts,
) -> str:
    """Find incidents, record them, and report new and ended ones. Returns a sentence about the result."""
    repeat = timedelta(hours=settings.incident_repeat_hours)
    with warehouse.connection() as connection, try_lock(connection, "report incidents") as alone:
        if not alone:
            return "Another program on this database reports incidents."
        owner = "" if settings.dagster_schema == SHARED_SCHEMA else settings.dagster_schema
        record_look(connection, settings.dagster_schema, now)
        tell_alive(settings, connection, now)
        incidents = [owned(one, owner) for one in find_incidents(settings, warehouse, instance, watched, now)]
        new, over = record_incidents(connection, incidents, now=now, repeat=repeat, owner=owner)
        if not (new or over):
            return f"{len(incidents)} incidents, all already reported." if incidents else "No incidents."
        if settings.incident_urls is None:
            return (
                f"{len(incidents)} incidents, but INCIDENT_URLS is not set, so they cannot be reported. "
                "`tickettape incidents` lists them."
            )
        if attempts.may_be_sent(now):
            message = compose_message(new, over)
            attempts.note(now, sent=send_message(settings.incident_urls.get_secret_value(), *message))
        if attempts.failures:
            reopen_untold(connection, over)
            return (
                f"{len(new)} incidents could not be reported, because no message could be sent "
                f"({attempts.failures} times in a row). It is tried again at {attempts.not_before:%H:%M} UTC."
            )
        record_told(connection, new, now)
    return f"Reported {len(new)} incidents, and the end of {len(over)}."


def tell_alive(settings: Settings, connection: Connection, now: datetime) -> None:
    """Send "still alive" to ALIVE_URLS if it is due and ticks start in time. Silence means that something is wrong."""
    if settings.alive_urls is None:
        return
    every, watcher = timedelta(minutes=settings.alive_minutes), settings.dagster_schema
    intervals = {
        source: timedelta(minutes=settings.of_source(source).scraper_interval_minutes) for source in settings.sources
    }
    if not alive_is_due(connection, watcher, now, every) or missing_signs(connection, intervals, now):
        return
    text = f"Ticks start in time. The next message comes in {settings.alive_minutes} minutes."
    if send_message(settings.alive_urls.get_secret_value(), "Tickettape: still alive", text, setting="ALIVE_URLS"):
        record_alive(connection, watcher, now)


def find_incidents(
    settings: Settings, warehouse: Warehouse, instance: dg.DagsterInstance, watched: Watched, now: datetime
) -> Iterator[Incident]:
    """All current incidents. Each part is checked on its own: one that fails hides no other."""

    def sources() -> list[str]:
        with warehouse.connection() as connection:
            return sorted(watched_sources(connection, settings.sources))

    def runs() -> list[Incident]:
        ended = ended_runs(instance, watched.jobs, sources(), settings)
        return failed_run_incidents(ended, settings.incident_failed_runs)

    def checks() -> list[Incident]:
        return failed_check_incidents(failed_checks(instance, watched.checks))

    def breakers() -> list[Incident]:
        found, watched_now = [], sources()
        with warehouse.connection() as connection:
            for source in watched_now:
                row = load_breaker(connection, source)
                found += breaker_incidents(source, row, describe_breaker(source, row))
        return found

    def freshness() -> list[Incident]:
        watched_now = sources()
        with warehouse.connection() as connection:
            stale = {source: stale_events(connection, source, now) for source in watched_now}
        return [incident for source, events in stale.items() for incident in stale_event_incidents(source, events)]

    def storage() -> list[Incident]:
        with warehouse.connection() as connection:
            size_bytes = database_size_bytes(connection)
        return database_size_incidents(size_bytes, settings.incident_database_gb)

    parts: dict[str, Callable[[], list[Incident]]] = {
        "runs": runs,
        "checks": checks,
        "breakers": breakers,
        "freshness": freshness,
        "storage": storage,
    }
    for part, detect in parts.items():
        try:
            yield from detect()
        except Exception as error:  # one part that fails must not hide the others
            log.exception("The %s could not be checked for incidents.", part)
            refusal = refusal_of(error)
            why = refusal.in_short if refusal else f"{type(error).__name__}: {error}".rstrip(".") + "."
            blind = f"{why} Until this is fixed, incidents of the {part} are not reported."
            yield Incident(f"watching {part}", f"The {part} could not be checked for incidents", blind)


def ended_runs(
    instance: dg.DagsterInstance, job_names: Iterable[str], sources: Sequence[str], settings: Settings
) -> list[EndedRun]:
    """Each job's newest runs that succeeded or failed, newest first; runs of ticks, by marketplace. Cancelled runs are
    left out: a person stopped them."""
    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    ended: list[EndedRun] = []
    for job in sorted(job_names):
        frequent = job in FREQUENT_JOBS
        most = settings.incident_failed_runs * settings.scraper_shards * MOST_ATTEMPTS if frequent else 1
        for source in sources if frequent else ("",):
            tags = {SOURCE_TAG: source} if source else None
            runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=over, tags=tags), limit=most)
            for number, run in enumerate(runs):
                failed = run.status is dg.DagsterRunStatus.FAILURE
                why = _why(instance, run.run_id) if failed and not number else ""  # only the newest reason is reported
                ended.append(EndedRun(job, run.run_id, run.tags.get(TICK_TAG), failed, why, source or None))
    return ended


def failed_checks(instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]) -> list[FailedCheck]:
    """The checks whose newest finished evaluation did not pass."""
    found = []
    for key in sorted(keys, key=lambda key: key.to_user_string()):
        if key.name in OWN_INCIDENTS:
            continue
        evaluation = _newest_evaluation(instance, key)
        if evaluation is not None and not evaluation.passed:
            error = evaluation.severity is dg.AssetCheckSeverity.ERROR
            found.append(FailedCheck(key.to_user_string(), error, evaluation.description or ""))
    return found


def _newest_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation | None:
    """The newest evaluation that finished. While one is in progress, the one before still holds."""
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=EVALUATIONS_LOOKED_AT):
        event = record.event.dagster_event if record.event else None
        if event is not None and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return event.asset_check_evaluation_data
    return None


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed: what its first failed step says, or else what its last event says."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for record in instance.get_records_for_run(run_id, of_type=kind).records:
            event = record.event_log_entry.dagster_event
            if event is not None:
                of_step = kind is dg.DagsterEventType.STEP_FAILURE
                return cause_of(event.step_failure_data.error) if of_step else why_run_failed(event)
    return ""
