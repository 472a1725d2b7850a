"""A box office that is served: buyers and promoters with a session, over real HTTP."""

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.box_office import BoxOffice

PREFIX = "/api/box-office"


@dataclass
class Client:
    """Somebody who is logged in. Paths are those after /api/box-office."""

    http: httpx.Client
    token: str | None
    user_id: int | None = None

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(PREFIX + path, params=query or None, headers=self._headers())

    def post(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None, method: str = "POST"
    ) -> httpx.Response:
        """A write, under a key of its own unless one is given."""
        headers = self._headers() | {"idempotency-key": key or str(uuid.uuid4())}
        return self.http.request(method, PREFIX + path, json={} if body is None else body, headers=headers)

    def made(self, path: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
        """What a write answers, which must succeed."""
        answer = self.post(path, body, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def read(self, path: str, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.is_success, answer.text
        return answer.json()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def log_in(office: BoxOffice, user_id: int, *, seconds: int = 3_600) -> str:
    """A session of a user, without the work of a password; its token."""
    token = secrets.token_urlsafe()
    hashed = hashlib.sha256(token.encode()).digest()
    office.one("select open_session(%s, %s, %s)", user_id, hashed, seconds)
    office.do("reset box_office.user_id")
    return token


@dataclass
class Shop:
    """The service, and the database behind it."""

    office: BoxOffice
    http: httpx.Client

    def nobody(self) -> Client:
        return Client(self.http, None)

    def buyer(self, http: httpx.Client | None = None) -> Client:
        user = self.office.user()
        return Client(http or self.http, log_in(self.office, user), user)

    def promoter(self) -> Client:
        client = self.buyer()
        self.office.one("select make_promoter(%s, 'Sample Promotions')", client.user_id)
        return client

    def of(self, promoter: Client) -> int:
        """The promoter's number."""
        return int(self.office.one("select id from promoters where user_id = %s", promoter.user_id))


@contextmanager
def shopping(office: BoxOffice, url: str) -> Iterator[Shop]:
    with httpx.Client(base_url=url, timeout=60) as http:
        yield Shop(office, http)
