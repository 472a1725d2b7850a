"""Routes of promoters' sales: by hour and tier, purchases, refunds, prices' log, the door."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import promoters as answers
from serving.openapi.box_office import WRITES, selling
from serving.requests import query_parameters
from serving.requests.promotions import RefundSale, ScanTicket
from serving.requests.purchases import EventInPath, IdempotencyKey, PageQuery
from serving.requests.sessions import session_of
from serving.routes.box_office.replies import ask_as_promoter, desk_of, reply

router = APIRouter(prefix="/promoter/events/{event_id}")

MOST_PRICE_CHANGES = 500


@router.get("/price-changes", **selling(answers.PriceChanges, 401, 403, 404, session="promoter"))
async def list_price_changes(request: Request, event_id: EventInPath) -> Response:
    """The log of prices, the newest first."""
    question = "select box_office.promoter_price_changes_answer(%(event)s, %(most)s)::text"
    return await reply(
        request, await ask_as_promoter(request, question, {"event": event_id, "most": MOST_PRICE_CHANGES})
    )


@router.get("/sales", **selling(answers.Sales, 401, 403, 404, session="promoter"))
async def get_sales(request: Request, event_id: EventInPath) -> Response:
    """What was sold, by hour and by tier."""
    question = "select box_office.promoter_sales_answer(%(event)s)::text"
    return await reply(request, await ask_as_promoter(request, question, {"event": event_id}))


@router.get("/purchases", **selling(answers.Purchases, 401, 403, 404, session="promoter"))
async def list_purchases(request: Request, event_id: EventInPath, query: Annotated[PageQuery, Query()]) -> Response:
    """Paid orders and bookings, the newest first, without the people."""
    at, kind, last = query_parameters.decode_cursor(query.cursor, 3) if query.cursor else (None, None, None)
    rows = await desk_of(request).ask(
        """select purchase::text, at, kind, id from box_office.promoter_purchases(
               %(event)s, %(at)s::timestamptz, %(kind)s, %(last)s::bigint, %(limit)s)""",
        {"event": event_id, "at": at, "kind": kind, "last": last, "limit": query.limit},
        session=session_of(request),
        role="promoter",
    )
    next_cursor = None
    if len(rows) == query.limit:
        _, paid_at, of_kind, number = rows[-1]
        next_cursor = query_parameters.encode_cursor(paid_at.isoformat(), of_kind, str(number))
    data = [orjson.Fragment(purchase) for purchase, *_ in rows]
    return await reply(request, orjson.dumps({"data": data, "next_cursor": next_cursor}))


@router.post("/refunds", **selling(answers.Refunded, *WRITES, status=201, session="promoter"))
async def refund_sale(
    request: Request, event_id: EventInPath, body: RefundSale, idempotency_key: IdempotencyKey
) -> Response:
    """Refund tickets. The provider returns the money within seconds, and the tickets are free again."""
    told = await ask_as_promoter(
        request,
        """select box_office.refund_promoter_sale(%(event)s, %(order_id)s::bigint, %(booking_id)s::bigint,
               %(tickets)s::bigint[], %(reason)s, %(key)s)::text""",
        body.model_dump() | {"event": event_id, "key": idempotency_key},
        write=True,
    )
    return await reply(request, told, status=201)


@router.post("/scan", **selling(answers.Scanned, *WRITES, session="promoter"))
async def scan_ticket(
    request: Request, event_id: EventInPath, body: ScanTicket, idempotency_key: IdempotencyKey
) -> Response:
    """Admit whoever shows a ticket, once."""
    ticket = await ask_as_promoter(
        request,
        "select box_office.scan_promoter_ticket(%(event)s, %(ticket_code)s, %(key)s)",
        body.model_dump() | {"event": event_id, "key": idempotency_key},
        write=True,
    )
    return await reply(request, orjson.dumps({"ticket_id": ticket}))
