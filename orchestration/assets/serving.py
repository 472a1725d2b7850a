"""Serving: apply schema `api` on top of dbt's tables, and check that the service is well."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.api_schema import SERVED_RELATIONS, apply_api_schema, latency_quantile, service_totals
from tickettape.database import Warehouse
from tickettape.settings import Settings

_STANDS_ON = [dg.AssetKey(["analytics", name] if name == "events" else name) for name in SERVED_RELATIONS]
LOOK_BACK = timedelta(minutes=15)  # longer than a tick, so that no minute goes unchecked
FEWEST_REQUESTS = 20  # with fewer requests, a single failure would be more than 5 %
MOST_SLOW_STATEMENTS = 5


@dg.asset(group_name="serving", kinds={"postgres"}, deps=_STANDS_ON)
def api(warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """The views, functions, grants and row-level security of schema `api`. Recreated only if something has changed."""
    with warehouse.connection() as connection:
        changed = apply_api_schema(connection, settings)
    return dg.MaterializeResult(metadata={"recreated": changed})


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            "answers_do_not_fail", asset=api, description="Few of the API's responses are failures (5xx)."
        ),
        dg.AssetCheckSpec("answers_are_quick", asset=api, description="95 of 100 responses begin in time."),
        dg.AssetCheckSpec(
            "statements_are_quick", asset=api, description="Hardly any database query takes over a second."
        ),
    ],
)
def service_is_well(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.AssetCheckResult]:
    """The service's failures and times in the last quarter of an hour. Only warns, because no data is wrong."""
    with warehouse.connection() as connection:
        totals = service_totals(connection, datetime.now(UTC) - LOOK_BACK)
    requests, errors = sum(one.requests for one in totals), sum(one.errors for one in totals)
    slow = sum(one.slow_statements for one in totals)
    p95 = latency_quantile([sum(counts) for counts in zip(*(one.latency_counts for one in totals), strict=True)], 0.95)
    share, few = errors / max(1, requests), requests < FEWEST_REQUESTS
    found: dict[str, tuple[bool, dict[str, int | float], str]] = {
        "answers_do_not_fail": (
            few or share <= settings.service_error_share,
            {"requests": requests, "failures": errors, "share": share},
            "The service's log has each failure. /health says whether the service reaches the database.",
        ),
        "answers_are_quick": (
            few or p95 <= settings.service_latency_seconds,
            {"requests": requests, "p95 seconds, at most": p95 if requests else 0.0},
            "Look at statements_are_quick. If it passes, the service has too little CPU time: raise "
            "SERVING_PROCESSES, or add a server.",
        ),
        "statements_are_quick": (
            slow <= MOST_SLOW_STATEMENTS,
            {"slow statements": slow},
            "The service's log has each of these statements. Look at pg_stat_activity and locks (`tickettape psql`), "
            "then run the job upkeep, which vacuums.",
        ),
    }
    for name, (passed, metadata, advice) in found.items():
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=dg.AssetKey("api"),
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=metadata,
            description=None if passed else advice,
        )
