"""Routes of one event at several sources."""

from typing import Annotated, LiteralString

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.answers import across_markets as across_answers
from serving.requests.query_parameters import (
    EventIdInPath,
    NoParameters,
    PriceSpreadQuery,
    SeriesQuery,
    SharedOffersQuery,
)
from serving.routes import series
from serving.routes.events import table

router = APIRouter(prefix="/api/events/{event_id}", tags=["events"])

_EVENT = f"/api/events/{answers.EVENT_ID}"
_ACROSS: LiteralString = "select * from api.across_markets(%(event_id)s::uuid)"
_SHARED: LiteralString = "select * from api.shared_offers(%(event_id)s::uuid, %(limit)s)"


@router.get("/across-markets", **openapi.answering(across_answers.AcrossMarkets, f"{_EVENT}/across-markets", 304, 404))
async def list_across_markets(
    request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]
) -> Response:
    """The event at each source that has it: its get-in prices, their age, and its share of the tickets.

    Only sources whose event the key may see. An event of one source has one row.
    """
    request.state.event_id = event_id
    return await table(request, _ACROSS, {"event_id": event_id})


@router.get(
    "/price-spread",
    **openapi.answering(
        across_answers.PriceSpreads, f"{_EVENT}/price-spread?start_date=2026-11-14&end_date=2026-11-20", 304, 404
    ),
)
async def get_price_spread(
    request: Request, event_id: EventIdInPath, query: Annotated[PriceSpreadQuery, Query()]
) -> Response:
    """The get-in price at the cheapest and at the dearest source, by hour or day.

    Only sources in the event's currency; nothing is converted.
    """
    asked = SeriesQuery(event_id=event_id, **query.model_dump(exclude={"tickets", "basis"}))
    chosen = {"tickets": query.tickets, "basis": query.basis}
    return await series.answer(request, "price_spread", asked, head=("tickets", "basis", "fill"), **chosen)


@router.get("/shared-offers", **openapi.answering(across_answers.SharedOffers, f"{_EVENT}/shared-offers", 304, 404))
async def list_shared_offers(
    request: Request, event_id: EventIdInPath, query: Annotated[SharedOffersQuery, Query()]
) -> Response:
    """Listings that are probably one seller's offer at two sources, the cheapest first. An estimate: see `rule`."""
    values = {"event_id": event_id, "limit": query.limit}
    return await table(request, _SHARED, values, head={"rule": across_answers.RULE})
