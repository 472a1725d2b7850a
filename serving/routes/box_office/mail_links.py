"""What the link in a notice does without a login: end mail about waitlists."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.responses.link_pages import link_page
from serving.routes.box_office.replies import desk_of
from tickettape.box_office import UNSUBSCRIBE

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Query(max_length=100)]
_QUESTION = "select box_office.unsubscribe(%(token)s, %(certainly)s)"


@router.get(UNSUBSCRIBE)
async def ask_to_unsubscribe(request: Request, token: Token) -> Response:
    """Ask whether to end it. A GET changes nothing, because mail scanners follow links."""
    if not await desk_of(request).one(_QUESTION, {"token": token, "certainly": False}):
        return _unknown()
    return link_page(
        "Mail about waitlists", '<form method="post"><button>Send me no more mail about waitlists</button></form>'
    )


@router.post(UNSUBSCRIBE)
async def unsubscribe(request: Request, token: Token) -> Response:
    """End it: the button of the page, or one click in a mail program (RFC 8058)."""
    if not await desk_of(request).one(_QUESTION, {"token": token, "certainly": True}, write=True):
        return _unknown()
    return link_page(
        "No more mail about waitlists",
        "<p>You keep your place on every waitlist: look at the site for what is offered to you. You still get mail "
        "about your money.</p>",
    )


def _unknown() -> Response:
    return link_page(
        "Mail about waitlists", "<p>This link is not valid. Copy the whole link from the message.</p>", 404
    )
