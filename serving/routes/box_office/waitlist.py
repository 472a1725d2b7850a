"""Routes of the waitlist."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import selling
from serving.requests.purchases import EventInPath, IdempotencyKey, JoinWaitlist, WaitlistInPath
from serving.routes.box_office.replies import ask_as_buyer, only_one, reply

router = APIRouter()


@router.post(
    "/events/{event_id}/waitlist", **selling(answers.WaitlistEntry, 401, 403, 404, status=201, session="buyer")
)
async def join_waitlist(
    request: Request, event_id: EventInPath, body: JoinWaitlist, idempotency_key: IdempotencyKey
) -> Response:
    """Wait until something comes free. Whoever already waits keeps their place."""
    told = await ask_as_buyer(
        request,
        """select box_office.waitlist_answer(box_office.join_waitlist_once(%(event)s, %(tier_id)s::bigint,
               %(quantity)s::integer, %(section_preference)s, %(max_price)s, %(key)s))::text""",
        body.model_dump() | {"event": event_id, "key": idempotency_key},
        write=True,
    )
    return await reply(request, only_one(told, "You wait for nothing here."), status=201)


@router.get("/waitlist", **selling(answers.Waitlist, 401, session="buyer"))
async def list_waitlist(request: Request) -> Response:
    """What the buyer waits for, and what is offered."""
    told = await ask_as_buyer(request, "select box_office.waitlist_answer(null)::text")
    return await reply(request, told)


@router.delete("/waitlist/{waitlist_id}", **selling(None, 401, 403, 404, session="buyer"))
async def leave_waitlist(request: Request, waitlist_id: WaitlistInPath, idempotency_key: IdempotencyKey) -> Response:
    """Wait no longer. What is still offered becomes free."""
    await ask_as_buyer(
        request,
        "select box_office.leave_waitlist(%(entry)s, %(key)s)",
        {"entry": waitlist_id, "key": idempotency_key},
        write=True,
    )
    return Response(status_code=204)
