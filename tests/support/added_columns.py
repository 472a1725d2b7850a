"""A rollup whose model and contract have got a column, as a contributor would add one."""

from copy import deepcopy

from dbt.contracts.graph.manifest import Manifest
from dbt_common.contracts.constraints import ColumnLevelConstraint, ConstraintType

from tests.support.dbt_runs import fresh_manifest
from tickettape.rollups import export_dbt_environment
from tickettape.settings import Settings

MODEL = "model.tickettape.event_hours"


def with_column(
    name: str,
    data_type: str,
    value: str,
    *,
    not_null: str | None = None,
    declared: bool = True,
    project: Manifest | None = None,
) -> Manifest:
    """The project with a column more in event_hours; `not_null`: the expression of its constraint.

    Not `declared`: in the model alone.
    """
    export_dbt_environment(Settings(), all_of_it=True)
    manifest = project or fresh_manifest()
    node = manifest.nodes[MODEL]
    node.raw_code = node.raw_code.replace("    now() as created_at", f"    {value} as {name},\n    now() as created_at")
    assert f" as {name}," in node.raw_code
    if declared:
        column = deepcopy(node.columns["ok_captures"])
        column.name, column.data_type, column.constraints = name, data_type, []
        if not_null is not None:
            column.constraints = [ColumnLevelConstraint(type=ConstraintType.not_null, expression=not_null)]
        node.columns[name] = column
    return manifest
