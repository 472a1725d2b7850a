"""The FastAPI application: its routes, shared state, error handlers and OpenAPI description."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from serving import dashboard, events, openapi, operations, problems, reference, series, stream
from serving.database import open_database
from serving.middleware import ServiceMiddleware
from serving.problems import Problem
from serving.rate_limits import KeyRateLimits
from serving.request_counts import RequestCounts
from serving.stream import PriceBell
from tickettape.settings import Settings


def build_app(settings: Settings, database_url: str) -> FastAPI:
    """The application of one server process. Processes share their rate limits through the database."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_database(database_url, settings, app.state.minutes.count_slow) as database:
            app.state.database = database
            app.state.limits = KeyRateLimits(database, settings.key_requests_per_minute)
            app.state.bell = PriceBell()
            work = [
                asyncio.create_task(app.state.minutes.keep_flushing(database)),
                asyncio.create_task(app.state.bell.listen(database_url)),
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
    app.state.minutes = RequestCounts()
    app.add_middleware(ServiceMiddleware)
    app.include_router(series.router)
    app.include_router(events.router)
    app.include_router(stream.router)
    app.include_router(operations.router)
    reference.mount(app)
    dashboard.mount(app)  # last, so that every path above comes first
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    details = {404: "There is no such path. /docs/api lists the paths.", 405: "This path is read-only. Use GET."}
    return Problem(
        error.status_code, details.get(error.status_code, str(error.detail)), headers=dict(error.headers or {})
    ).response()


async def _not_valid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    wrong = [{"parameter": str(one["loc"][-1]), "message": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['parameter']}: {one['message']}" for one in wrong)
    return Problem(422, f"{detail}. /docs/api describes the parameters.", errors=wrong).response()


async def _failed(_: Request, error: Exception) -> Response:
    return (problems.of_database(error) or Problem(500, "The service failed. Its log says why.")).response()
