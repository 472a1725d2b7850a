"""When to ask, how often, and when to give up: the same for every marketplace.

A client turns each attempt into a `Reply`; the class of the reply decides what happens next, never
an exception's name. What a status code means on a given wire belongs in that client. The breaker and
a budget shared between processes will stand behind `Pace.ask` too.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import stamina
from aiolimiter import AsyncLimiter

CONNECTIONS = 20  # httpx slows down past 20: 8.7 s for 1000 events at 20, 15.4 s at 50
DEADLINE_SECONDS = 30.0  # an event's whole share of a tick, so that one bad event costs itself alone
FIRST_BACKOFF_SECONDS = 0.5  # about one round trip with its rendering: sooner meets the same failure
LONGEST_BACKOFF_SECONDS = 8.0  # leaves at least three more attempts inside the 30 s

Class = Literal["received", "missing", "blocked", "failed", "passing", "throttled"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One attempt, classified. Only "passing" and "throttled" (429) are worth another attempt.

    `retry_after_seconds` is what the marketplace asked for, None where it did not ask.
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
                f"{reply.note} It asks to wait {reply.retry_after_seconds:.0f} s, past what is left of the "
                "deadline: it counts as passing."
            )
            reply = replace(reply, note=note)
        self.reply = reply
        self.wait_seconds = wait_seconds


class Pace:
    """The pace of one client in one event loop: concurrency, requests per second, retries, deadline.

    `requests_per_second` None means unpaced (an in-process marketplace). Requests are spaced evenly:
    a burst at the start of a tick is what a marketplace notices first.
    """

    def __init__(
        self,
        *,
        requests_per_second: float | None,
        deadline_seconds: float = DEADLINE_SECONDS,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
        connections: int = CONNECTIONS,
    ) -> None:
        if requests_per_second is not None and not requests_per_second > 0:
            raise ValueError(
                f"requests_per_second is {requests_per_second}: give a number above 0, or None for no pacing."
            )
        self._slots = asyncio.Semaphore(connections)
        self._limiter = nullcontext() if requests_per_second is None else AsyncLimiter(1, 1 / requests_per_second)
        self._deadline_seconds = deadline_seconds
        self._first_backoff_seconds = first_backoff_seconds
        self._quiet_until = 0.0

    async def ask(self, what: str, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        """Make attempts at `what` until one settles it or the deadline is over; return the last reply.

        The deadline covers all attempts and the waits between them. It begins when the first attempt
        gets its turn, so a long queue never eats it. Only "received", "missing", "blocked", "failed"
        and an unsettled "passing" or "throttled" come back; nothing is raised but cancellation.
        """
        async with self._slots:
            if not await self._turn():
                return Reply(
                    "throttled",
                    note=f"{what} was not asked: the marketplace wants {self._quiet_until - _now():.0f} s of "
                    f"quiet, past the deadline of {self._deadline_seconds:g} s; the next tick tries again.",
                )
            return await self._attempts(what, attempt)

    async def _attempts(self, what: str, attempt: Callable[[], Awaitable[Reply]]) -> Reply:
        ends_at = _now() + self._deadline_seconds
        last: Reply | None = None
        count = 0
        try:
            async with asyncio.timeout_at(ends_at):
                async for retry in stamina.retry_context(on=_wait_of, attempts=None, timeout=None):
                    with retry:
                        if last is not None and not await self._turn():
                            break
                        count += 1
                        started_at = _now()
                        last = replace(await attempt(), latency_ms=round((_now() - started_at) * 1000))
                        if last.kind in ("passing", "throttled"):
                            raise _Again(last, self._wait_seconds(last, count, ends_at - _now()))
                        return last
        except _Again as settled:
            last = settled.reply
        except TimeoutError:
            if last is None:
                return Reply(
                    "passing",
                    latency_ms=round(self._deadline_seconds * 1000),
                    note=f"{what} did not answer within the deadline of {self._deadline_seconds:g} s; "
                    "the next tick tries again.",
                )
        assert last is not None  # noqa: S101 - the loop ends without a reply only by TimeoutError
        attempts = "1 attempt" if count == 1 else f"{count} attempts"
        return replace(last, note=f"{last.note} Given up after {attempts}; the next tick tries again.")

    def _wait_seconds(self, reply: Reply, count: int, left_seconds: float) -> float | None:
        backoff_seconds = min(LONGEST_BACKOFF_SECONDS, self._first_backoff_seconds * 2 ** min(count - 1, 10))
        wait_seconds = random.uniform(0, backoff_seconds)  # noqa: S311 - full jitter, no secret
        if reply.retry_after_seconds is not None:
            wait_seconds = reply.retry_after_seconds
        if reply.kind == "throttled":
            self._quiet_until = max(self._quiet_until, _now() + wait_seconds)
        return wait_seconds if wait_seconds < left_seconds else None

    async def _turn(self) -> bool:
        while True:
            quiet_seconds = self._quiet_until - _now()
            if quiet_seconds > self._deadline_seconds:
                return False
            if quiet_seconds > 0:
                await asyncio.sleep(quiet_seconds)
            async with self._limiter:
                pass
            if self._quiet_until <= _now():
                return True


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or an HTTP date).

    `now` is UTC. A date that is over is 0; a header that is neither is None, as if it were absent.
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
