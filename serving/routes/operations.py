"""Routes for operators: health, metrics, documentation, OpenAPI. They need no key and show no tenant's data."""

from collections.abc import Iterator
from typing import Any, LiteralString

from fastapi import APIRouter, Request
from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from serving import answers
from serving.database import Database
from serving.request_counts import RequestCounts
from serving.responses.problems import Problem
from serving.shared_work import SharedWork
from tickettape.api_schema import DATABASE_ROUTE, LATENCY_BOUNDS, SERVICE_TOTALS, SLOW_SECONDS, RouteTotal

router = APIRouter(tags=["operations"])

_MARKETS: LiteralString = """
    select source, count(*) filter (where active), newest.age,
        jobs.success, jobs.failed, newest.captured, newest.captures
    from market.events
    left join lateral (
        select extract(epoch from now() - ok.tick) as age, tick.captured, tick.captures
        from (
            select captures.tick from market.captures inner join market.events as of_source
                on of_source.event_key = captures.event_key
            where of_source.source = events.source and captures.status in ('ok', 'empty')
            order by captures.tick desc limit 1
        ) as ok
        cross join lateral (
            select count(*) filter (where captures.status in ('ok', 'empty', 'partial')) as captured,
                count(*) as captures
            from market.captures inner join market.events as of_source on of_source.event_key = captures.event_key
            where of_source.source = events.source and captures.tick = ok.tick
        ) as tick
    ) as newest on true
    left join lateral (
        select count(*) filter (where status = 'success') as success,
            count(*) filter (where status = 'failed') as failed
        from market.scraper_jobs
        where scraper_jobs.source = events.source and scraper_jobs.started_at > now() - interval '1 day'
    ) as jobs on true
    group by source, newest.age, newest.captured, newest.captures, jobs.success, jobs.failed order by source"""


@router.get(
    "/health",
    response_model=answers.Health,
    responses={200: {"description": "It can."}, 503: {"model": answers.Health, "description": "It cannot."}},
)
async def get_health(request: Request) -> Response:
    """Whether the service can answer."""
    answer: SharedWork[bool] = request.app.state.health
    if not await answer.result():
        detail = "Schema api does not exist yet. Run a tick (`make tick`), or wait for one."
        return JSONResponse({"status": "waiting", "detail": detail}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/metrics", response_class=PlainTextResponse, responses={200: {"description": "Prometheus' text format."}})
async def get_metrics(request: Request) -> Response:
    """For Prometheus: requests, latencies and slow statements of the service; freshness and success of the scraper."""
    answer: SharedWork[bytes] = request.app.state.metrics
    return Response(await answer.result(), media_type=exposition.CONTENT_TYPE_PLAIN_0_0_4)


async def api_is_made(database: Database) -> bool:
    """Whether schema api exists. Raises psycopg.Error if the database does not answer."""
    ((made,),) = await database.run("select to_regprocedure('api.data_version(uuid)') is not null", {})
    return bool(made)


async def read_metrics(database: Database, minutes: RequestCounts) -> bytes:
    """All metrics, with what this process has counted until now."""
    await minutes.flush(database)
    totals = [RouteTotal(*row) for row in await database.run(SERVICE_TOTALS, {"since": "-infinity"})]
    families = _Families([*_of_service(totals), *_of_markets(await database.run(_MARKETS, {}))])
    return exposition.generate_latest(families)


@router.get("/docs/data", include_in_schema=False)
async def documentation(request: Request) -> Response:
    """Every table, column and word explained, with the lineage."""
    page = request.app.state.settings.documentation
    if not page.exists():
        raise Problem(404, "The documentation is not built yet. Materialize the asset `documentation`, or wait for it.")
    return FileResponse(page, media_type="text/html", headers={"cache-control": "no-cache"})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """What can be asked, in OpenAPI 3.1."""
    return JSONResponse(request.app.openapi())


class _Families(Collector):
    """Metrics that were just read, in the form that Prometheus' exposition needs."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _of_service(totals: list[RouteTotal]) -> Iterator[Metric]:
    """Totals of all server processes since the beginning: the database adds them up."""
    requests = CounterMetricFamily("tickettape_requests", "Requests by route and outcome.", labels=["route", "outcome"])
    latency = HistogramMetricFamily(
        "tickettape_request_seconds", "Seconds until the response begins.", labels=["route"]
    )
    slow = CounterMetricFamily("tickettape_slow_statements", f"Statements of more than {SLOW_SECONDS:g} s.")
    for total in totals:
        if total.route != DATABASE_ROUTE:
            answered = total.requests - total.refused - total.errors
            for outcome, count in (("answered", answered), ("refused", total.refused), ("failed", total.errors)):
                requests.add_metric([total.route, outcome], count)
            so_far, buckets = 0, []
            for bound, count in zip([*map(str, LATENCY_BOUNDS), "+Inf"], total.latency_counts, strict=True):
                so_far += count
                buckets.append((bound, so_far))
            latency.add_metric([total.route], buckets, total.seconds)
    slow.add_metric([], sum(total.slow_statements for total in totals))
    yield from (requests, latency, slow)


def _of_markets(rows: list[tuple[Any, ...]]) -> Iterator[Metric]:
    age = GaugeMetricFamily("tickettape_newest_capture_age_seconds", "Age of the newest ok capture.", labels=["source"])
    share = GaugeMetricFamily(
        "tickettape_captured_share", "Captured share of the newest tick's events.", labels=["source"]
    )
    active = GaugeMetricFamily("tickettape_events_active", "Events that are watched.", labels=["source"])
    jobs = GaugeMetricFamily("tickettape_scraper_jobs_day", "Jobs of the last 24 h.", labels=["source", "status"])
    for source, events, seconds, success, failed, captured, captures in rows:
        active.add_metric([source], events)
        if seconds is not None:
            age.add_metric([source], float(seconds))
            share.add_metric([source], captured / captures)
        jobs.add_metric([source, "success"], success)
        jobs.add_metric([source, "failed"], failed)
    yield from (age, share, active, jobs)
