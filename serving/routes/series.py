"""The three analytics: price trends, group prices, ticket counts, by hour or day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, LiteralString
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving import answers, openapi
from serving.database import Database
from serving.limits.turns import LongTurns
from serving.requests import query_parameters
from serving.requests.query_parameters import PricedSeriesQuery, SeriesQuery
from serving.responses import formats
from serving.responses.etags import CACHE_CONTROL, client_has, etag_of, not_modified
from serving.responses.problems import Problem
from serving.responses.versions import version_of

router = APIRouter(prefix="/api/analytics", tags=["analytics"])

DEFAULT_RANGE = timedelta(days=7)
_EXAMPLE = f"event_id={answers.EVENT_ID}&zone=Lower%20Bowl&start_date=2026-11-14&end_date=2026-11-20"

_ARGUMENTS: LiteralString = """(
    event_id => %(event_id)s::uuid, zone => %(zone)s, start_date => %(start_date)s::timestamptz,
    end_date => %(end_date)s::timestamptz, granularity => %(granularity)s, fill => %(fill)s,
    after_timestamp => %(after_timestamp)s::timestamptz, after_zone => %(after_zone)s, max_rows => %(limit)s"""
_CALLS: dict[str, LiteralString] = {
    "price_trends": f"api.price_trends{_ARGUMENTS}, basis => %(basis)s)",
    **{
        name: f"api.{name}{_ARGUMENTS})"
        for name in (
            *("group_prices", "ticket_counts"),
            *("get_in", "price_distribution", "inventory_changes", "estimated_sales"),
        )
    },
    "days_on_market": """api.days_on_market(
        event_id => %(event_id)s::uuid, zone => %(zone)s, start_date => %(start_date)s::timestamptz,
        end_date => %(end_date)s::timestamptz, verdict => %(verdict)s,
        after_timestamp => %(after_timestamp)s::timestamptz, after_zone => %(after_zone)s, max_rows => %(limit)s)""",
    "price_spread": """api.price_spread(
        event_id => %(event_id)s::uuid, tickets => %(tickets)s::integer, basis => %(basis)s,
        start_date => %(start_date)s::timestamptz, end_date => %(end_date)s::timestamptz,
        granularity => %(granularity)s, fill => %(fill)s, after_timestamp => %(after_timestamp)s::timestamptz,
        max_rows => %(limit)s)""",
}


@router.get(
    "/price-trends", **openapi.answering(answers.PriceTrends, f"/api/analytics/price-trends?{_EXAMPLE}", 304, 404)
)
async def get_price_trends(request: Request, query: Annotated[PricedSeriesQuery, Query()]) -> Response:
    """Lowest, average and highest price."""
    return await answer(request, "price_trends", query)


@router.get(
    "/group-prices", **openapi.answering(answers.GroupPrices, f"/api/analytics/group-prices?{_EXAMPLE}", 304, 404)
)
async def get_group_prices(request: Request, query: Annotated[SeriesQuery, Query()]) -> Response:
    """Lowest price per ticket for exactly one, two and four together, before fees."""
    return await answer(request, "group_prices", query)


@router.get(
    "/ticket-counts", **openapi.answering(answers.TicketCounts, f"/api/analytics/ticket-counts?{_EXAMPLE}", 304, 404)
)
async def get_ticket_counts(request: Request, query: Annotated[SeriesQuery, Query()]) -> Response:
    """Tickets and listings. An observed hour in which a zone was sold out has 0."""
    return await answer(request, "ticket_counts", query)


async def answer(
    request: Request, name: str, query: SeriesQuery, head: Sequence[str] = ("zone", "basis", "fill"), **more: str | int
) -> Response:
    """A page of a series. `more`: other values that were asked for. `head`: what the answer states of them."""
    if query.limit <= query_parameters.DEFAULT_LIMIT:
        return await _read(request, name, query, head, more)
    turns: LongTurns = request.app.state.long_turns
    async with turns.turn(request.state.key_sha256):
        return await _read(request, name, query, head, more)


async def _read(request: Request, name: str, query: SeriesQuery, head: Sequence[str], more: dict[str, Any]) -> Response:
    database: Database = request.app.state.database
    key: bytes = request.state.key_sha256
    media_type = formats.accepted_media_type(request)
    now = datetime.now(UTC)
    values = _values(query, now, request.app.state.settings.row_cap) | more
    # the hour is part of the ETag: a range with an open end changes with the hour, even without new data
    about = [name, sorted(values.items()), media_type, now.replace(minute=0, second=0, microsecond=0)]
    known = request.headers.get("if-none-match")
    if known or media_type != formats.JSON:
        version = await version_of(database, key, query.event_id)
        # `*` is any version of a response that exists, which only the query knows
        if known and known != "*" and client_has(request, etag := etag_of(key, version, about)):
            return not_modified(etag)
    if media_type == formats.JSON:
        cursor = await database.ask(
            key,
            f"""select api.data_version(%(event_id)s::uuid),
                    api.granularity(%(granularity)s, %(start_date)s::timestamptz, %(end_date)s::timestamptz),
                    (select events.currency from market.events where events.id = %(event_id)s::uuid),
                    count(*), coalesce(json_agg(series)::text, '[]')
                from {_CALLS[name]} as series""",  # noqa: S608
            values,
        )
        version, granularity, currency, count, rows = await cursor.fetchone() or (None, "", None, 0, "[]")
        # json_agg puts each row in a line of its own, and JSON has no line breaks in text
        last = orjson.loads(rows[1:-1].rpartition("\n")[2]) if count == query.limit else None
        next_cursor = query_parameters.encode_cursor(last["timestamp"], last.get("zone") or "") if last else None
        stated = {name: values[name] for name in ("event_id", *head, "start_date", "end_date")}
        stated |= {"granularity": granularity, "currency": currency, "next_cursor": next_cursor}
        body = orjson.dumps(stated)
        body = body[:-1] + b',"data":' + rows.encode() + b"}"
    else:
        cursor = await database.ask(key, f"select * from {_CALLS[name]} as series", values)  # noqa: S608
        found, columns = await formats.rows_of(cursor), cursor.description or ()
        next_cursor = None
        names = [column.name for column in columns]
        if len(found) == query.limit:
            last = dict(zip(names, found[-1], strict=True))
            next_cursor = query_parameters.encode_cursor(last["timestamp"].isoformat(), last.get("zone") or "")
        if media_type == formats.CSV:
            body = await formats.as_csv(names, found)
        else:
            body = await formats.as_parquet([(column.name, column.type_code) for column in columns], found)
    etag = etag_of(key, version, about)
    if client_has(request, etag):
        return not_modified(etag)
    headers = {"etag": etag, "cache-control": CACHE_CONTROL}
    if next_cursor:
        headers["link"] = next_link(request, next_cursor)
    request.state.event_id = query.event_id
    return await formats.respond(request, body, media_type, headers)


def _values(query: SeriesQuery, now: datetime, row_cap: int) -> dict[str, Any]:
    """The values of the query, with all defaults filled in, so that equal requests get equal ETags."""
    if query.limit > row_cap:
        raise Problem(
            422, f"limit is {query.limit}, but a response has at most {row_cap} rows. Follow next_cursor for more."
        )
    after_timestamp, after_zone = query_parameters.decode_cursor(query.cursor, 2) if query.cursor else (None, None)
    end = query.end_date or now.replace(minute=0, second=0, microsecond=0)
    earliest = datetime.min.replace(tzinfo=UTC)
    start = query.start_date or (end - DEFAULT_RANGE if end - earliest > DEFAULT_RANGE else earliest)
    return query.model_dump(exclude={"cursor"}) | {
        "event_id": query.event_id,
        "start_date": start,
        "end_date": end,
        "after_timestamp": after_timestamp,
        "after_zone": after_zone,
        "basis": getattr(query, "basis", "before_fees"),
    }


def next_link(request: Request, cursor: str) -> str:
    """The Link header to the next page, for formats that have no place for a cursor."""
    query = urlencode([(k, v) for k, v in request.query_params.multi_items() if k != "cursor"] + [("cursor", cursor)])
    return f'<{request.url.path}?{query}>; rel="next"'
