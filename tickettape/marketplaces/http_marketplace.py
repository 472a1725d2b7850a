"""The base class for every `Marketplace` over HTTP. Paths, and the reading of answers, belong in its own folder."""

from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from tickettape.marketplaces.http_client import SIMULATOR_TIME_HEADER, PacedHttpClient


class HttpMarketplace:
    """The part of a `Marketplace` that its HTTP client does. Subclass it, and use it as `async with`.

    Its source is the client's. It knows the past if a simulator answers.
    """

    first_rule: tuple[str, str] | None = None
    paced = True
    requests_per_poll = 1
    zones_need_two_answers = False

    def __init__(self, http: PacedHttpClient) -> None:
        self._http = http
        self.source = http.source
        self.knows_the_past = http.simulated

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent so far; see `Marketplace.requests`."""
        return self._http.requests

    def _time(self, at: datetime | None) -> dict[str, str]:
        """The header that tells a simulator which time it is asked about; no other marketplace gets it."""
        return {SIMULATOR_TIME_HEADER: at.astimezone(UTC).isoformat()} if at and self.knows_the_past else {}

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(exc_type, exc, traceback)
