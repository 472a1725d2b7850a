"""What the routes of the box office document."""

from types import UnionType
from typing import Any, Literal, get_args, get_origin

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from serving.responses import problems

SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "buyer": [{"session": []}, {"cookie": []}],
    "promoter": [{"session": []}, {"cookie": []}],
}
SCHEMES = {
    "session": {"type": "http", "scheme": "bearer", "description": "The `token` of POST /api/box-office/sessions"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tickettape_session",
        "description": "The same, as the pages of this service have it",
    },
}
REFUSALS = {
    400: "The request cannot be read, or its signature is wrong.",
    401: "There is no session, or it has ended.",
    403: "The session is that of somebody who may not do this, or the browser sends it for another site.",
    404: "There is no such thing, or it belongs to somebody else.",
    408: "The body does not arrive.",
    409: "The box office refuses. `kind` says why: `sold_out`, `taken`, `not_on_sale`, `expired`, `state`.",
    413: "The body is too large.",
    414: "The URL is too long.",
    422: "A value is invalid, or beyond a limit. `detail` says which, and what to do.",
    429: "Too many requests or attempts. `Retry-After` says how long to wait.",
    431: "The headers are too long.",
    503: "The database or the payment provider is busy or cannot be reached. Send the request again under its key.",
}
WRITES = (401, 403, 404, 409)
"""The statuses with which a write may be refused, in addition to those of every request."""
_ANYWHERE = {400, 413, 414, 422, 429, 431, 503}

_FILE_EXAMPLE = "section,row_number,seat_number,price\nS01,1,1,180.00\nS01,1,2,180.00\n"


def selling(
    model: type[BaseModel] | None,
    *refused: int,
    status: int = 200,
    session: Literal["buyer", "promoter"] | None = None,
) -> dict[str, Any]:
    """A route's documentation: its answer's schema, its refusals, and whose session it needs."""
    about: dict[str, Any] = {"status_code": status if model else 204, "responses": _refusals(*refused)}
    if model:
        about["response_model"] = model
        content = {"application/json": {"example": example_of(model)}}
        about["responses"][status] = {"description": "The answer.", "content": content}
    else:
        about["responses"][204] = {"description": "It is done."}
    about["openapi_extra"] = {"security": SECURITY[session] if session else []}
    return about


def taking_a_file(model: type[BaseModel], *refused: int) -> dict[str, Any]:
    """The documentation of the route that takes a file of seats."""
    about = selling(model, *refused, 408, status=201, session="promoter")
    schema = {
        "type": "string",
        "description": "A header line and a line for each seat. The price is that of the seat, such as 49.50.",
    }
    body = {"required": True, "content": {"text/csv": {"schema": schema, "example": _FILE_EXAMPLE}}}
    about["openapi_extra"]["requestBody"] = body
    return about


def picturing(media_type: str) -> dict[str, Any]:
    """The documentation of a route that answers with a picture."""
    about = selling(None, 401, 404, session="buyer")
    del about["responses"][204]
    about |= {"status_code": 200, "response_class": Response}  # so that no JSON is described
    schema = {"type": "string", "format": "binary", "description": "The picture."}
    about["responses"][200] = {"description": "The picture.", "content": {media_type: {"schema": schema}}}
    return about


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's example: the first of each field's, and otherwise a row of the model in it."""
    example = {}
    for name, field in model.model_fields.items():
        if field.examples:
            example[name] = field.examples[0]
        elif get_origin(field.annotation) is list:
            example[name] = [example_of(get_args(field.annotation)[0])]
        else:
            of = field.annotation
            example[name] = example_of(next(iter(get_args(of))) if isinstance(of, UnionType) else of)  # type: ignore[arg-type]
    return example


def _refusals(*statuses: int) -> dict[int, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/Problem"}
    answers = {}
    for status in sorted({*_ANYWHERE, *statuses} - {304}):
        example = orjson.loads(problems.Problem(status, REFUSALS[status]).response().body)
        content = {problems.MEDIA_TYPE: {"schema": schema, "example": example}}
        answers[status] = {"description": REFUSALS[status], "content": content}
    if 304 in statuses:
        answers[304] = {"description": "It has not changed since the ETag in `If-None-Match`."}
    return answers
