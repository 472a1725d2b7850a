"""When a marketplace that blocks us is left alone, and how it is tried again: pure decisions.

The state is a value that goes in and comes out; who keeps it, in memory or in a database that all workers
share, is not decided here. Times are seconds on any one clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

BreakerState = Literal["closed", "open", "probing"]

PROBES = 3  # blocked ones before it is open again: the first may be the very event that is always blocked
PROBE_SECONDS = 45.0  # after which a probe without an outcome is taken for lost: an event's 30 s, and some


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When it opens, and for how long.

    It opens at `in_a_row` blocked answers in a row, or where more than `share` of the last `of_last` were blocked.
    It stays open for `wait_seconds`, twice as long after each opening that no answer has followed, up to
    `longest_seconds`.
    """

    in_a_row: int = 5
    share: float = 0.5
    of_last: int = 20
    wait_seconds: float = 300.0
    longest_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether we may ask. `recent` holds the last outcomes, oldest first: "b" blocked, "." answered."""

    state: BreakerState = "closed"
    blocked_in_a_row: int = 0
    recent: str = ""
    openings: int = 0
    opened_at: float | None = None
    probe_at: float | None = None
    reason: str | None = None


def breaker_after(breaker: Breaker, outcomes: Iterable[tuple[str, bool]], now: float, policy: BreakerPolicy) -> Breaker:
    """The breaker after outcomes in their order: (class of the reply, whether it was a probe's).

    Only answers and blocks count: what is passing says nothing about being blocked. While it is not closed,
    only its probes count: answers to older requests still come in.
    """
    for kind, probe in outcomes:
        blocked = kind == "blocked"
        if not blocked and kind not in ("received", "missing"):
            if probe and breaker.state == "probing":
                breaker = replace(breaker, probe_at=now)  # no outcome: the next one probes
        elif breaker.state == "closed":
            breaker = _counted(breaker, blocked, now, policy)
        elif probe and breaker.state == "probing":
            breaker = _probed(breaker, blocked, now, policy)
    return breaker


def admit_request(breaker: Breaker, now: float) -> tuple[Breaker, Literal["go", "probe", "wait", "refuse"]]:
    """Whether a request may be made now; "probe" is given to one at a time.

    "wait": a probe is under way, and its outcome decides soon.
    """
    if breaker.state == "closed":
        return breaker, "go"
    if breaker.probe_at is None or breaker.probe_at <= now:
        return replace(breaker, state="probing", probe_at=now + PROBE_SECONDS), "probe"
    return breaker, "wait" if breaker.state == "probing" else "refuse"


def _counted(breaker: Breaker, blocked: bool, now: float, policy: BreakerPolicy) -> Breaker:
    recent = (breaker.recent + ("b" if blocked else "."))[-policy.of_last :]
    in_a_row = breaker.blocked_in_a_row + 1 if blocked else 0
    breaker = replace(breaker, recent=recent, blocked_in_a_row=in_a_row, openings=breaker.openings if blocked else 0)
    if in_a_row >= policy.in_a_row:
        return _opened(breaker, now, policy, f"{in_a_row} answers in a row were blocked")
    if len(recent) == policy.of_last and recent.count("b") > policy.share * policy.of_last:
        return _opened(breaker, now, policy, f"{recent.count('b')} of the last {policy.of_last} answers were blocked")
    return breaker


def _probed(breaker: Breaker, blocked: bool, now: float, policy: BreakerPolicy) -> Breaker:
    if not blocked:
        return Breaker(openings=breaker.openings)
    breaker = replace(breaker, blocked_in_a_row=breaker.blocked_in_a_row + 1, probe_at=now)
    probes = breaker.blocked_in_a_row
    return _opened(breaker, now, policy, f"{probes} probes were blocked too") if probes >= PROBES else breaker


def _opened(breaker: Breaker, now: float, policy: BreakerPolicy, reason: str) -> Breaker:
    wait_seconds = min(policy.longest_seconds, policy.wait_seconds * 2 ** min(breaker.openings, 10))
    return Breaker(
        state="open",
        openings=breaker.openings + 1,
        opened_at=now if breaker.opened_at is None else breaker.opened_at,
        probe_at=now + wait_seconds,
        reason=reason,
    )
