"""What a run says on the console: a line when it ends, and before that only what is wrong.

Dagster's own logger prints each event, some 200 lines a tick, in which an error is lost. The events of a run and what
its steps printed are in the UI all the same.
"""

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from textwrap import shorten
from typing import Any

import dagster as dg

from orchestration import CONSOLE_MARK
from orchestration.run_plan import SHARD_TAG, SOURCE_TAG, tick_of
from tickettape.settings import settings

ONE_LINE: dict[str, Any] = {"loggers": {"console": {"config": {}}}}
"""The configuration of a job that says so little: Dagster takes its own logger where a job names none."""

PROGRESS = {"progress": True}
"""The `extra` of a log line that a person who waits for the run wants to see."""

ROLLUP_HOURS = "rollup_hours"
"""The `extra` of a log line that says how many hours of events were refreshed."""

NO_NEWS = "Logging an `AssetObservation` instead of"
"""What dagster-dbt warns of in every tick: a test of a table that is no model. Its result is stored all the same."""

WIDTH = 200  # of what an error or a check says
CHECKS_NAMED = 3  # of those that did not pass


@dg.logger(
    config_schema={
        "log_level": dg.Field(str, default_value="INFO"),
        "progress": dg.Field(bool, default_value=False, description="Whether somebody waits for this run alone."),
    }
)
def console_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """At INFO a line when a run ends, at WARNING only what is wrong."""
    log = logging.Logger("tickettape")
    config = context.logger_config
    least = logging.getLevelNamesMapping()[config["log_level"]]
    log.addHandler(_handler_of(context.run_id, least, progress=config["progress"]))
    return log


@lru_cache(maxsize=8)
def _handler_of(run_id: str | None, least: int, *, progress: bool) -> "OneLine":
    """One for a run: Dagster makes a logger for the run and another for its steps."""
    return OneLine(least, progress=progress)


class OneLine(logging.Handler):
    """Hears every event of a run, and sums it up when it ends."""

    def __init__(self, least: int, *, progress: bool = False) -> None:
        super().__init__()
        self._least, self._progress = least, progress
        self._figures: Counter[str] = Counter()
        self._checks: list[dg.AssetCheckEvaluation] = []
        self._failures: list[str] = []
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Say what is wrong at once, and how the run went when it ends."""
        about: Mapping[str, Any] = vars(record).get("dagster_meta", {})
        self._figures[ROLLUP_HOURS] += vars(record).get(ROLLUP_HOURS, 0)
        event = about.get("dagster_event")
        if event is not None:
            self._hear(event, about, record.created)
        elif self._progress and vars(record).get("progress"):
            tell(f"{about.get('orig_message', record.msg)}")
        elif record.levelno >= logging.WARNING:
            text = first_line(about.get("orig_message", record.msg))
            if not text.startswith(NO_NEWS):
                self._say(record.levelno, f"{name_of_run(about)}: {text}")

    def _hear(self, event: dg.DagsterEvent, about: Mapping[str, Any], now: float) -> None:
        name, took = name_of_run(about), f"({now - self._started:.0f} s)"
        match event.event_type:
            case dg.DagsterEventType.RUN_START:
                self._started = now
            case dg.DagsterEventType.ASSET_MATERIALIZATION:
                self._add_figures(event.step_materialization_data.materialization)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                self._checks.append(event.asset_check_evaluation_data)
            case dg.DagsterEventType.STEP_FAILURE:
                self._failures.append(f"{event.step_key}: {cause_of(event.step_failure_data.error)}")
            case dg.DagsterEventType.RUN_SUCCESS:
                failed = [check for check in self._checks if not check.passed]
                level = max((_level_of(check) for check in failed), default=logging.INFO)
                self._say(level, f"{name}: {', '.join([*self._found(), *_words_on(failed, len(self._checks))])} {took}")
            case dg.DagsterEventType.RUN_FAILURE | dg.DagsterEventType.RUN_CANCELED:
                why = "; ".join(self._failures) or first_line(event.message or "")
                where = f"See run {about.get('run_id', '')[:8]} in the UI."
                self._say(logging.ERROR, f"{name} did not succeed {took}. {why.rstrip('.')}. {where}")
            case _:
                pass

    def _add_figures(self, made: dg.AssetMaterialization) -> None:
        for name, value in made.metadata.items():
            if isinstance(value.value, int):
                # where several marketplaces are watched, a name ends in the one it is about
                self._figures[f"{made.asset_key.to_user_string()} {name.partition(' (')[0]}"] += value.value

    def _found(self) -> list[str]:
        """What the run brought, in words; what it did not touch is left out."""
        of = self._figures
        due, captured = of["captures events due"], of["captures events captured"]
        found = []
        if "captures events due" in of:
            found.append(
                f"{captured:,} events captured" if captured == due else f"{captured:,} of {due:,} events captured"
            )
        if "section_snapshots rows" in of:
            found.append(f"{of['section_snapshots rows']:,} sections")
        if of[ROLLUP_HOURS]:
            found.append(f"{of[ROLLUP_HOURS]:,} rollup hours refreshed")
        return found or ["done"]

    def _say(self, level: int, text: str) -> None:
        if level >= self._least:
            word = f"{logging.getLevelName(level).lower()}: " if level > logging.INFO else ""
            tell(f"{word}{text}")


def tell(text: str) -> None:
    """A line for the person at the console."""
    sys.stderr.write(f"{CONSOLE_MARK}{text}\n")
    sys.stderr.flush()


def name_of_run(about: Mapping[str, Any]) -> str:
    """`03:10 tick`, with its marketplace where several are watched; else the job's name."""
    tags, job = about.get("job_tags") or {}, about.get("job_name") or "run"
    job = "materialization" if job.startswith("__") else job
    tick = tick_of(tags)
    source = f" of {tags[SOURCE_TAG]}" if SOURCE_TAG in tags and len(settings().sources) > 1 else ""
    shard = f" {tags[SHARD_TAG]}" if SHARD_TAG in tags else ""
    return f"{tick:%H:%M} {job}{shard}{source}" if tick else job


def cause_of(error: Any) -> str:
    """The first line of what an error comes from, not of Dagster's wrapping of it."""
    while error is not None and error.cause is not None:
        error = error.cause
    return first_line(error.message) if error is not None else "no reason is known"


def first_line(text: str) -> str:
    """The first line that says something, shortened to what can be read at a glance."""
    return shorten(next((line for line in text.splitlines() if line.strip()), ""), WIDTH, placeholder=" …")


def _level_of(check: dg.AssetCheckEvaluation) -> int:
    return logging.ERROR if check.severity is dg.AssetCheckSeverity.ERROR else logging.WARNING


def _words_on(failed: list[dg.AssetCheckEvaluation], count: int) -> list[str]:
    if not failed:
        return ["all checks passed"] if count else []
    named = [
        f"{check.asset_check_key.to_user_string()}{f' ({first_line(check.description)})' if check.description else ''}"
        for check in sorted(failed, key=_level_of, reverse=True)[:CHECKS_NAMED]
    ]
    more = f" and {len(failed) - CHECKS_NAMED} more" if len(failed) > CHECKS_NAMED else ""
    return [f"{len(failed)} of {count} checks did not pass: {'; '.join(named)}{more}"]
