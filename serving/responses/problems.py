"""Refusals and failures as application/problem+json (RFC 9457): what happened, and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout
from starlette.responses import Response

from tickettape.database import refusal_of

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818  RFC 9457 calls it so
    """A refusal or a failure, to be returned as the response."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """The problem as a response. No cache may keep it."""
        body = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        body |= {"detail": self.detail} | self.more
        headers = {"cache-control": "no-store"} | self.headers
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'ApiKey realm="tickettape", header="X-API-Key"'
        return Response(orjson.dumps(body), self.status, headers, MEDIA_TYPE)


def no_such_event(event_id: UUID) -> Problem:
    """The refusal of an event that does not exist, or that the key may not see."""
    return Problem(404, f"There is no event {event_id}. GET /api/events lists the events that your key may see.")


def of_database(error: Exception) -> Problem | None:
    """What a database error means to the client; None if the fault is ours."""
    if isinstance(error, errors.QueryCanceled):
        return Problem(422, "The query took too long and was cancelled. Ask for one zone, or for a shorter range.")
    if isinstance(error, PoolTimeout):
        return Problem(
            503,
            "All connections to the database are busy. Try again after the seconds in Retry-After.",
            headers={"retry-after": "2"},
        )
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("PT"):
        told = " ".join(filter(None, [error.diag.message_primary, error.diag.message_hint]))
        return Problem(int((error.sqlstate or "PT500")[2:]), told)
    if isinstance(error, errors.UndefinedFunction | errors.InvalidSchemaName):
        detail = "Schema api does not exist yet. The first tick creates it (`make tick`)."
        return Problem(503, detail, headers={"retry-after": "30"})
    if isinstance(error, errors.DataError):  # a year beyond the calendar, a character that no text can hold
        return Problem(422, f"The database cannot read a value: {error.diag.message_primary}.")
    refusal = refusal_of(error)
    if refusal:  # the server's message can name hosts and users, so it is only in the log
        return Problem(503, f"{refusal.what} Try again later.", headers={"retry-after": "5"})
    if isinstance(error, psycopg.OperationalError):
        return Problem(503, "The database cannot answer now. Try again later.", headers={"retry-after": "5"})
    return None
