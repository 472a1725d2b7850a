"""Routes of a buyer's tickets, and their QR codes as pictures."""

import io
from typing import Annotated, Any

import orjson
import segno
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import picturing, selling
from serving.requests.purchases import TicketInPath, TicketsQuery
from serving.routes.box_office.replies import FRESH, ask_as_buyer, only_one, reply

router = APIRouter()

MOST_TICKETS = 500
PIXELS = 10  # for each module of the code: sharp on a phone, and on paper
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # an SVG that is opened by itself runs nothing


@router.get("/tickets", **selling(answers.Tickets, 401, session="buyer"))
async def list_tickets(request: Request, query: Annotated[TicketsQuery, Query()]) -> Response:
    """The buyer's tickets, the soonest event first."""
    question = "select box_office.tickets_answer(null, %(upcoming)s, %(most)s)::text"
    values = {"upcoming": query.upcoming, "most": MOST_TICKETS}
    return await reply(request, await ask_as_buyer(request, question, values))


@router.get("/tickets/{ticket_id}", **selling(answers.Ticket, 401, 404, session="buyer"))
async def get_ticket(request: Request, ticket_id: TicketInPath) -> Response:
    """One of the buyer's tickets."""
    return await reply(request, await _ticket(request, ticket_id))


@router.get("/tickets/{ticket_id}/qr.svg", **picturing("image/svg+xml"))
async def get_ticket_qr_svg(request: Request, ticket_id: TicketInPath) -> Response:
    """A ticket's QR code, as a drawing."""
    out = io.BytesIO()
    (await _code(request, ticket_id)).save(out, kind="svg", scale=PIXELS, omitsize=True, xmldecl=False)
    headers = {"cache-control": FRESH, "content-security-policy": _POLICY}
    return Response(out.getvalue(), 200, headers, "image/svg+xml")


@router.get("/tickets/{ticket_id}/qr.png", **picturing("image/png"))
async def get_ticket_qr_png(request: Request, ticket_id: TicketInPath) -> Response:
    """A ticket's QR code, as a picture."""
    out = io.BytesIO()
    (await _code(request, ticket_id)).save(out, kind="png", scale=PIXELS)
    return Response(out.getvalue(), 200, {"cache-control": FRESH}, "image/png")


async def _code(request: Request, ticket_id: int) -> Any:
    ticket = orjson.loads(await _ticket(request, ticket_id))
    return segno.make_qr(ticket["qr_code"], error="m")


async def _ticket(request: Request, ticket_id: int) -> str:
    question = "select box_office.tickets_answer(%(ticket)s, false, 1)::text"
    told = await ask_as_buyer(request, question, {"ticket": ticket_id})
    return only_one(told, f"You have no ticket {ticket_id}.")
