"""dbt's unit tests: every rule of what the numbers are, as a sentence, on three rows; in dbt_project/models/**."""

import pytest

from tests.support.dbt_runs import outcomes, run_dbt


@pytest.mark.usefixtures("database_url")
def test_every_number_is_what_the_rules_say() -> None:
    result = outcomes(run_dbt("test", "--select", "resource_type:unit_test"))
    assert {run.node.tested_node_unique_id.split(".")[-1] for run in result} >= {
        "event_hours",
        "aggregated_analytics",
        "event_days",
        "daily_analytics",
        "latest_prices",
        "ticket_snapshots",
    }
    assert {run.status for run in result} == {"pass"}
