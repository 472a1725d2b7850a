"""The simulated market as a web application: in-process over ASGI, or served by uvicorn.

Routes and headers only; the answers are made in `answers`. Every answer says that it is simulated.
The time it answers about is the request's `x-simulator-time` (ISO 8601 with an offset), else the clock.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tickettape.marketplaces.http_client import SIMULATOR_HEADER, SIMULATOR_TIME_HEADER
from tickettape.marketplaces.simulator import answers
from tickettape.marketplaces.simulator.catalogue import SimulatedProduction
from tickettape.marketplaces.simulator.market import Market

HEADERS = {SIMULATOR_HEADER: "1", "cache-control": "public,max-age=15"}  # the real one's max-age
PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def build_app(market: Market, clock: Clock = wall_clock) -> Starlette:
    """The application on `market`; `clock` (UTC) serves requests that name no time."""

    async def listings(request: Request) -> Response:
        at = time_of(request, clock)
        production_id = request.query_params.get("productionId", "")
        if not answers.is_production_id(production_id):
            return json_reply(answers.unknown_listings())
        return json_reply(answers.listings(market, known(market, production_id, at), at))

    async def details(request: Request) -> Response:
        at = time_of(request, clock)
        return json_reply(answers.details(market, known(market, request.path_params["id"], at), at))

    async def productions(request: Request) -> Response:
        at = time_of(request, clock)
        asked = request.query_params
        found = answers.matching(
            market.productions(at),
            performer_id=asked.get("performerId"),
            venue_id=asked.get("venueId"),
            category_id=asked.get("categoryId"),
            query=asked.get("query"),
        )
        size = min(number_of(asked.get("pageSize"), PAGE_SIZE), LARGEST_PAGE_SIZE)
        return json_reply(answers.page(market, found, at, number_of(asked.get("page"), 1), size))

    return Starlette(
        routes=[
            Route("/listings", listings),
            Route("/productions", productions),
            Route("/productions/{id}/details", details),
        ],
        exception_handlers={HTTPException: refusal},
    )


def known(market: Market, production_id: str, at: datetime) -> SimulatedProduction:
    """The production that is asked for. Raises a 404 if it is not on sale."""
    production = market.production(int(production_id), at) if answers.is_production_id(production_id) else None
    if production is None:
        raise HTTPException(404, f"No production {production_id} is on sale at {at.isoformat()}.")
    return production


def time_of(request: Request, clock: Clock) -> datetime:
    """The time that a request is about (UTC): its header's, else the clock's."""
    text = request.headers.get(SIMULATOR_TIME_HEADER)
    if text is None:
        return clock().astimezone(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"{SIMULATOR_TIME_HEADER} is {text!r}. Give an ISO 8601 time.") from None
    if at.tzinfo is None:
        raise HTTPException(400, f"{SIMULATOR_TIME_HEADER} is {text!r}. Give it a UTC offset, such as +00:00.")
    return at.astimezone(UTC)


def number_of(text: str | None, default: int) -> int:
    """The number of a page, or its size."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise HTTPException(400, f"page or pageSize is {text!r}. Give a number above 0.")
    return int(text[:9])


def json_reply(body: bytes) -> Response:
    """A JSON answer that says it is simulated."""
    return Response(body, media_type="application/json", headers=HEADERS)


def refusal(_: Request, error: Exception) -> Response:
    """The answer to a request that raised an error."""
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"error": detail}, status_code=status, headers=HEADERS)
