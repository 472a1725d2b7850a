"""What the link in a notice does without a login: end mail about waitlists, or take that back."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.responses.link_pages import link_page
from serving.routes.box_office.replies import desk_of
from tickettape.box_office import UNSUBSCRIBE

RESUBSCRIBE = "/box-office/resubscribe"  # a path of its own: no body of a mail program's one click can ask for it

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Query(max_length=100)]


@router.get(UNSUBSCRIBE)
@router.get(RESUBSCRIBE)
async def show_choice(request: Request, token: Token) -> Response:
    """Show what the buyer gets, and offer to change it. A GET changes nothing, because mail scanners follow links."""
    return await _page(request, token, wanted=None)


@router.post(UNSUBSCRIBE)
async def unsubscribe(request: Request, token: Token) -> Response:
    """End it: the button of the page, or one click in a mail program (RFC 8058)."""
    return await _page(request, token, wanted=False)


@router.post(RESUBSCRIBE)
async def resubscribe(request: Request, token: Token) -> Response:
    """Take it back: the button of the page. The token is the right, so no other site can ask for it."""
    return await _page(request, token, wanted=True)


async def _page(request: Request, token: str, *, wanted: bool | None) -> Response:
    """Change what the buyer gets unless `wanted` is None, and say what it is now."""
    question = "select box_office.waitlist_mail(%(token)s, %(wanted)s)"
    gets = await desk_of(request).one(question, {"token": token, "wanted": wanted}, write=wanted is not None)
    if gets is None:
        return link_page(
            "Mail about waitlists", "<p>This link is not valid. Copy the whole link from the message.</p>", 404
        )
    if gets:
        return link_page(
            "You get mail about waitlists",
            "<p>We write when tickets that you wait for are held for you.</p>"
            + _button(UNSUBSCRIBE, token, "Send me no more mail about waitlists"),
        )
    return link_page(
        "No more mail about waitlists",
        "<p>You keep your place on every waitlist: look at the site for what is offered to you. You still get mail "
        "about your money.</p>" + _button(RESUBSCRIBE, token, "Send me mail about waitlists again"),
    )


def _button(path: str, token: str, words: str) -> str:
    """A form to a page beside this one, wherever a proxy shows them."""
    beside = path.rpartition("/")[2]
    return f'<form method="post" action="{beside}?token={quote(token)}"><button>{words}</button></form>'
