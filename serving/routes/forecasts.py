"""Routes of forecasts: what a price may do, how right that was, comparable events, and the market's trends."""

from typing import Annotated, LiteralString

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.answers import forecasts as forecast_answers
from serving.database import Database
from serving.requests.query_parameters import EventIdInPath, ForecastQuery, NoParameters
from serving.responses.problems import no_such_event
from serving.responses.versions import version_of
from serving.routes.events import table

router = APIRouter(prefix="/api", tags=["forecasts"])

_EVENT = f"/api/events/{answers.EVENT_ID}"

Nothing = Annotated[NoParameters, Query()]


@router.get(
    "/events/{event_id}/forecast", **openapi.answering(forecast_answers.Forecast, f"{_EVENT}/forecast", 304, 404)
)
async def get_forecast(request: Request, event_id: EventIdInPath, query: Annotated[ForecastQuery, Query()]) -> Response:
    """What the get-in price may be in 1, 3, 7 and 14 days, how right such ranges were, and how often it fell or rose.

    No advice: the last price has often been the best guess, and the answer says where it was not. Zones are forecast
    only if the operator has set that.
    """
    question: LiteralString = "select * from api.forecast(%(event_id)s::uuid, %(zone)s)"
    return await _of_event(request, event_id, question, zone=query.zone)


@router.get(
    "/events/{event_id}/comparables",
    **openapi.answering(forecast_answers.Comparables, f"{_EVENT}/comparables", 304, 404),
)
async def list_comparables(request: Request, event_id: EventIdInPath, query: Nothing) -> Response:
    """Events of the same performer, or venue and category, at the same distance. At least 8, or none."""
    return await _of_event(request, event_id, "select * from api.comparables_of(%(event_id)s::uuid)")


@router.get("/market/trends", **openapi.answering(forecast_answers.MarketTrends, "/api/market/trends", 304))
async def list_market_trends(request: Request, query: Nothing) -> Response:
    """How the get-in prices of the same events moved in 7 and 28 days, over all and by category."""
    return await table(request, "select * from api.market_trends order by scope, days", {})


@router.get("/forecast-skill", **openapi.answering(forecast_answers.ForecastSkill, "/api/forecast-skill", 304))
async def get_forecast_skill(request: Request, query: Nothing) -> Response:
    """How right the forecasts of the last 26 weeks were, by horizon and days to the event."""
    return await table(
        request,
        """select * from api.forecast_skill
           order by measure, horizon_days, array_position('{0-3,4-7,8-14,15-30,over 30}', phase)""",
        {},
    )


async def _of_event(request: Request, event_id: EventIdInPath, question: LiteralString, **more: str | None) -> Response:
    database: Database = request.app.state.database
    if await version_of(database, request.state.key_sha256, event_id) is None:
        raise no_such_event(event_id)
    request.state.event_id = event_id
    return await table(request, question, {"event_id": event_id} | more)
