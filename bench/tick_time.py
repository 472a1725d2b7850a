"""A real tick of the job, from the last answer to fresh rollups, by part. It runs as `tickettape tick` does."""

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from bench.report import figure, heading
from orchestration.instance import open_instance


def run() -> bool:
    """Print the seconds of each part of a second tick (the first one builds the tables); whether the bound holds."""
    heading("A tick of the simulated market, from the last answer to fresh rollups")
    command = [str(Path(sys.executable).parent / "tickettape"), "tick"]
    for _ in range(2):
        started = time.time()
        subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603
    with open_instance() as instance:
        (record, *_) = instance.get_run_records(limit=1)
        records = instance.all_logs(record.dagster_run.run_id)
    steps = {
        (entry.dagster_event.step_key, entry.dagster_event.event_type): entry.timestamp
        for entry in records
        if entry.dagster_event and entry.dagster_event.step_key
    }
    begun, ended = dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS
    marts = [entry for entry in records if entry.dagster_event and entry.dagster_event.step_key == "marts"]
    models = [e.timestamp for e in marts if e.dagster_event and e.dagster_event.is_step_materialization]
    captured = steps["captures", ended]
    first, last = min(models), max(models)
    figure("run start: process, imports, run record", steps["events", begun] - started, "s")
    figure("snapshots from the stored answers", steps["section_snapshots", ended] - captured, "s")
    figure("dbt start", first - steps["marts", begun], "s")
    figure("models in SQL, tests beside them", last - first, "s")
    figure("the last tests", steps["marts", ended] - last, "s")
    return figure("last answer to fresh rollups, tested", steps["marts", ended] - captured, "s", most=15)
