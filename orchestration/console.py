"""The console log of a run: one line when it ends, and before that only warnings and errors.

Dagster's own logger prints every event, some 200 lines a tick, and hides errors among them. The UI still shows all
events of a run and the output of its steps.
"""

import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import lru_cache
from pathlib import Path
from textwrap import shorten
from typing import Any

import dagster as dg
from dagster._core.events import JobFailureData
from dagster_shared.error import SerializableErrorInfo

from orchestration import tell
from orchestration.run_plan import SHARD_TAG, SOURCE_TAG, tick_of
from tickettape.database import refusal_in
from tickettape.settings import settings

ONE_LINE: dict[str, Any] = {"loggers": {"console": {"config": {}}}}
"""The configuration of a job that uses this logger. Without it, Dagster would use its own."""

PROGRESS = {"progress": True}
"""The `extra` of a log line that a person who waits for the run wants to see."""

ROLLUP_HOURS = "rollup_hours"
"""The `extra` of a log line that says how many hours of events were refreshed."""

NO_NEWS = ("Logging an `AssetObservation` instead of", "Dependencies for step ")
"""The beginnings of messages that are hidden. dagster-dbt gives the first in every tick, about tests of tables that are
not models; their results are stored all the same. The second comes for each step after one that failed."""

WIDTH = 200  # the most characters of an error's or a check's text
CHECKS_NAMED = 3  # the most failed checks in one line


@dg.logger(
    config_schema={
        "log_level": dg.Field(str, default_value="INFO"),
        "progress": dg.Field(bool, default_value=False, description="Whether somebody waits for this run alone."),
    }
)
def console_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger: at INFO one line when a run ends, at WARNING only what is wrong."""
    log = logging.Logger("tickettape")
    config = context.logger_config
    least = logging.getLevelNamesMapping()[config["log_level"]]
    log.addHandler(_handler_of(context.run_id, least, progress=config["progress"]))
    return log


@lru_cache(maxsize=8)
def _handler_of(run_id: str | None, least: int, *, progress: bool) -> "OneLine":
    """One handler per run: Dagster makes one logger for the run and another for its steps, and they share it."""
    return OneLine(least, progress=progress)


class OneLine(logging.Handler):
    """Receives every event of a run, and writes one line about the run when it ends."""

    def __init__(self, least: int, *, progress: bool = False) -> None:
        super().__init__()
        self._least, self._progress = least, progress
        self._figures: Counter[str] = Counter()
        self._checks: list[dg.AssetCheckEvaluation] = []
        self._failures: list[str] = []
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write warnings and errors at once, and the summary when the run ends."""
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
                why = "; ".join(self._failures) or why_run_failed(event)
                where = f"See run {about.get('run_id', '')[:8]} in the UI."
                self._say(logging.ERROR, f"{name} did not succeed {took}. {why.rstrip('.')}. {where}")
            case _:
                pass

    def _add_figures(self, made: dg.AssetMaterialization) -> None:
        for name, value in made.metadata.items():
            if isinstance(value.value, int):
                # with several marketplaces, each name ends in its marketplace's: `rows (vividseats)`
                self._figures[f"{made.asset_key.to_user_string()} {name.partition(' (')[0]}"] += value.value

    def _found(self) -> list[str]:
        """The run's figures in words, without those of steps that it does not have."""
        of = self._figures
        due, captured = of["captures events due"], of["captures events captured"]
        found = []
        if "captures events due" in of:
            found.append(
                f"{captured:,} events captured" if captured == due else f"{captured:,} of {due:,} events captured"
            )
        if "section_snapshots rows" in of:
            found.append(f"{of['section_snapshots rows']:,} sections")
        if "simulated_history ticks" in of:
            found.append(f"{of['simulated_history answers read']:,} answers of {of['simulated_history ticks']:,} ticks")
        if of[ROLLUP_HOURS]:
            found.append(f"{of[ROLLUP_HOURS]:,} rollup hours refreshed")
        return found or ["done"]

    def _say(self, level: int, text: str) -> None:
        if level >= self._least:
            word = f"{logging.getLevelName(level).lower()}: " if level > logging.INFO else ""
            tell(f"{word}{text}")


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send to a file what Dagster and dbt print in the block. What cannot be written, on a full disk, is lost."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb", buffering=0) as file:
        out = _LossyText(file)
        with redirect_stdout(out), redirect_stderr(out):
            yield


class _LossyText(io.TextIOBase):
    """Writes to a file as long as that works."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text.encode(errors="replace"))
        return len(text)


def name_of_run(about: Mapping[str, Any]) -> str:
    """The name of a run: for a tick `03:10 tick`, with the marketplace if several are watched; else the job's name."""
    tags, job = about.get("job_tags") or {}, about.get("job_name") or "run"
    job = "materialization" if job.startswith("__") else job
    tick = tick_of(tags)
    source = f" of {tags[SOURCE_TAG]}" if SOURCE_TAG in tags and len(settings().sources) > 1 else ""
    shard = f" {tags[SHARD_TAG]}" if SHARD_TAG in tags else ""
    return f"{tick:%H:%M} {job}{shard}{source}" if tick else job


def cause_of(error: SerializableErrorInfo | None) -> str:
    """The first line of an error's original cause, which Dagster wraps in errors of its own.

    If the database refused to work, or a disk is full: what is wrong, and what to do.
    """
    if error is None:
        return "no reason is known"
    refusal = refusal_in(error.message)
    if refusal is not None:
        return refusal.in_short
    if error.cls_name == "DagsterExecutionInterruptedError":
        return "It was stopped: by a person, by the time limit of its run, or with the program. It can be run again."
    return cause_of(error.cause) if error.cause is not None else first_line(error.message)


def why_run_failed(event: dg.DagsterEvent) -> str:
    """What a run's last event says about a failure that is not a step's."""
    data = event.event_specific_data
    error = data.error if isinstance(data, JobFailureData) else None
    return cause_of(error) if error else first_line(event.message or "")


def first_line(text: str) -> str:
    """The first line that is not blank, shortened to WIDTH."""
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
