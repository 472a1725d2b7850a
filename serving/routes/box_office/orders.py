"""Routes of orders: tickets that are sold by quantity."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import WRITES, selling
from serving.requests.purchases import EventInPath, IdempotencyKey, OrderInPath, Pay, ReserveTickets
from serving.routes.box_office.payments import pay
from serving.routes.box_office.replies import ask_as_buyer, reply

router = APIRouter()

MOST_LISTED = 200


@router.post("/events/{event_id}/orders", **selling(answers.Order, *WRITES, status=201, session="buyer"))
async def reserve_tickets(
    request: Request, event_id: EventInPath, body: ReserveTickets, idempotency_key: IdempotencyKey
) -> Response:
    """Reserve tickets of tiers, until they are paid or the order expires."""
    told = await ask_as_buyer(
        request,
        """select box_office.order_answer(
               box_office.reserve(box_office.buyer(), %(event)s, %(tiers)s::bigint[], %(quantities)s::integer[],
                   %(key)s)
           )::text""",
        {
            "event": event_id,
            "tiers": [line.tier_id for line in body.lines],
            "quantities": [line.quantity for line in body.lines],
            "key": idempotency_key,
        },
        write=True,
    )
    return await reply(request, told, status=201)


@router.get("/orders", **selling(answers.Orders, 401, session="buyer"))
async def list_orders(request: Request) -> Response:
    """The buyer's newest orders."""
    question = "select box_office.orders_answer(%(most)s)::text"
    return await reply(request, await ask_as_buyer(request, question, {"most": MOST_LISTED}))


@router.get("/orders/{order_id}", **selling(answers.Order, 401, 404, session="buyer"))
async def get_order(request: Request, order_id: OrderInPath) -> Response:
    """One of the buyer's orders."""
    question = "select box_office.order_answer(%(order)s)::text"
    return await reply(request, await ask_as_buyer(request, question, {"order": order_id}))


@router.post("/orders/{order_id}/pay", **selling(answers.PaymentOutcome, *WRITES, session="buyer"))
async def pay_order(request: Request, order_id: OrderInPath, body: Pay, idempotency_key: IdempotencyKey) -> Response:
    """Pay an order. Its tickets are issued as soon as the provider has the money."""
    return await pay(request, body, idempotency_key, order_id=order_id)


@router.post("/orders/{order_id}/cancel", **selling(answers.Order, *WRITES, session="buyer"))
async def cancel_order(request: Request, order_id: OrderInPath, idempotency_key: IdempotencyKey) -> Response:
    """Give back what an order reserves."""
    told = await ask_as_buyer(
        request,
        "select box_office.order_answer(box_office.cancel_order_once(%(order)s, %(key)s))::text",
        {"order": order_id, "key": idempotency_key},
        write=True,
    )
    return await reply(request, told)
