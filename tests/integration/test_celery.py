"""Past one machine: the shards of a tick as Celery tasks, by Dagster's own launcher and a real Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import yaml

from orchestration.partitions import partition_of
from orchestration.run_plan import PLAN_TAG, SHARD_TAG, TICK_TAG
from tests.support.markets import TEN
from tests.support.processes import BIN, environment, free_port, start, wait_for
from tests.support.tools import needs_redis
from tickettape.database import Connection
from tickettape.observations import floor_to_grid
from tickettape.settings import ROOT

EVENTS, SHARDS = 45, 2

pytestmark = [
    needs_redis,
    pytest.mark.skipif(
        not (BIN / "celery").exists(),
        reason="dagster-celery is not installed: `pip install -e .[celery]` to test runs through Celery",
    ),
]


@contextmanager
def running(command: list[str], home: Path, log: Path, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process for the block; gone after it."""
    process = start(command, home, log, **more)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_shards_of_a_tick_run_as_celery_tasks_and_share_its_events(
    connection: Connection, home: Path, database_url: str
) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "celery" / "dagster.yaml").read_text())
    del config["concurrency"]  # its queue is the daemon's work: here runs go straight to the launcher
    config["run_coordinator"] = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    port, log = free_port(), home / "log"
    redis = f"redis://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": database_url, "DAGSTER_HOME": str(home), "SIMULATOR_EVENTS": str(EVENTS),
        "CELERY_BROKER_URL": f"{redis}/0", "CELERY_RESULT_URL": f"{redis}/1", "SCRAPER_SHARDS": str(SHARDS),
    }  # fmt: skip
    tick = floor_to_grid(TEN, datetime.now(UTC))
    memory_only = ["--save", "", "--appendonly", "no", "--dir", str(home)]
    worker = [
        *(str(BIN / "celery"), "-b", f"{redis}/0", "--result-backend", f"{redis}/1", "-A", "dagster_celery.app"),
        *("worker", "-Q", "dagster", "--concurrency", str(SHARDS), "--loglevel", "WARNING"),
    ]
    with (
        running(["redis-server", "--port", str(port), "--bind", "127.0.0.1", *memory_only], home, log, **settings),
        running(worker, home, log, **settings),
    ):
        launches = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "dagster", "job", "launch", "-m", "orchestration.definitions"),
                    *("-j", "shard", "--tags", json.dumps(tags)),
                ],
                cwd=ROOT, env=environment(home, **settings), stdout=log.open("ab"), stderr=subprocess.STDOUT,
            )
            for number in range(1, SHARDS + 1)
            for tags in [
                {
                    TICK_TAG: tick.isoformat(), PLAN_TAG: "a plan", SHARD_TAG: f"{number}/{SHARDS}",
                    "dagster/partition": partition_of(tick),
                }
            ]
        ]  # fmt: skip
        assert [launch.wait(120) for launch in launches] == [0] * SHARDS, log.read_text()[-3000:]
        ended = "select count(*) from dagster.runs where status in ('SUCCESS', 'FAILURE')"
        wait_for("every shard", lambda: connection.execute(ended).fetchone() == (SHARDS,), 120, log)
    assert runs(database_url) == [("shard", "SUCCESS")] * SHARDS
    assert connection.execute(
        "select count(*), count(distinct event_key) from market.captures where tick = %s and status = 'received'",
        [tick],
    ).fetchone() == (EVENTS, EVENTS)
    forwarded = "select count(*) from dagster.event_logs where event like '%Celery task has been forwarded%'"
    assert connection.execute(forwarded).fetchone() == (SHARDS,)


def runs(database_url: str) -> list[tuple[str, str]]:
    """(job, status) of every run that Dagster knows."""
    with psycopg.connect(database_url) as connection:
        return connection.execute("select pipeline_name, status from dagster.runs order by id").fetchall()
