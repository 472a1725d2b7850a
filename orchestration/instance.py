"""Dagster's own storage: the warehouse's Postgres, in a schema of its own.

dagster.yaml names this storage. So plain `dagster dev` starts the embedded server if DATABASE_URL is unset, and finds
its history again at the next start.
"""

import json
import logging
from typing import Any

import dagster as dg
import psycopg
from dagster._core.launcher import LaunchRunContext
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClassData  # Dagster passes this to a storage that dagster.yaml names
from dagster_postgres import DagsterPostgresStorage

from orchestration.schedule_lease import ScheduleLease, host_name, is_scheduling_process, wait_for_schedules
from tickettape.database import database_url, sqlalchemy_url
from tickettape.settings import ROOT, settings

SCHEMA = settings().dagster_schema
HOST_TAG = "tickettape/host"
"""The tag with the machine of a run's process, because a pid means nothing on another machine. A run that starts in
another container gets no tag: only that container can see its process."""

log = logging.getLogger(__name__)
_lease: list[ScheduleLease] = []  # at most one per process, kept until the process ends


class PostgresStorage(DagsterPostgresStorage):
    """dagster-postgres on the warehouse's database."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No settings in dagster.yaml: DATABASE_URL decides."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PostgresStorage":
        """Start or join the server, make the schema, and open the storage, which makes missing tables."""
        url = database_url()
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            # several processes start at once: without the lock, making the schema or Dagster's tables can collide
            connection.execute("select pg_advisory_lock(7153908)")
            connection.execute(f"create schema if not exists {SCHEMA}")
            made = cls(postgres_url=sqlalchemy_url(url, driver="psycopg2", search_path=SCHEMA), inst_data=inst_data)
        if is_scheduling_process() and not _lease:
            _lease.append(wait_for_schedules(url, SCHEMA, settings().sources))
        return made


class LocalRunLauncher(dg.DefaultRunLauncher):
    """Dagster's own launcher, which also records the machine of each run."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's process where its code is: here, or in the container of the code."""
        super().launch_run(context)
        try:
            run = self._instance.get_run_by_id(context.dagster_run.run_id)
            where = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")) if run else {}
            if where.get("host") in ("localhost", "127.0.0.1"):
                self._instance.add_run_tags(context.dagster_run.run_id, {HOST_TAG: host_name()})
        except Exception:  # the run has started: a missing tag must not fail it
            log.exception("The machine of run %s could not be recorded.", context.dagster_run.run_id)


def open_instance() -> dg.DagsterInstance:
    """The instance that `dagster dev` uses in this folder, for work without a UI."""
    return dg.DagsterInstance.from_config(str(ROOT))
