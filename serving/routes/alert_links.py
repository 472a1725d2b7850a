"""What a signed link in a message does without a key: stop one alert, or show the feed."""

from datetime import UTC, datetime
from html import escape
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.responses.link_pages import link_page
from serving.responses.problems import Problem
from serving.routes.alert_destinations import in_thread
from tickettape.price_alerts import name_of_rule, read_feed, stop_rule

router = APIRouter(prefix="/alerts", include_in_schema=False)

Signature = Annotated[str, Query(max_length=100)]


@router.get("/stop")
async def ask_to_stop(request: Request, rule: UUID, signature: Signature) -> Response:
    """Ask whether to stop. A GET changes nothing, because mail scanners follow links."""
    settings = request.app.state.settings
    try:
        name = await in_thread(request, lambda connection: name_of_rule(connection, settings, rule, signature))
    except Problem as problem:
        return link_page("Price alert", f"<p>{escape(problem.detail)}</p>", problem.status)
    button = '<form method="post"><button>Stop this alert</button></form>'
    return link_page("Stop a price alert", f"<p>{escape(name)}</p>{button}")


@router.post("/stop")
async def stop(request: Request, rule: UUID, signature: Signature) -> Response:
    """Stop an alert: the button of the page, or one click in a mail program (RFC 8058)."""
    settings = request.app.state.settings
    try:
        name = await in_thread(request, lambda connection: stop_rule(connection, settings, rule, signature))
    except Problem as problem:
        return link_page("Price alert", f"<p>{escape(problem.detail)}</p>", problem.status)
    return link_page("Stopped", f"<p>{escape(name)} tells nothing any more. You can start it again at /alerts.</p>")


@router.get("/feed/{tenant_id}")
async def feed(request: Request, tenant_id: UUID, signature: Signature) -> Response:
    """A tenant's Atom feed."""
    settings = request.app.state.settings
    atom = await in_thread(
        request, lambda connection: read_feed(connection, settings, tenant_id, signature, datetime.now(UTC))
    )
    return Response(atom, media_type="application/atom+xml", headers={"cache-control": "private, max-age=60"})
