"""The rate limiter: when a request may be sent, by one budget and one breaker for all clients of a marketplace.

The arithmetic is pure: `grant_requests` turns a state into the next one and a `Grant` of permits. `LocalRateLimiter`
keeps the state in memory, for one process; `shared_rate_limiter` keeps it for many. When to retry belongs in `pacing`.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from tickettape.marketplaces.breaker import Breaker, BreakerPolicy, admit_request, breaker_after

GRACE_SECONDS = 0.1  # a permit that is used later than this is lost, or two seconds' requests could fall into one
MARGIN_SECONDS = 0.2  # added to a rate's window: the grace, and as much again for the way to the marketplace
BLOCK_SECONDS = 0.25  # of permits in one grant: a killed worker loses no more, and an open breaker is noticed by then
AHEAD_SECONDS = 1.0  # nothing is granted further ahead, because replies until then would be ignored
PROBE_POLL_SECONDS = 0.25  # how often to check for a probe's outcome

RAISE, LOWER = 1.5, 0.9  # with about one failure in five requests the pace stays the same; with fewer it recovers
SLOWEST = 10.0  # times the delay between two requests; if it were slower, a tick would not reach its events


class Rate(NamedTuple):
    """At most so many requests in any so many seconds."""

    requests: int
    seconds: float


class RequestBlock(NamedTuple):
    """Permits that were granted together: from the first moment to the last."""

    first: float
    last: float
    requests: int


class ReplySeen(NamedTuple):
    """What matters of a reply for the next request: its class, whether it was a probe, how long to keep quiet."""

    kind: str
    probe: bool = False
    quiet_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """What has been used: the blocks of the longest window, the slowdown (1 means none), and the end of the quiet."""

    blocks: tuple[RequestBlock, ...] = ()
    slowdown: float = 1.0
    quiet_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Grant:
    """The rate limiter's reply: permits (when to send, in seconds from now), or a time to wait, or a refusal.

    A permit below 0 is past, but may still be used within the grace. `quiet_seconds` is what the marketplace asked for;
    a request that cannot wait that long is given up at once.
    """

    starts: tuple[float, ...] = ()
    probe: bool = False
    wait_seconds: float = 0.0
    quiet_seconds: float = 0.0
    refusal: str | None = None


class RateLimiter(Protocol):
    """The budget and the breaker of one marketplace, shared by all its clients."""

    async def acquire(self, wanted: int, seen: Sequence[ReplySeen]) -> Grant:
        """Report the replies that were seen, and get up to `wanted` permits; with 0 only report."""
        ...

    async def close(self) -> None:
        """Close what it holds open. It can be used again."""
        ...


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The rates, which all apply at once (none: not paced), and the breaker's policy (None: no breaker)."""

    rates: tuple[Rate, ...] = ()
    policy: BreakerPolicy | None = None

    def __post_init__(self) -> None:
        for rate in self.rates:
            if rate.requests < 1 or not rate.seconds > 0:
                raise ValueError(
                    f"The rate {rate.requests} requests in {rate.seconds:g} s is not valid. Both numbers must be "
                    "above 0."
                )

    @property
    def longest_seconds(self) -> float:
        """For how long a block counts."""
        return max((rate.seconds for rate in self.rates), default=0.0) + MARGIN_SECONDS


def rate_per_second(requests: float) -> Rate:
    """A rate of so many requests a second. Less than one means one in a longer time."""
    if not requests > 0:
        raise ValueError(f"{requests} requests per second is not valid. Give a number above 0, or None for no pacing.")
    return Rate(int(requests), int(requests) / requests) if requests >= 1 else Rate(1, 1 / requests)


def grant_requests(
    limits: RateLimits,
    budget: RequestBudget,
    breaker: Breaker,
    wanted: int,
    seen: Sequence[ReplySeen],
    now: float,
    way_back_seconds: float = 0.0,
) -> tuple[RequestBudget, Breaker, Grant]:
    """Take account of the replies that were seen, and grant up to `wanted` requests from `now` (seconds) on.

    The first is `way_back_seconds` later, because the grant would arrive too late for an earlier one. `Grant.refusal`
    says why the breaker is open. It is open until its `probe_at`.
    """
    budget = replace(
        budget,
        slowdown=slowdown_after(budget.slowdown, seen),
        quiet_until=max([budget.quiet_until, *(now + one.quiet_seconds for one in seen if one.quiet_seconds)]),
        blocks=counted_blocks(budget.blocks, now - limits.longest_seconds),
    )
    if limits.policy is not None:
        breaker = breaker_after(breaker, [(one.kind, one.probe) for one in seen], now, limits.policy)
    if wanted < 1:
        return budget, breaker, Grant()
    quiet_seconds = budget.quiet_until - now
    if quiet_seconds > 0:
        return budget, breaker, Grant(wait_seconds=quiet_seconds, quiet_seconds=quiet_seconds)
    soonest = now + min(way_back_seconds, AHEAD_SECONDS / 2)
    block = (
        next_block(limits.rates, budget, wanted, soonest) if limits.rates else RequestBlock(soonest, soonest, wanted)
    )
    ahead_seconds = block.first - now
    if ahead_seconds > AHEAD_SECONDS:
        return budget, breaker, Grant(wait_seconds=ahead_seconds - AHEAD_SECONDS)
    breaker, verdict = admit_request(breaker, now)
    if verdict == "refuse":
        return budget, breaker, Grant(refusal=breaker.reason)
    if verdict == "wait":
        return budget, breaker, Grant(wait_seconds=PROBE_POLL_SECONDS)
    if verdict == "probe":
        block = RequestBlock(block.first, block.first, 1)
    if limits.rates:
        budget = replace(budget, blocks=(*budget.blocks, block))
    apart = (block.last - block.first) / max(1, block.requests - 1)
    starts = tuple(ahead_seconds + number * apart for number in range(block.requests))
    return budget, breaker, Grant(starts=starts, probe=verdict == "probe")


def slowdown_after(slowdown: float, seen: Sequence[ReplySeen]) -> float:
    """The slowdown after these replies, within its bounds. Only a usable answer lowers it."""
    for one in seen:
        if one.kind == "received":
            slowdown = max(1.0, slowdown * LOWER)
        elif one.kind in ("passing", "throttled", "blocked"):
            slowdown = min(SLOWEST, slowdown * RAISE)
    return slowdown


def counted_blocks(blocks: Sequence[RequestBlock], since: float) -> tuple[RequestBlock, ...]:
    """The blocks that end after `since`, and the last one, from which the next is spaced."""
    return (*(block for block in blocks[:-1] if block.last > since), *blocks[-1:])


def next_block(rates: Sequence[Rate], budget: RequestBudget, wanted: int, soonest: float) -> RequestBlock:
    """The next permits from `soonest` on, up to `wanted`, so that no window of any rate holds more than its requests.

    They are spaced evenly by the shortest rate, because a marketplace notices bursts first. A longer rate is kept by
    counting whole blocks. If it has no room left, the permits come after its window.
    """
    shortest, *longer = sorted(rates, key=lambda rate: rate.seconds)
    apart = (shortest.seconds + MARGIN_SECONDS) / shortest.requests * budget.slowdown
    requests = min(wanted, max(1, int(BLOCK_SECONDS / apart)))
    first = max(soonest, budget.blocks[-1].last + apart) if budget.blocks else soonest
    for rate in longer:
        window = rate.seconds + MARGIN_SECONDS
        while True:
            counted = [block for block in budget.blocks if block.last + window > first]
            room = rate.requests - sum(block.requests for block in counted)
            if room > 0:
                break
            first = counted[0].last + window
        requests = min(requests, room)
    return RequestBlock(first, first + (requests - 1) * apart, requests)


class LocalRateLimiter:
    """The `RateLimiter` of one process, kept in memory."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits, self._budget, self._breaker = limits, RequestBudget(), Breaker()

    async def acquire(self, wanted: int, seen: Sequence[ReplySeen]) -> Grant:
        """See `RateLimiter.acquire`."""
        now = asyncio.get_running_loop().time()
        self._budget, self._breaker, grant = grant_requests(
            self._limits, self._budget, self._breaker, wanted, seen, now
        )
        return grant

    async def close(self) -> None:
        """Nothing is held open."""


class NotGrantedError(Exception):
    """There is no permit: the marketplace asked for `quiet_seconds` of quiet, or the breaker is open."""

    def __init__(self, reason: str, *, quiet_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.quiet_seconds = quiet_seconds


@dataclass
class RequestQueue:
    """The permits of one process: granted in blocks, handed out one by one in the order of asking."""

    limiter: RateLimiter
    _door: asyncio.Lock = field(default_factory=asyncio.Lock)
    _starts: deque[float] = field(default_factory=deque)
    _seen: list[ReplySeen] = field(default_factory=list)
    _probe: bool = False
    _waiting: int = 0
    _used: int = 0

    async def permit(self, patience_seconds: float) -> bool:
        """Wait for a permit; returns whether it is the breaker's probe.

        Raises NotGrantedError if the breaker is open, or if the quiet is longer than `patience_seconds`.
        """
        self._waiting += 1
        try:
            async with self._door:
                while True:
                    while not self._starts:
                        await self._acquire(patience_seconds)
                    start = self._starts.popleft()
                    if start > _now():
                        await asyncio.sleep(start - _now())
                    if self._probe or _now() <= start + GRACE_SECONDS:
                        break  # otherwise it is too late for this permit
                self._used += 1
                probe, self._probe = self._probe, False
                return probe
        finally:
            self._waiting -= 1

    async def report(self, seen: ReplySeen) -> None:
        """Keep a reply for the next grant. One that changes the rules for everybody is reported at once."""
        self._seen.append(seen)
        if seen.probe or seen.quiet_seconds or seen.kind == "blocked":
            self._starts.clear()
            await self._report(0)

    async def close(self) -> None:
        """Report the remaining replies, and close the rate limiter."""
        try:
            if self._seen:
                await self._report(0)
        finally:
            await self.limiter.close()

    async def _acquire(self, patience_seconds: float) -> None:
        wanted, self._used = max(self._waiting, self._used + 1), 0
        grant = await self._report(wanted)
        if grant.refusal is not None:
            raise NotGrantedError(grant.refusal)
        if grant.quiet_seconds > patience_seconds:
            raise NotGrantedError("quiet", quiet_seconds=grant.quiet_seconds)
        if grant.wait_seconds:
            await asyncio.sleep(grant.wait_seconds)
        now = _now()
        self._starts.extend(now + start for start in grant.starts)
        self._probe = grant.probe

    async def _report(self, wanted: int) -> Grant:
        seen, self._seen = self._seen, []
        try:
            return await self.limiter.acquire(wanted, seen)
        except BaseException:
            self._seen = seen + self._seen
            raise


def _now() -> float:
    return asyncio.get_running_loop().time()
