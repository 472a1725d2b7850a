"""What people outside are served from: schema `api` on top of dbt's tables, and whether the service is well."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.api_schema import SERVED_RELATIONS, apply_api_schema, latency_quantile, service_totals
from tickettape.database import Warehouse
from tickettape.settings import Settings

_STANDS_ON = [dg.AssetKey(["analytics", name] if name == "events" else name) for name in SERVED_RELATIONS]
LOOK_BACK = timedelta(minutes=15)  # longer than a tick, so that no minute goes unchecked
FEWEST_REQUESTS = 20  # of fewer, one that fails is a twentieth
MOST_SLOW_STATEMENTS = 5


@dg.asset(group_name="serving", kinds={"postgres"}, deps=_STANDS_ON)
def api(warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Views, functions, grants and row-level security for those who ask; made anew only where something changed."""
    with warehouse.connection() as connection:
        changed = apply_api_schema(connection, settings)
    return dg.MaterializeResult(metadata={"made anew": changed})


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("answers_do_not_fail", asset=api, description="Few of the API's answers are failures (5xx)."),
        dg.AssetCheckSpec("answers_are_quick", asset=api, description="95 of 100 answers begin in time."),
        dg.AssetCheckSpec("statements_are_quick", asset=api, description="Questions to the database take no second."),
    ],
)
def service_is_well(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.AssetCheckResult]:
    """What the service did in the last quarter of an hour. Warns: no data is wrong because of it."""
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
            "The service's log has each failure; /health says whether it reaches the database.",
        ),
        "answers_are_quick": (
            few or p95 <= settings.service_latency_seconds,
            {"requests": requests, "p95 seconds, at most": p95 if requests else 0.0},
            "Look at statements_are_quick; else it has too little CPU: raise SERVING_PROCESSES, or add a server.",
        ),
        "statements_are_quick": (
            slow <= MOST_SLOW_STATEMENTS,
            {"slow statements": slow},
            "The service's log has each of them; `tickettape psql`: pg_stat_activity, locks; then upkeep's vacuum.",
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
