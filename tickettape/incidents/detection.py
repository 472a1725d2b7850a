"""Decide which findings are incidents. Pure functions. Each incident says what happened and what to do.

`orchestration.incidents` collects the findings, `incident_log` remembers what was reported, and `notify` sends.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tickettape.incidents.incident_log import Incident
from tickettape.marketplaces import Breaker

FREQUENT_JOBS = ("tick", "shard", "rollups")
"""Jobs that run so often that the next run makes up for a failure. For all other jobs, one failure is an incident."""

MOST_NAMED = 5
LONGEST_TEXT = 1_500  # characters of one incident: people read it on a phone, and Discord's limit is 2,000


@dataclass(frozen=True)
class EndedRun:
    """A run that succeeded or failed. `tick`: the tick that it was started for, if any."""

    job: str
    run_id: str
    tick: str | None
    failed: bool
    why: str = ""
    source: str | None = None
    """The marketplace that it was about, if it was about one."""

    @property
    def of(self) -> str:
        """The job, with its marketplace if there is one."""
        return f"{self.job} ({self.source})" if self.source else self.job


@dataclass(frozen=True)
class FailedCheck:
    """A check whose newest evaluation did not pass. `error`: whether its severity is error; otherwise it warns."""

    name: str
    error: bool
    description: str


def failed_run_incidents(newest_first: Iterable[EndedRun], in_a_row: int) -> list[Incident]:
    """Jobs whose newest runs failed: FREQUENT_JOBS `in_a_row` times, others once. Runs of one tick count as one."""
    of_job: dict[str, list[EndedRun]] = defaultdict(list)
    known: set[tuple[str, str]] = set()
    for run in newest_first:
        attempt = (run.of, run.tick or run.run_id)
        if attempt not in known:  # only the newest attempt at a tick counts
            known.add(attempt)
            of_job[run.of].append(run)
    found = []
    for of, runs in sorted(of_job.items()):
        failures = next((number for number, run in enumerate(runs) if not run.failed), len(runs))
        if failures >= (in_a_row if runs[0].job in FREQUENT_JOBS else 1):
            what = "failed" if failures == 1 else f"failed {failures} times in a row"
            found.append(
                Incident(
                    f"runs of {of}",
                    f"The job {of} {what}",
                    f"Its newest run {runs[0].run_id} says: {(runs[0].why or 'nothing').rstrip('.')}. Open it under "
                    "Runs in the UI. Once the cause is fixed, the next successful run ends this incident.",
                )
            )
    return found


def breaker_incidents(source: str, breaker: Breaker, sentence: str) -> list[Incident]:
    """A marketplace that blocks us. `sentence`: the description of its breaker."""
    if breaker.state == "closed":
        return []
    since = f" since {_instant(datetime.fromtimestamp(breaker.opened_at, UTC))}" if breaker.opened_at else ""
    return [
        Incident(
            f"breaker {source}",
            f"{source} blocks us",
            f"{sentence} It has not been closed{since}. Until it is, no event of {source} gets fresh prices. Stored "
            "data stays as it is, and nothing counts as sold out.",
        )
    ]


def stale_event_incidents(source: str, stale: Sequence[dict[str, Any]]) -> list[Incident]:
    """Events without an ok capture within twice their own interval."""
    if not stale:
        return []
    named = "; ".join(
        f"{one['event']} (every {one['minutes']} min, newest {_instant(one['newest'])})" for one in stale[:MOST_NAMED]
    )
    more = f"; and {len(stale) - MOST_NAMED} more" if len(stale) > MOST_NAMED else ""
    return [
        Incident(
            f"freshness {source}",
            f"Prices of {len(stale)} events of {source} are stale",
            f"No ok capture within twice their own interval: {named}{more}. If no tick runs, look at the schedule "
            "start_ticks, and for a run that hangs. If ticks run, `tickettape poll-schedule` shows how often these "
            "events are polled, market.scraper_logs what the marketplace answered, and `tickettape quarantine` what "
            "was refused.",
        )
    ]


def failed_check_incidents(failed: Iterable[FailedCheck]) -> list[Incident]:
    """Failed checks: each error is an incident, and all warnings together are one."""
    errors = [check for check in failed if check.error]
    warnings = [check for check in failed if not check.error]
    found = [
        Incident(
            f"check {check.name}",
            f"The check {check.name} fails",
            f"{check.description or 'The check has no description.'} Open it in the UI, under the checks of its "
            "asset. Its metadata shows what failed.",
        )
        for check in errors
    ]
    if warnings:
        named = "; ".join(f"{check.name}: {check.description}".rstrip(": ") for check in warnings[:MOST_NAMED])
        more = f"; and {len(warnings) - MOST_NAMED} more" if len(warnings) > MOST_NAMED else ""
        found.append(
            Incident(
                "warnings of checks",
                f"{len(warnings)} checks warn",
                f"{named.rstrip('.')}{more}. Warnings stop nothing. The UI has them under the checks of the assets.",
            )
        )
    return found


def database_size_incidents(size_bytes: int, limit_gb: float | None) -> list[Incident]:
    """A database that is larger than INCIDENT_DATABASE_GB."""
    if limit_gb is None or size_bytes <= limit_gb * 1e9:
        return []
    return [
        Incident(
            "database size",
            f"The database holds {size_bytes / 1e9:.1f} GB, more than {limit_gb:g} (INCIDENT_DATABASE_GB)",
            "`database_health` shows what is growing. Lower RAW_MONTHS or HOURLY_MONTHS to move more data to cold "
            "storage, track fewer events, or raise INCIDENT_DATABASE_GB.",
        )
    ]


def compose_message(new: Sequence[Incident], ended: Sequence[Incident]) -> tuple[str, str]:
    """One message about all new and ended incidents: its title and its text."""
    incidents = [f"{one.title}{_again(one)}.\n{_short(one.message)}" for one in new]
    over = [f"Over: {one.title}." for one in ended]
    first = new[0].title if new else f"Over: {ended[0].title}"
    more = len(new) + len(ended) - 1
    return f"Tickettape: {first}{f' (and {more} more)' if more else ''}", "\n\n".join(incidents + over)


def _short(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT].rstrip()} … (`tickettape incidents` shows all of it)"


def _again(incident: Incident) -> str:
    if not incident.folded:
        return ""
    return f", since {_instant(incident.first_at)} (seen {incident.folded} times since the last message)"


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"
