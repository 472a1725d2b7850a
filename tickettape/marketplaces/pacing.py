"""Decide when to retry a request and when to give up: the same for every marketplace.

A client turns each attempt into a `Reply`. Only the class of the reply decides what happens next, never an exception's
name. What a status code means belongs in the client. When a request may be sent is decided in `rate_limiter`, by the
budget and the breaker that all clients of a marketplace share.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import stamina

from tickettape.marketplaces.rate_limiter import NotGrantedError, RateLimiter, ReplySeen, RequestQueue

CONNECTIONS = 20  # httpx slows down past 20: 8.7 s for 1000 events at 20, 15.4 s at 50
DEADLINE_SECONDS = 30.0  # for all attempts at an event, so that a bad one does not delay the others
FIRST_BACKOFF_SECONDS = 0.5  # about one round trip; an earlier retry meets the same failure
LONGEST_BACKOFF_SECONDS = 8.0  # leaves at least three more attempts inside the 30 s

Class = Literal["received", "missing", "blocked", "failed", "passing", "throttled", "unasked"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of one attempt. Only after "passing" and "throttled" (429) may another attempt help.

    "unasked" means that no request was sent, because the breaker is open. `retry_after_seconds` is the wait that the
    marketplace asked for, or None.
    """

    kind: Class
    http_status: int | None = None
    body: bytes | None = None
    note: str | None = None
    retry_after_seconds: float | None = None
    latency_ms: int = 0


class _Again(Exception):  # noqa: N818 - carries a reply to stamina, is never seen outside
    def __init__(self, reply: Reply, wait_seconds: float | None) -> None:
        super().__init__(reply.note)
        if wait_seconds is None and reply.retry_after_seconds is not None:
            note = (
                f"{reply.note} It asks to wait {reply.retry_after_seconds:.0f} s, longer than the time left for "
                "this event, so it counts as a temporary failure."
            )
            reply = replace(reply, note=note)
        self.reply = reply
        self.wait_seconds = wait_seconds


class Pace:
    """Paces one client in one event loop: concurrency, permits, retries, deadline. Counts `requests` by class."""

    def __init__(
        self,
        limiter: RateLimiter,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
        connections: int = CONNECTIONS,
        requests: Counter[str] | None = None,
    ) -> None:
        self._requests: Counter[str] = Counter() if requests is None else requests
        self._slots = asyncio.Semaphore(connections)
        self._queue = RequestQueue(limiter)
        self._deadline_seconds = deadline_seconds
        self._first_backoff_seconds = first_backoff_seconds

    async def ask(self, what: str, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """Make attempts at `what` until one settles it or the deadline is over; return the last reply.

        The deadline covers all attempts and the waits between them. It begins when the first attempt gets its permit,
        so the time in a queue does not count. "passing" and "throttled" are returned only if no attempt settled it.
        """
        async with self._slots:
            try:
                probe = await self._queue.permit(self._deadline_seconds)
            except NotGrantedError as none:
                return self._not_asked(what, none)
            return await self._attempts(what, attempt, probe)

    async def close(self) -> None:
        """Report the last replies, and close the rate limiter."""
        await self._queue.close()

    def _not_asked(self, what: str, none: NotGrantedError) -> Reply:
        if none.quiet_seconds:
            return Reply(
                "throttled",
                note=(
                    f"{what} was not requested: the marketplace asked for {none.quiet_seconds:.0f} s of quiet, "
                    f"longer than the deadline of {self._deadline_seconds:g} s. The next tick tries again."
                ),
            )
        return Reply("unasked", note=f"{what} was not requested: {none}")

    async def _attempts(self, what: str, attempt: Callable[[], Awaitable[Reply]], probe: bool) -> Reply:
        ends_at = _now() + self._deadline_seconds
        last: Reply | None = None
        count = 0
        try:
            async with asyncio.timeout_at(ends_at):
                async for retry in stamina.retry_context(on=_wait_of, attempts=None, timeout=None):
                    with retry:
                        if count:
                            probe = await self._queue.permit(ends_at - _now())
                        count += 1
                        started_at = _now()
                        last = replace(await self._counted(attempt), latency_ms=round((_now() - started_at) * 1000))
                        wait_seconds = self._wait_seconds(last, count)
                        quiet_seconds = wait_seconds if last.kind == "throttled" else 0.0
                        await self._queue.report(ReplySeen(last.kind, probe, quiet_seconds))
                        if last.kind in ("passing", "throttled"):
                            raise _Again(last, wait_seconds if wait_seconds < ends_at - _now() else None)
                        return last
        except _Again as settled:
            last = settled.reply
        except NotGrantedError:
            pass  # the last reply counts
        except TimeoutError:
            await self._queue.report(ReplySeen("passing", probe))
            if last is None:
                return Reply(
                    "passing",
                    latency_ms=round(self._deadline_seconds * 1000),
                    note=(
                        f"{what} did not arrive within the deadline of {self._deadline_seconds:g} s. The next tick "
                        "tries again."
                    ),
                )
        assert last is not None  # noqa: S101 - the loop ends without a reply only by TimeoutError
        attempts = "1 attempt" if count == 1 else f"{count} attempts"
        return replace(last, note=f"{last.note} Gave up after {attempts}. The next tick tries again.")

    async def _counted(self, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            reply = await attempt()
        except asyncio.CancelledError:
            self._requests["passing"] += 1  # it was sent, and a deadline ended it
            raise
        self._requests[reply.kind] += 1
        return reply

    def _wait_seconds(self, reply: Reply, count: int) -> float:
        if reply.retry_after_seconds is not None:
            return reply.retry_after_seconds
        backoff_seconds = min(LONGEST_BACKOFF_SECONDS, self._first_backoff_seconds * 2 ** min(count - 1, 10))
        return random.uniform(0, backoff_seconds)  # noqa: S311 - full jitter, no secret


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or an HTTP date).

    `now` is UTC. A date in the past means 0. Any other text means None, as if the header were absent.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _wait_of(exc: Exception) -> bool | float:
    return exc.wait_seconds if isinstance(exc, _Again) and exc.wait_seconds is not None else False


def _now() -> float:
    return asyncio.get_running_loop().time()
