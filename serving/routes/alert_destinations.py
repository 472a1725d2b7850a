"""Routes of where price alerts are told. Sending takes a while: it has a connection of its own, in a thread."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import psycopg
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from serving.answers import alerts as answers
from serving.openapi import answering_json
from serving.responses.problems import Problem
from serving.routes.alerts import NO_STORE, RuleIdInPath, refuse_everybodys_key, rows, said, tenant_of
from tickettape.database import CONNECT_TIMEOUT_SECONDS, Connection
from tickettape.price_alerts import (
    DESTINATION_KINDS,
    AlertError,
    add_destination,
    remove_destination,
    send_test,
    verify_destination,
)

router = APIRouter(prefix="/api/alerts", tags=["alerts"])

T = TypeVar("T")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00/]*$")]
NameInPath = Annotated[Name, Path(description="The destination's `name`.", examples=["my phone"])]
_DESTINATIONS = "/api/alerts/destinations"


class NewDestination(BaseModel):
    """A destination to add."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="What you call it.", examples=["my phone"])
    kind: str = Field(description=f"What takes the message: {', '.join(DESTINATION_KINDS)}.", examples=["mail"])
    address: str = Field(
        max_length=1_000,
        description="The mail address, the webhook's URL, … It is stored encrypted and never shown again. "
        + "; ".join(f"{kind}: {example}" for kind, example in DESTINATION_KINDS.items()),
        examples=["ann@example.com"],
    )


class Code(BaseModel):
    """The code that was sent."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=20, description="The six digits of the message.", examples=["123456"])


@router.get("/destinations", **answering_json(answers.AlertDestinations, _DESTINATIONS))
async def list_alert_destinations(request: Request) -> Response:
    """Where this tenant is told, by name. Addresses are not shown."""
    found = await rows(request, "select * from api.alert_destinations as own order by own.name", {})
    return said({"data": found})


@router.post("/destinations", status_code=201, **answering_json(answers.NewAlertDestination, _DESTINATIONS, 201))
async def add_alert_destination(request: Request, asked: NewDestination) -> Response:
    """Add a destination. A code is sent to it, and nothing else until the code has been entered."""

    def add(connection: Connection, tenant_id: UUID) -> str | None:
        return add_destination(
            connection, request.app.state.settings, tenant_id, name=asked.name, kind=asked.kind, address=asked.address,
            now=datetime.now(UTC),
        )  # fmt: skip

    secret = await _done(request, add)
    (made,) = await rows(
        request, "select * from api.alert_destinations as own where own.name = %(name)s", {"name": asked.name}
    )
    return said(made | {"secret": secret}, 201)


@router.post("/destinations/{name}/verify", **answering_json(answers.AlertDestination, _DESTINATIONS))
async def verify_alert_destination(request: Request, name: NameInPath, given: Code) -> Response:
    """Enter the code that was sent to a destination."""
    await _done(
        request,
        lambda connection, tenant_id: verify_destination(
            connection, tenant_id, name, given.code, now=datetime.now(UTC)
        ),
    )
    (verified,) = await rows(
        request, "select * from api.alert_destinations as own where own.name = %(name)s", {"name": name}
    )
    return said(verified)


@router.delete("/destinations/{name}", status_code=204, **answering_json(None, _DESTINATIONS))
async def remove_alert_destination(request: Request, name: NameInPath) -> Response:
    """Erase a destination with its address. Its rules stay, and tell only in the history and the feed."""
    await _done(request, lambda connection, tenant_id: remove_destination(connection, tenant_id, name))
    return Response(status_code=204, headers=NO_STORE)


@router.post("/{rule_id}/test", status_code=204, **answering_json(None, f"/api/alerts/{answers.RULE_ID}/test", 404))
async def test_alert(request: Request, rule_id: RuleIdInPath) -> Response:
    """Send a test message of a rule to its destination."""
    await _done(
        request,
        lambda connection, tenant_id: send_test(
            connection, request.app.state.settings, tenant_id, rule_id, now=datetime.now(UTC)
        ),
    )
    return Response(status_code=204, headers=NO_STORE)


async def _done(request: Request, work: Callable[[Connection, UUID], T]) -> T:
    """Do work for the tenant of the key. Raises Problem 422 with what an AlertError says."""
    refuse_everybodys_key(request)
    tenant_id = await tenant_of(request)
    if tenant_id is None:
        raise Problem(403, "This key belongs to no tenant.")
    return await in_thread(request, lambda connection: work(connection, tenant_id))


async def in_thread(request: Request, work: Callable[[Connection], T]) -> T:
    """Do work on a connection of the service's own user, in a thread. Raises Problem 422 for an AlertError."""
    url: str = request.app.state.database_url

    def done() -> T:
        options: dict[str, Any] = {
            "autocommit": True,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": "-c timezone=UTC -c statement_timeout=10s -c lock_timeout=5s",
        }
        with psycopg.connect(url, application_name="tickettape-serving", **options) as connection:
            return work(connection)

    try:
        return await asyncio.to_thread(done)
    except AlertError as error:
        raise Problem(422, str(error)) from None
