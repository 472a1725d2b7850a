"""The series of one event that are made from the listing history, by hour or day."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.answers import series as series_answers
from serving.requests.query_parameters import EventIdInPath, EventSeriesQuery, MarketDaysQuery, SeriesQuery
from serving.routes import series

router = APIRouter(prefix="/api/events/{event_id}", tags=["events"])

_EVENT = f"/api/events/{answers.EVENT_ID}"
_DAYS = "start_date=2026-11-14&end_date=2026-11-20"

EventSeries = Annotated[EventSeriesQuery, Query()]


@router.get("/get-in", **openapi.answering(series_answers.GetInPrices, f"{_EVENT}/get-in?{_DAYS}", 304, 404))
async def get_get_in_prices(request: Request, event_id: EventIdInPath, query: EventSeries) -> Response:
    """Lowest price of exactly one, two and four together: in the event, or in one zone. Before fees and with them."""
    return await _answer(request, "get_in", event_id, query)


@router.get(
    "/price-distribution",
    **openapi.answering(series_answers.PriceDistribution, f"{_EVENT}/price-distribution?{_DAYS}", 304, 404),
)
async def get_price_distribution(request: Request, event_id: EventIdInPath, query: EventSeries) -> Response:
    """Lowest price, quartiles, median and highest price of the listings of each zone, before fees."""
    return await _answer(request, "price_distribution", event_id, query)


@router.get(
    "/inventory-changes",
    **openapi.answering(series_answers.InventoryChanges, f"{_EVENT}/inventory-changes?{_DAYS}", 304, 404),
)
async def get_inventory_changes(request: Request, event_id: EventIdInPath, query: EventSeries) -> Response:
    """How many listings of each zone appeared, changed their price, shrank, grew, moved or went."""
    return await _answer(request, "inventory_changes", event_id, query)


@router.get(
    "/estimated-sales",
    **openapi.answering(series_answers.EstimatedSales, f"{_EVENT}/estimated-sales?{_DAYS}", 304, 404),
)
async def get_estimated_sales(request: Request, event_id: EventIdInPath, query: EventSeries) -> Response:
    """What was probably sold and withdrawn in each zone: our judgement, with its confidence."""
    return await _answer(request, "estimated_sales", event_id, query)


@router.get(
    "/days-on-market", **openapi.answering(series_answers.DaysOnMarket, f"{_EVENT}/days-on-market?{_DAYS}", 304, 404)
)
async def get_days_on_market(
    request: Request, event_id: EventIdInPath, query: Annotated[MarketDaysQuery, Query()]
) -> Response:
    """How many days the listings that went had been for sale, by the day on which they went."""
    asked = SeriesQuery(event_id=event_id, granularity="day", **query.model_dump(exclude={"verdict"}))
    return await series.answer(request, "days_on_market", asked, head=("zone", "verdict"), verdict=query.verdict)


async def _answer(request: Request, name: str, event_id: EventIdInPath, query: EventSeriesQuery) -> Response:
    asked = SeriesQuery(event_id=event_id, **query.model_dump())
    return await series.answer(request, name, asked, head=("zone", "fill"))
