"""Routes of bookings: seats that are held, and then paid."""

from typing import Any, LiteralString

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import WRITES, selling
from serving.requests.purchases import BookingInPath, EventInPath, HoldBest, HoldSeats, IdempotencyKey, Pay
from serving.routes.box_office.orders import MOST_LISTED
from serving.routes.box_office.payments import pay
from serving.routes.box_office.replies import ask_as_buyer, reply

router = APIRouter()


@router.post("/events/{event_id}/bookings", **selling(answers.Booking, *WRITES, status=201, session="buyer"))
async def hold_seats(
    request: Request, event_id: EventInPath, body: HoldSeats, idempotency_key: IdempotencyKey
) -> Response:
    """Hold seats that the buyer has chosen."""
    return await _book(
        request,
        "box_office.hold(box_office.buyer(), %(event)s, %(seats)s::bigint[], %(key)s)",
        {"event": event_id, "seats": body.seats, "key": idempotency_key},
        201,
    )


@router.post("/events/{event_id}/bookings/best", **selling(answers.Booking, *WRITES, status=201, session="buyer"))
async def hold_best_available(
    request: Request, event_id: EventInPath, body: HoldBest, idempotency_key: IdempotencyKey
) -> Response:
    """Hold the best free seats: together in a row, or else near each other."""
    return await _book(
        request,
        """box_office.hold_best_available(
            box_office.buyer(), %(event)s, %(quantity)s::integer, %(key)s, %(section)s, %(most_price)s)""",
        body.model_dump() | {"event": event_id, "key": idempotency_key},
        201,
    )


@router.get("/bookings", **selling(answers.Bookings, 401, session="buyer"))
async def list_bookings(request: Request) -> Response:
    """The buyer's newest bookings."""
    question = "select box_office.bookings_answer(%(most)s)::text"
    return await reply(request, await ask_as_buyer(request, question, {"most": MOST_LISTED}))


@router.get("/bookings/{booking_id}", **selling(answers.Booking, 401, 404, session="buyer"))
async def get_booking(request: Request, booking_id: BookingInPath) -> Response:
    """One of the buyer's bookings."""
    question = "select box_office.booking_answer(%(booking)s)::text"
    return await reply(request, await ask_as_buyer(request, question, {"booking": booking_id}))


@router.post("/bookings/{booking_id}/extend", **selling(answers.Booking, *WRITES, session="buyer"))
async def extend_hold(request: Request, booking_id: BookingInPath, idempotency_key: IdempotencyKey) -> Response:
    """Hold for longer."""
    values = {"booking": booking_id, "key": idempotency_key}
    return await _book(request, "box_office.extend_once(%(booking)s, %(key)s)", values)


@router.post("/bookings/{booking_id}/pay", **selling(answers.PaymentOutcome, *WRITES, session="buyer"))
async def pay_booking(
    request: Request, booking_id: BookingInPath, body: Pay, idempotency_key: IdempotencyKey
) -> Response:
    """Pay a booking, which confirms it. Its tickets are issued as soon as the provider has the money."""
    return await pay(request, body, idempotency_key, booking_id=booking_id)


@router.post("/bookings/{booking_id}/cancel", **selling(answers.Booking, *WRITES, session="buyer"))
async def cancel_booking(request: Request, booking_id: BookingInPath, idempotency_key: IdempotencyKey) -> Response:
    """Give back seats that are held."""
    values = {"booking": booking_id, "key": idempotency_key}
    return await _book(request, "box_office.cancel_once(%(booking)s, %(key)s)", values)


async def _book(request: Request, booking: LiteralString, values: dict[str, Any], status: int = 200) -> Response:
    question: LiteralString = f"select box_office.booking_answer({booking})::text"
    told = await ask_as_buyer(request, question, values, write=True)
    return await reply(request, told, status=status)
