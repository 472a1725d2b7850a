"""The OpenAPI documentation of each response: its schema, an example, and requests in JavaScript, Python and cURL."""

from typing import Any

from serving import formats

_EVENT = "9f0c6c1e-4c51-4f0e-9c26-6a1d2f7c0b11"
_PROBLEM = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "What happened, and what to do next."},
                "errors": {"type": "array", "items": {"type": "object"}},
            },
        }
    }
}
_MONEY = {"type": ["number", "null"], "description": "Per ticket, in the event's currency."}
_COUNT = {"type": ["integer", "null"]}
_POINT = {
    "timestamp": {"type": "string", "format": "date-time", "description": "Start of the UTC hour or day."},
    "zone": {"type": "string"},
    "observed": {"type": "boolean", "description": "Whether the event had an ok capture then. If not, there is a gap."},
}
_SERIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "price-trends": (
        {"min_price": _MONEY, "avg_price": _MONEY, "max_price": _MONEY},
        {"min_price": 120.0, "avg_price": 154.31, "max_price": 410.0},
    ),
    "group-prices": (
        {"price_1": _MONEY, "price_2": _MONEY, "price_4": _MONEY},
        {"price_1": 131.0, "price_2": 120.0, "price_4": None},
    ),
    "ticket-counts": (
        {
            "total_tickets": _COUNT | {"description": "The count at the hour's last ok capture; null by day."},
            "total_listings": _COUNT | {"description": "The count at the hour's last ok capture; null by day."},
            "avg_tickets": {"type": ["number", "null"]},
            "peak_tickets": _COUNT,
            "min_tickets": _COUNT,
        },
        {"total_tickets": 84, "total_listings": 31, "avg_tickets": 86.5, "peak_tickets": 90, "min_tickets": 84},
    ),
}


def of_series(name: str) -> dict[str, Any]:
    """The documentation of a series' route."""
    columns, example = _SERIES[name]
    envelope = {
        "event_id": {"type": "string", "format": "uuid"},
        "zone": {"type": ["string", "null"]},
        "start_date": {"type": "string", "format": "date-time"},
        "end_date": {"type": "string", "format": "date-time"},
        "granularity": {"enum": ["hour", "day"]},
        "basis": {"enum": ["before_fees", "all_in"]},
        "currency": {
            "type": ["string", "null"],
            "description": "ISO 4217; null until the event has been captured or imported.",
        },
        "fill": {"type": "boolean"},
        "next_cursor": {"type": ["string", "null"]},
        "data": {"type": "array", "items": _object(_POINT | columns)},
    }
    point = {"timestamp": "2026-11-20T12:00:00+00:00", "zone": "Lower Bowl", "observed": True} | example
    answer = {
        "event_id": _EVENT,
        "zone": "Lower Bowl",
        "start_date": "2026-11-14T00:00:00Z",
        "end_date": "2026-11-20T23:59:59.999999Z",
        "granularity": "hour",
        "basis": "before_fees",
        "currency": "USD",
        "fill": False,
        "next_cursor": None,
        "data": [point],
    }
    query = f"event_id={_EVENT}&zone=Lower%20Bowl&start_date=2026-11-14&end_date=2026-11-20"
    return _documented(_object(envelope), answer, f"/api/analytics/{name}?{query}", 404, 406)


def of_events() -> dict[str, Any]:
    """The documentation of the search for events."""
    schema = _object(
        {"data": {"type": "array", "items": {"type": "object"}}, "next_cursor": {"type": ["string", "null"]}}
    )
    answer = {"data": [_EVENT_EXAMPLE], "next_cursor": None}
    return _documented(schema, answer, "/api/events?city=Chicago&date_from=2026-12-01&sort=date", 406)


def of_event() -> dict[str, Any]:
    """The documentation of one event."""
    more = {
        "last_ok_at": "2026-11-20T12:50:00Z",
        "first_date": "2026-11-01",
        "zones": 6,
        "available_zones": 5,
        "lowest_price": 64.0,
        "total_tickets": 512,
        "total_listings": 180,
    }
    return _documented({"type": "object"}, _EVENT_EXAMPLE | more, f"/api/events/{_EVENT}", 404, 406)


def of_zones() -> dict[str, Any]:
    """The documentation of an event's zones."""
    zone = {
        "zone": "Lower Bowl",
        "display_name": "Lower Bowl",
        "display_order": 0,
        "sections": ["1", "2"],
        "available": True,
        "lowest_price": 120.0,
        "total_tickets": 84,
        "total_listings": 31,
    }
    return _documented(_rows(), {"data": [zone]}, f"/api/events/{_EVENT}/zones", 404, 406)


def of_latest() -> dict[str, Any]:
    """The documentation of the latest prices."""
    price = {
        "event_id": _EVENT,
        "zone": "Lower Bowl",
        "available": True,
        "section": "107",
        "lowest_price": 120.0,
        "average_price": 154.31,
        "total_tickets": 84,
        "total_listings": 31,
        "timestamp": "2026-11-20T12:50:00Z",
        "last_price": 120.0,
        "last_priced_at": "2026-11-20T12:50:00Z",
    }
    return _documented(_rows(), {"data": [price]}, f"/api/events/{_EVENT}/latest", 404, 406)


def of_stream() -> dict[str, Any]:
    """The documentation of the stream. Its response never ends, and is not JSON."""
    documented = _documented({}, None, f"/api/events/{_EVENT}/stream", 404)
    documented["responses"][200] = {
        "description": "Events named `latest`, with the same `{event_id, data}` as `/latest`. A `problem` ends the "
        "stream.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
    del documented["responses"][304]
    return documented


def code(path: str) -> list[dict[str, str]]:
    """Code samples that request a path, in three languages."""
    base, _, query = path.partition("?")
    return [
        {"lang": "Shell", "label": "cURL", "source": f'curl -H "X-API-Key: $KEY" "http://localhost:5000{path}"'},
        {
            "lang": "JavaScript",
            "source": f"const response = await fetch('http://localhost:5000{path}', "
            "{headers: {'X-API-Key': key}});\nconst {data} = await response.json();",
        },
        {
            "lang": "Python",
            "source": f'import httpx\n\nresponse = httpx.get("http://localhost:5000{base}"'
            + (f', params="{query}"' if query else "")
            + ', headers={"X-API-Key": key})\nresponse.raise_for_status()\nrows = response.json()',
        },
    ]


def problem(description: str) -> dict[str, Any]:
    """A refusal, as OpenAPI documents one."""
    return {"description": description, "content": _PROBLEM}


REFUSALS = {
    400: "The request cannot be read.",
    401: "The key is missing, unknown or revoked.",
    404: "There is no such event or zone, or the key may not see it.",
    405: "This path is read-only.",
    406: "The Accept header names no available format.",
    422: "A parameter is invalid, or the request is too large. `detail` says which, and what to do.",
    429: "The key has used up its requests for this minute. `Retry-After` says how long to wait.",
    503: "The database is busy or cannot be reached.",
}


def _documented(schema: dict[str, Any], example: Any, path: str, *refusals: int) -> dict[str, Any]:
    content: dict[str, Any] = {formats.JSON: {"schema": schema, "example": example}}
    content |= {
        formats.CSV: {"schema": {"type": "string"}},
        formats.PARQUET: {"schema": {"type": "string", "format": "binary"}},
    }
    responses: dict[int, dict[str, Any]] = {
        200: {"description": "The response.", "content": content},
        304: {"description": "The data has not changed since the ETag in `If-None-Match`."},
    }
    responses |= {status: problem(REFUSALS[status]) for status in sorted({400, 401, 422, 429, 503, *refusals})}
    return {"responses": responses, "openapi_extra": {"x-codeSamples": code(path)}}


def _rows() -> dict[str, Any]:
    return _object({"data": {"type": "array", "items": {"type": "object"}}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_EVENT_EXAMPLE = {
    "id": _EVENT,
    "source": "vividseats",
    "external_id": "5990417",
    "name": "Chicago Bulls vs. Boston Celtics",
    "venue": "United Center",
    "city": "Chicago",
    "state": "IL",
    "country": "US",
    "venue_time_zone": "America/Chicago",
    "date": "2026-12-05T01:00:00Z",
    "date_status": "known",
    "category": "NBA",
    "performer_id": "156",
    "performer_name": "Chicago Bulls",
    "image_url": None,
    "active": True,
    "last_scraped": "2026-11-20T12:50:03Z",
    "currency": "USD",
}
