"""The rollups' own SQL, as dbt runs it: recorded once, replayed in real transactions.

A dbt run takes a second; its statements take milliseconds. Replaying them lets a test stop between any two,
and a property test take hundreds of steps. What is recorded is what dbt sent, hooks and all; nothing of it is
written here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dbt_common.events.base_types import EventMsg

from tests.support.dbt_runs import PLACE, fresh_manifest, run_dbt
from tickettape.database import Connection
from tickettape.rollups import ROLLUP_NAMES, ROLLUPS_ALONE, export_dbt_environment
from tickettape.rollups.dbt import dbt_runner
from tickettape.settings import Settings

_COMMENT = re.compile(r"^/\*.*?\*/\s*", re.DOTALL)  # dbt's own, with the run's id in it


@dataclass(frozen=True)
class Refresh:
    """The statements of one incremental refresh of each rollup, between its `begin` and its `commit`."""

    statements: dict[str, tuple[str, ...]]

    def run(self, connection: Connection, rollup: str, between: Callable[[str], Any] | None = None) -> int:
        """Refresh one rollup in a transaction of its own; the rows it inserted.

        `between` is called before each statement with its text, and once with "commit" before the end.
        """
        inserted = 0
        with connection.transaction():
            for statement in self.statements[rollup]:
                if between:
                    between(statement)
                done = connection.execute(statement)
                if re.match(r'insert into "?analytics"?\.', statement):
                    inserted = done.rowcount
            if between:
                between("commit")
            for statement in self.statements[rollup]:
                if local := re.match(r"set local (\w+)", statement):
                    connection.execute(f"reset {local[1]}")  # ends with dbt's transaction; a test's may go on
        return inserted

    def run_all(self, connection: Connection, rollups: Sequence[str] = ROLLUP_NAMES) -> dict[str, int]:
        """Refresh every rollup once, in their order; the rows each inserted."""
        return {rollup: self.run(connection, rollup) for rollup in rollups}

    def run_until_clean(self, connection: Connection, most: int = 1000) -> int:
        """Refresh until no mark is left; how many rounds it took."""
        for number in range(most):
            left = connection.execute("select count(*) from market.dirty_buckets").fetchone()
            if left == (0,):
                return number
            self.run_all(connection)
        raise AssertionError(f"marks are left after {most} refreshes")


def record(
    settings: Settings | None = None,
    *,
    alone: Sequence[str] = ROLLUPS_ALONE,
    rollups: Sequence[str] = ROLLUP_NAMES,
) -> Refresh:
    """Record a refresh on the test's database: the rollups are built if they are not, then run once more."""
    run_dbt(*alone, settings=settings)
    sent: dict[str, list[str]] = {}

    def note(event: EventMsg) -> None:
        if event.info.name == "SQLQuery" and event.data.node_info.unique_id.startswith("model."):
            sent.setdefault(event.data.node_info.unique_id.rsplit(".", 1)[-1], []).append(event.data.sql)

    export_dbt_environment(settings or Settings(), all_of_it=True)
    done = dbt_runner(fresh_manifest(), callbacks=[note]).invoke([*alone, *PLACE, "--quiet"])
    assert done.success, done.exception
    return Refresh({name: tuple(_essential(statements)) for name, statements in sent.items() if name in rollups})


def _essential(statements: Sequence[str]) -> list[str]:
    """What dbt sent within its transaction, statement by statement, without what it asks the catalogue."""
    kept = []
    for sent in statements:
        for text in re.split(r";\s*(?=\n|$)", _COMMENT.sub("", sent)):
            text = re.sub(r"(?m)^\s*--.*\n", "", text).strip()
            text = re.sub(
                r'"[^"]+"\.("?(?:market|staging|analytics|box_office)"?\.)', r"\1", text
            )  # any database, not the recorded one
            first = text.lower()
            if not text or first in ("begin", "commit") or first.endswith("limit 0") or "information_schema" in first:
                continue
            if "pg_catalog" in first or first.startswith(("drop table if exists", "select table_name")):
                continue
            if first.startswith("create temporary table"):
                # dbt's session ends after its run; here the transaction does
                text = re.sub(r"(?is)\bas\s*\(", "on commit drop as (", text, count=1)
            kept.append(text)
    return kept
