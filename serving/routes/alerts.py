"""Routes of price alerts: rules, what they told and would have told. Row-level security keeps tenants apart."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

import orjson
import psycopg
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from serving.answers import alerts as answers
from serving.database import Database
from serving.openapi import answering_json
from serving.responses.problems import Problem, no_such_event
from tickettape.listing_history import STATES_QUERY
from tickettape.price_alerts import (
    PAST_EVENTS_QUERY,
    PLACES_QUERY,
    RULE_FIELDS,
    TERMS_QUERY,
    PastEvent,
    RuleForm,
    feed_address,
    history_values,
    preview_events,
    preview_values,
)

PREFIX = "/api/alerts"

router = APIRouter(prefix=PREFIX, tags=["alerts"])

MOST_PREVIEWED = 200
NO_STORE = {"cache-control": "no-store"}

RuleIdInPath = Annotated[UUID, Path(description="The rule's `rule_id`.", examples=[answers.RULE_ID])]

_COLUMNS: LiteralString = ", ".join(("rule_id", *RULE_FIELDS, "created_at", "updated_at"))
_RULES: LiteralString = f"select {_COLUMNS} from api.alert_rules as rules"  # noqa: S608
_ADD: LiteralString = f"""insert into api.alert_rules ({", ".join(RULE_FIELDS)})
    values ({", ".join(f"%({name})s" for name in RULE_FIELDS)}) returning {_COLUMNS}"""  # noqa: S608
_CHANGE: LiteralString = f"""update api.alert_rules as rules
    set {", ".join(f"{name} = %({name})s" for name in RULE_FIELDS)}
    where rules.rule_id = %(rule_id)s returning {_COLUMNS}"""  # noqa: S608
_HISTORY: LiteralString = """select * from api.alert_history as told
    where (%(rule_id)s::uuid is null or told.rule_id = %(rule_id)s::uuid)
        and (%(event_id)s::uuid is null or told.event_id = %(event_id)s::uuid)
        and (%(before)s::bigint is null or told.occasion_id < %(before)s::bigint)
    order by told.occasion_id desc limit %(limit)s"""


class HistoryQuery(BaseModel):
    """The parameters of the history."""

    model_config = ConfigDict(extra="forbid")

    rule_id: UUID | None = Field(default=None, description="Only of this rule.")
    event_id: UUID | None = Field(default=None, description="Only about this event.")
    before: int | None = Field(default=None, ge=1, le=2**62, description="The `next_before` of the previous page.")
    limit: int = Field(default=100, ge=1, le=1_000, description="The most rows.")


@router.get("", **answering_json(answers.AlertRules, "/api/alerts"))
async def list_alerts(request: Request) -> Response:
    """The rules of price alerts, the newest first, and the address of their feed."""
    rules = await rows(request, f"{_RULES} order by rules.created_at desc, rules.rule_id", {})
    tenant_id = await tenant_of(request)
    feed = feed_address(request.app.state.settings, tenant_id) if tenant_id else None
    return said({"data": rules, "feed": feed})


@router.post("", status_code=201, **answering_json(answers.AlertRule, "/api/alerts", 201))
async def add_alert(request: Request, form: RuleForm) -> Response:
    """Add a rule. It tells from the next capture on."""
    refuse_everybodys_key(request)
    (rule,) = await rows(request, _ADD, form.model_dump(), writes=True)
    return said(rule, 201, location=f"{request.url.path}/{rule['rule_id']}")


@router.get("/history", **answering_json(answers.AlertHistory, "/api/alerts/history?limit=20"))
async def list_alert_history(request: Request, query: Annotated[HistoryQuery, Query()]) -> Response:
    """What rules came to, the newest first: what was told, what was not and why, delivered or not."""
    found = await rows(request, _HISTORY, query.model_dump())
    return said({"data": found, "next_before": found[-1]["occasion_id"] if len(found) == query.limit else None})


@router.post("/preview", **answering_json(answers.AlertPreview, "/api/alerts/preview", 404))
async def preview_alert(request: Request, form: RuleForm) -> Response:
    """What a rule would have told in the last 30 days, without storing it. Of a rule about many events, only the next
    ones are tried, as `events_tried` says."""
    values = preview_values(form, datetime.now(UTC))
    events = [PastEvent(*row) for row in await rows_of(request, PAST_EVENTS_QUERY, values)]
    if not events and form.event_id is not None:
        raise no_such_event(form.event_id)
    places = await rows_of(request, PLACES_QUERY, {"event_keys": [one.event_key for one in events]})
    terms = await rows_of(request, TERMS_QUERY, {})
    changes = [await rows_of(request, STATES_QUERY, history_values(values, one)) for one in events]
    # a month of captures takes seconds, and others ask meanwhile
    found = await asyncio.to_thread(preview_events, form, values, events, places, terms, changes)
    told = [
        {
            "event_id": event.event_id,
            "event": event.name,
            "timestamp": one.tick,
            "price": None if one.cents is None else one.cents / 100,
            "currency": event.currency,
            "section": place.section if place else None,
            "seat_row": one.listing.row if one.listing else None,
            "quantity": one.listing.quantity if one.listing else None,
            "tickets_left": one.tickets,
        }
        for event, one, place in found.told[-MOST_PREVIEWED:]
    ]
    return said(
        {
            "since": values["first"],
            "events": events[0].events if events else 0,
            "events_tried": len(events),
            "captures": found.captures,
            "basis_known": found.stated,
            "told": len(found.told),
            "left_out": found.left_out,
            "data": told,
        }
    )


@router.get("/{rule_id}", **answering_json(answers.AlertRule, f"/api/alerts/{answers.RULE_ID}", 404))
async def get_alert(request: Request, rule_id: RuleIdInPath) -> Response:
    """One rule."""
    return said(await _rule(request, rule_id))


@router.patch("/{rule_id}", **answering_json(answers.AlertRule, f"/api/alerts/{answers.RULE_ID}", 404))
async def change_alert(request: Request, rule_id: RuleIdInPath, changes: dict[str, Any]) -> Response:
    """Change the fields of a rule that are sent. A rule that now says something else has told nothing yet."""
    refuse_everybodys_key(request)
    stored = await _rule(request, rule_id)
    whole = {name: stored[name] for name in RULE_FIELDS} | changes
    unknown = changes.keys() - set(RULE_FIELDS)
    if unknown:
        raise Problem(422, f"A rule has no field {', '.join(sorted(unknown))}. /docs/api describes the fields.")
    try:
        form = RuleForm.model_validate_json(orjson.dumps(whole, default=float))
    except ValidationError as error:
        raise Problem(422, "; ".join(one["msg"] for one in error.errors()) + ".") from None
    found = await rows(request, _CHANGE, form.model_dump() | {"rule_id": rule_id}, writes=True)
    if not found:
        raise _no_such_rule(rule_id)
    return said(found[0])


@router.delete("/{rule_id}", status_code=204, **answering_json(None, f"/api/alerts/{answers.RULE_ID}", 404))
async def remove_alert(request: Request, rule_id: RuleIdInPath) -> Response:
    """Remove a rule with its history."""
    refuse_everybodys_key(request)
    gone: LiteralString = (
        "delete from api.alert_rules as rules where rules.rule_id = %(rule_id)s returning rules.rule_id"
    )
    if not await rows(request, gone, {"rule_id": rule_id}, writes=True):
        raise _no_such_rule(rule_id)
    return Response(status_code=204, headers=NO_STORE)


async def _rule(request: Request, rule_id: UUID) -> dict[str, Any]:
    found = await rows(request, f"{_RULES} where rules.rule_id = %(rule_id)s", {"rule_id": rule_id})
    if not found:
        raise _no_such_rule(rule_id)
    return found[0]


def _no_such_rule(rule_id: UUID) -> Problem:
    return Problem(404, f"There is no rule {rule_id}. GET /api/alerts lists the rules of your key.")


def refuse_everybodys_key(request: Request) -> None:
    """Raise Problem 403 if the key is the one that the pages give to everybody, on a real market."""
    if getattr(request.app.state, "everybodys_key", None) == request.state.key_sha256:
        raise Problem(403, "This key is everybody's, so it cannot write. Ask the operator for a key of your own.")


async def tenant_of(request: Request) -> UUID | None:
    """The tenant of the request's key."""
    ((tenant_id,),) = await rows_of(request, "select access.tenant()", {})
    return UUID(str(tenant_id)) if tenant_id else None


async def rows_of(
    request: Request, question: LiteralString, values: Mapping[str, Any], *, writes: bool = False
) -> list[tuple[Any, ...]]:
    """The rows of a statement for the request's tenant. Raises Problem for what a constraint refuses."""
    database: Database = request.app.state.database
    try:
        cursor = await database.ask(request.state.key_sha256, question, values, writes=writes)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Problem(403, "This key may not write.") from error
    except psycopg.errors.IntegrityError as error:
        raise Problem(422, f"The rule cannot be stored: {error.diag.message_primary}.") from error
    request.state.columns = [column.name for column in cursor.description or ()]
    return await cursor.fetchall()


async def rows(
    request: Request, question: LiteralString, values: Mapping[str, Any], *, writes: bool = False
) -> list[dict[str, Any]]:
    """The same, each row with its names."""
    found = await rows_of(request, question, values, writes=writes)
    return [dict(zip(request.state.columns, row, strict=True)) for row in found]


def said(answer: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """An answer as JSON, which nobody keeps."""
    return Response(orjson.dumps(answer, default=float), status, NO_STORE | headers, "application/json")
