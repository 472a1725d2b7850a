"""The oracle: each rollup against a recomputation from the facts alone, in milliseconds.

The queries are the project's own nightly tests (dbt_project/tests/oracle); dbt compiles them once per test run.
"""

import re
from collections.abc import Sequence
from functools import cache

from tests.support.dbt_runs import outcomes, run_dbt
from tickettape.database import Connection
from tickettape.rollups import ROLLUP_NAMES
from tickettape.rollups.registry import SALES_ROLLUPS

_SUFFIX = "_equals_a_recomputation"


@cache
def queries() -> dict[str, str]:
    """Each rollup's compiled query of the rows that differ; needs a test's database, and holds for all of them."""
    compiled = {
        outcome.node.name.removesuffix(_SUFFIX): re.sub(
            r'"[^"]+"\.("(?:market|staging|analytics|box_office)"\.)', r"\1", code
        )
        for outcome in outcomes(run_dbt("compile", "--select", "path:dbt_project/tests/oracle"))
        if (code := getattr(outcome.node, "compiled_code", None))
    }
    return {rollup: compiled[rollup] for rollup in (*ROLLUP_NAMES, *SALES_ROLLUPS)}


def differences(connection: Connection, rollups: Sequence[str] = ROLLUP_NAMES) -> dict[str, int]:
    """How many rows of each rollup differ from the recomputation; buckets with a mark waiting are left out."""
    counts = {}
    for rollup in rollups:
        query = queries()[rollup]
        row = connection.execute(f"select count(*) from ({query}) as different").fetchone()
        assert row
        counts[rollup] = int(row[0])
    return counts


def assert_exact(connection: Connection) -> None:
    """Every rollup equals the recomputation, and no mark is left."""
    assert differences(connection) == dict.fromkeys(ROLLUP_NAMES, 0)
    assert connection.execute("select * from market.dirty_buckets").fetchall() == []
    assert connection.execute("select * from market.claimed_buckets").fetchall() == []
