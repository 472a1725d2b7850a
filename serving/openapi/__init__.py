"""The OpenAPI description: what each route documents, and the whole document."""

from typing import Any, get_args

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from serving import answers
from serving.answers import EVENT_ID
from serving.middleware import GUARDED, SELLING
from serving.openapi import box_office
from serving.openapi.code_samples import request_samples, stream_samples
from serving.responses import formats, problems

VERSION = "1.9"
DESCRIPTION = """
What tickets cost, when, and how many were left. Prices are per ticket, in the currency of their event. Times are UTC.

Send your key in the header `X-API-Key`; the box office needs none, and its buyers log in. Responses are JSON, CSV or
Parquet, depending on `Accept`. Errors are problem+json. With `ETag` and `If-None-Match`, data that has not changed is
not sent again. The `RateLimit-*` headers say how many requests are left in this minute.

**What may change.** Within version 1, what this document describes stays: paths, operations, parameters, fields, their
types and their meaning. New paths, optional parameters, fields, values of a field and media types may come at any time,
and raise the number after the point: ignore fields that you do not know. What is to go is marked `deprecated` here for
at least 90 days, and goes with version 2. The wording of `detail` and the contents of cursors and ETags may always
change.
"""

NOT_MODIFIED = "The data has not changed since the ETag in `If-None-Match`."
REFUSALS = {
    400: "The request cannot be read.",
    401: "The key is missing, unknown or revoked.",
    403: "The key may not write.",
    404: "There is no such event or zone, or the key may not see it.",
    406: "The Accept header names no available format.",
    413: "The request has a body that is too large. No path reads one.",
    414: "The URL is too long.",
    422: "A parameter is invalid, or the request is too large. `detail` says which, and what to do.",
    429: "The key has used up its requests for this minute, or has too many in progress or too many streams. "
    "`Retry-After` says how long to wait.",
    431: "The headers are too long.",
    503: "The database is busy or cannot be reached.",
}
_REFUSED_ANYWHERE = {400, 401, 413, 414, 422, 429, 431, 503}


def answering(model: type[BaseModel], path: str, *statuses: int) -> dict[str, Any]:
    """A route's documentation: its answer's schema and media types, its other statuses, and code that requests
    the example path.
    """
    example = example_of(model)
    row = example.get("data", [example])[0]
    content = {
        formats.JSON: {"example": example},
        formats.CSV: {
            "schema": {
                "type": "string",
                "description": "A header line and a line for each row of `data`, with the same fields. Instants are "
                "ISO 8601, null is empty, and the values of a list are separated by spaces. The header `Link` has "
                "the next page.",
            },
            "example": formats.csv_of([list(row), list(row.values())]),
        },
        formats.PARQUET: {
            "schema": {
                "type": "string",
                "format": "binary",
                "description": "A column for each field of `data`. Prices are decimals, instants are in UTC. The "
                "header `Link` has the next page.",
            }
        },
    }
    return {
        "response_model": model,
        "responses": {
            200: {"description": "The answer, in the format that `Accept` prefers.", "content": content},
            **_others(406, *statuses),
        },
        "openapi_extra": {"x-codeSamples": request_samples(path)},
    }


def answering_json(model: type[BaseModel] | None, path: str, *statuses: int) -> dict[str, Any]:
    """A route's documentation, if it answers with JSON only: its schema, or None if it answers with nothing."""
    done = 201 if 201 in statuses else 200 if model else 204
    refused = _others(*(status for status in statuses if status != done), 403)
    if model is None:
        return {"responses": {done: {"description": "It is done."}, **refused}}
    content = {formats.JSON: {"example": example_of(model)}}
    return {"response_model": model, "responses": {done: {"description": "The answer.", "content": content}, **refused}}


def streaming(path: str) -> dict[str, Any]:
    """The documentation of the stream, whose answer never ends."""
    data = orjson.dumps({"event_id": EVENT_ID} | example_of(answers.LatestPrices)).decode()
    content = {
        "schema": {
            "type": "string",
            "description": "Messages named `latest`. Their data is JSON: `event_id`, and `data` as in `LatestPrices`. "
            "A message named `problem`, with `status` and `detail`, ends the stream.",
        },
        "example": f"event: latest\nid: 5f0c1e\ndata: {data}\n\n",
    }
    answer = {"description": "Server-sent events.", "content": {"text/event-stream": content}}
    return {"responses": {200: answer} | _others(404), "openapi_extra": {"x-codeSamples": stream_samples(path)}}


def _others(*statuses: int) -> dict[int, dict[str, Any]]:
    """The answers without data: those of every path of the API, and these."""
    return {
        status: _problem(status) if status in REFUSALS else {"description": NOT_MODIFIED}
        for status in sorted({*_REFUSED_ANYWHERE, *statuses})
    }


def _problem(status: int) -> dict[str, Any]:
    example = orjson.loads(problems.Problem(status, REFUSALS[status]).response().body)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": REFUSALS[status], "content": {problems.MEDIA_TYPE: {"schema": schema, "example": example}}}


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's example: the first of each field's examples, and a row of each list of rows."""
    return {
        name: field.examples[0]
        if field.examples
        else [example_of(get_args(field.annotation)[0])]
        if field.is_required()
        else field.default
        for name, field in model.model_fields.items()
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once per application."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
            tags=[
                {"name": "events", "description": "Which events there are, and what they cost now."},
                {"name": "analytics", "description": "What an event's zones cost and held, by hour or day."},
                {"name": "box office", "description": "Tickets at first hand: what is for sale, buying, selling."},
                {"name": "alerts", "description": "What you want to be told about prices, and what you were told."},
                {"name": "forecasts", "description": "What prices may do, and how right that was."},
                {"name": "operations", "description": "For operators. No key is needed."},
            ],
        )
        components = document["components"]
        problem = answers.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        components["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`tickettape keys create`"},
            "bearer": {"type": "http", "scheme": "bearer", "description": "The same key"},
            **box_office.SCHEMES,
        }
        for path, operations in document["paths"].items():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    _without_null(parameter["schema"])
                    if parameter["name"] == "limit" and not path.startswith(SELLING):
                        parameter["schema"].setdefault("maximum", app.state.settings.row_cap)
                if path.startswith(GUARDED) and not path.startswith(SELLING):
                    operation["security"] = [{"key": []}, {"bearer": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _without_null(schema: dict[str, Any]) -> None:
    """A query has no null: a parameter is left out."""
    options = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
    schema.update(options[0] if len(options) == 1 else {"anyOf": options} if options else {})
