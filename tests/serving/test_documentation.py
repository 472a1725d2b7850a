"""The dbt documentation: built when the models change, shown where the API is."""

import dagster as dg
import httpx
import pytest
from dagster_dbt import DbtCliResource
from dbt.contracts.graph.nodes import ModelNode

from orchestration import dbt as dbt_project
from orchestration.assets import documentation as built
from tests.support.dbt_runs import manifest
from tests.support.served_market import serving
from tickettape.database import Connection, Warehouse
from tickettape.rollups import DBT_EXECUTABLE
from tickettape.settings import Settings


def test_it_is_built_once_a_change_and_shown_by_the_service(
    warehouse: Warehouse, connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("TICKETTAPE_HOME", str(tmp_path))
    settings = Settings()
    sensor = built.build_documentation_sensor(settings, warehouse)
    with serving(database_url, settings) as url:
        assert httpx.get(f"{url}/docs/data").status_code == 404
        assert isinstance(sensor(dg.build_sensor_context()), dg.RunRequest)
        dbt = DbtCliResource(project_dir=dbt_project.PROJECT, dbt_executable=DBT_EXECUTABLE)
        done = dg.materialize(
            [built.documentation], resources={"dbt": dbt, "settings": settings}, instance=dg.DagsterInstance.ephemeral()
        )
        assert done.success
        page = httpx.get(f"{url}/docs/data")
    assert page.headers["content-type"].startswith("text/html")
    assert "The HTTP API" in page.text
    assert isinstance(sensor(dg.build_sensor_context()), dg.SkipReason)
    monkeypatch.setattr(built, "models_fingerprint", lambda: "changed")
    assert isinstance(sensor(dg.build_sensor_context()), dg.RunRequest)


def test_before_there_are_tables_nothing_is_built(
    warehouse: Warehouse, connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("TICKETTAPE_HOME", str(tmp_path))
    connection.execute("drop schema api cascade")
    sensor = built.build_documentation_sensor(Settings(), warehouse)
    assert isinstance(sensor(dg.build_sensor_context()), dg.SkipReason)


@pytest.mark.usefixtures("database_url")  # dbt parses for a database
def test_the_lineage_ends_where_people_are() -> None:
    marts = {name for name, node in manifest().nodes.items() if isinstance(node, ModelNode) and "marts" in node.fqn}
    exposed = {node for exposure in manifest().exposures.values() for node in exposure.depends_on.nodes}
    assert marts == exposed
