"""The FastAPI application: its routes, shared state, error handlers and OpenAPI description."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from serving import openapi, site
from serving.box_office_desk import KnownSessions, open_desk
from serving.database import open_database
from serving.limits.attempts import Attempts
from serving.limits.pauses import Pauses
from serving.limits.rate_limits import KeyRateLimits
from serving.limits.turns import LongTurns, Turns
from serving.middleware import SELLING, ServiceMiddleware
from serving.price_feeds import PriceFeeds
from serving.request_counts import RequestCounts
from serving.responses.problems import Problem
from serving.routes import (
    across_markets,
    alert_destinations,
    alert_links,
    alerts,
    board,
    box_office,
    event_series,
    events,
    forecasts,
    links,
    listings,
    operations,
    sales,
    series,
    stream,
)
from serving.shared_work import SharedWork
from tickettape.marketplaces import simulated_sources
from tickettape.settings import Settings

# from one address or key; each further request waits a second
REFUSALS_PER_SECOND = 50
KEYLESS_PER_SECOND = 100
ADDRESS_AT_ONCE = 8  # requests of the box office that one address without a session has in progress

ALLOWED_HEADERS = [
    *("X-API-Key", "Authorization", "If-None-Match", "Last-Event-ID"),
    *("Content-Type", "Idempotency-Key"),
]
EXPOSED_HEADERS = ["ETag", "Link", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"]
PREFLIGHT_SECONDS = 3_600


def build_app(settings: Settings, database_url: str) -> FastAPI:
    """The application of one server process. Processes share their rate limits through the database."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_database(database_url, settings, app.state.minutes.count_slow) as database,
            open_desk(database_url, settings, app.state.minutes.count_slow, app.state.sessions) as desk,
        ):
            app.state.database = database
            app.state.desk = desk
            app.state.limits = KeyRateLimits(database, settings)
            app.state.feeds = PriceFeeds(database, settings.key_streams)
            app.state.health = SharedWork(lambda: operations.api_is_made(database))
            app.state.metrics = SharedWork(lambda: operations.read_metrics(database, app.state.minutes))
            work = [
                asyncio.create_task(app.state.minutes.keep_flushing(database)),
                asyncio.create_task(app.state.feeds.listen(database_url)),
                asyncio.create_task(app.state.limits.keep_learning()),
                asyncio.create_task(desk.keep_tidy()),
            ]
            yield
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    app = FastAPI(
        title="Tickettape",
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from another site
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # a generated client's methods have the routes' names
    )
    app.state.settings = settings
    app.state.database_url = database_url
    app.state.everybodys_key = _everybodys_key(settings)
    app.state.minutes = RequestCounts()
    app.state.turns = Turns(settings.key_requests_at_once)
    app.state.long_turns = LongTurns()
    app.state.address_turns = Turns(ADDRESS_AT_ONCE, of="an address's")
    app.state.sessions = KnownSessions()
    app.state.seat_maps = {}
    app.state.availability = {}
    app.state.logins = Attempts(settings.logins_per_minute)
    app.state.refusals = Pauses(REFUSALS_PER_SECOND)
    app.state.keyless = Pauses(KEYLESS_PER_SECOND)
    app.add_middleware(ServiceMiddleware)
    if settings.cors_origins:
        # outside of the other, because a browser sends no key before it knows that it may
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
    app.include_router(series.router)
    app.include_router(events.router)
    app.include_router(board.router)
    app.include_router(event_series.router)
    app.include_router(across_markets.router)
    app.include_router(links.router)
    app.include_router(sales.router)
    app.include_router(forecasts.router)
    app.include_router(listings.router)
    app.include_router(stream.router)
    app.include_router(alert_destinations.router)  # before the rules, whose ids could be `destinations`
    app.include_router(alerts.router)
    app.include_router(alert_links.router)
    app.include_router(operations.router)
    app.include_router(box_office.router)
    app.include_router(box_office.links)
    site.mount(app)  # last, so that every path above comes first
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


def _everybodys_key(settings: Settings) -> bytes | None:
    """The hash of the key that the pages give to every visitor of a real market: it may not write."""
    if settings.dashboard_key is None or set(settings.sources) <= set(simulated_sources(settings)):
        return None
    return hashlib.sha256(settings.dashboard_key.get_secret_value().encode()).digest()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    details = {404: "There is no such path. /docs/api lists the paths.", 405: "This path is read-only. Use GET."}
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (headers or {}).get("Allow", "")
        if request.url.path.startswith(SELLING) or "POST" in allowed:
            details[405] = f"{request.method} is nothing here. Use {allowed}."
        else:
            headers = {"allow": "GET, HEAD"}
    return Problem(
        error.status_code, details.get(error.status_code, str(error.detail)), headers=dict(headers or {})
    ).response()


async def _not_valid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    wrong = [{"parameter": str(one["loc"][-1]), "message": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['parameter']}: {one['message']}" for one in wrong)
    return Problem(422, f"{detail}. /docs/api describes the parameters.", errors=wrong).response()
