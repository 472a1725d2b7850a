"""Routes of what was sold first-hand: both markets of an event, and the sales of an event of the box office.

Sales are seen by the promoter's own tenant, by all where the promoter made them public, and by who sees everything.
"""

from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.answers import sales as sales_answers
from serving.database import Database
from serving.requests.query_parameters import EventIdInPath, NoParameters
from serving.responses.problems import Problem, no_such_event
from serving.responses.versions import version_of
from serving.routes.events import table

router = APIRouter(prefix="/api", tags=["analytics"])

SoldEventInPath = Annotated[
    int,
    Path(description="The event's number at the box office.", examples=[sales_answers.SOLD_EVENT], ge=1, lt=2**63),
]

_BOTH: LiteralString = "select * from api.primary_and_resale(%(event_id)s::uuid)"
_SUMMARY: LiteralString = "select * from api.sales_summary(%(event_id)s::bigint)"
_HOURS: LiteralString = "select * from api.sales_by_hour(%(event_id)s::bigint)"


@router.get(
    "/events/{event_id}/primary-and-resale",
    **openapi.answering(sales_answers.BothMarkets, f"/api/events/{answers.EVENT_ID}/primary-and-resale", 304, 404),
)
async def get_primary_and_resale(
    request: Request, event_id: EventIdInPath, query: Annotated[NoParameters, Query()]
) -> Response:
    """Face values beside resale prices: of the whole event, then by zone, by day.

    Empty if the event is not sold here, or if your key may not see its sales.
    """
    database: Database = request.app.state.database
    if await version_of(database, request.state.key_sha256, event_id) is None:
        raise no_such_event(event_id)
    request.state.event_id = event_id
    return await table(request, _BOTH, {"event_id": event_id})


@router.get(
    "/sales/{event_id}",
    **openapi.answering(sales_answers.EventSales, f"/api/sales/{sales_answers.SOLD_EVENT}", 304, 404),
)
async def get_event_sales(
    request: Request, event_id: SoldEventInPath, query: Annotated[NoParameters, Query()]
) -> Response:
    """What an event of the box office sold: a summary, and each hour by tier or section."""
    database: Database = request.app.state.database
    values: dict[str, Any] = {"event_id": event_id}
    cursor = await database.ask(request.state.key_sha256, _SUMMARY, values, floats=True)
    row = await cursor.fetchone()
    if row is None:
        raise Problem(404, f"There are no sales of event {event_id} of the box office that your key may see.")
    summary = {column.name: value for column, value in zip(cursor.description or (), row, strict=True)}
    return await table(request, _HOURS, values, head={"summary": summary})
