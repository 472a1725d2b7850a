"""Whose turn it is: the rates that hold at once, the slowdown, the quiet that was asked for."""

import asyncio
from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces.breaker import Breaker
from tickettape.marketplaces.rate_limiter import (
    AHEAD_SECONDS,
    BLOCK_SECONDS,
    SLOWEST,
    Grant,
    LocalRateLimiter,
    NotGrantedError,
    Rate,
    RateLimits,
    ReplySeen,
    RequestBudget,
    RequestQueue,
    grant_requests,
    rate_per_second,
    slowdown_after,
)

TEN_A_SECOND = rate_per_second(10)
THIRTY_A_MINUTE = Rate(30, 60.0)
KINDS = ["received", "missing", "blocked", "failed", "passing", "throttled"]


def all_permits(
    rules: RateLimits, *, seconds: float, wanted: int = 20, seen: tuple[ReplySeen, ...] = ()
) -> list[float]:
    """Every moment that greedy workers are given within so many seconds."""
    now, budget, moments = 1000.0, RequestBudget(), []
    while now < 1000.0 + seconds:
        budget, _, grant = grant_requests(rules, budget, Breaker(), wanted, seen, now)
        moments += [now + start for start in grant.starts]
        now += max(grant.wait_seconds, 0.05)
    return moments


def most_in(moments: list[float], seconds: float) -> int:
    """The most moments that any window of so many seconds holds."""
    moments = sorted(moments)
    return max(bisect_left(moments, start + seconds) - number for number, start in enumerate(moments))


@given(
    second=st.integers(1, 40),
    minute=st.integers(1, 200),
    wanted=st.integers(1, 50),
    late=st.floats(0, 0.1),
)
def test_s3_several_rates_hold_at_once_whoever_is_how_late_within_the_grace(
    second: int, minute: int, wanted: int, late: float
) -> None:
    rates = (rate_per_second(second), Rate(minute, 6.0))
    moments = all_permits(RateLimits(rates), seconds=13, wanted=wanted)
    moved = sorted(moment + late * (number % 2) for number, moment in enumerate(moments))
    assert most_in(moved, 1.0) <= second
    assert most_in(moved, 6.0) <= minute


def test_s3_each_rate_is_used_up_before_it_makes_others_wait() -> None:
    moments = all_permits(RateLimits((TEN_A_SECOND, THIRTY_A_MINUTE)), seconds=70)
    assert len([moment for moment in moments if moment < 1004]) == 30  # at almost ten a second
    assert len([moment for moment in moments if moment < 1060]) == 30
    assert len(moments) > 50


def test_permits_are_spaced_evenly() -> None:
    moments = all_permits(RateLimits((TEN_A_SECOND,)), seconds=5)
    assert {round(after - before, 6) for before, after in pairwise(moments)} == {0.12}


def test_control_one_budget_each_is_more_than_the_rate() -> None:
    rules = RateLimits((TEN_A_SECOND,))
    alone = all_permits(rules, seconds=5)
    assert most_in(alone, 1.0) <= 10
    assert most_in(sorted(alone + all_permits(rules, seconds=5)), 1.0) > 10


@given(st.lists(st.sampled_from(KINDS), max_size=200))
def test_s2_the_pace_stays_within_its_bounds_and_only_an_answer_speeds_it_up(kinds: list[str]) -> None:
    slowdown = 1.0
    for kind in kinds:
        after = slowdown_after(slowdown, [ReplySeen(kind)])
        assert 1.0 <= after <= SLOWEST
        if kind != "received":
            assert after >= slowdown
        slowdown = after


def test_s2_failures_without_an_end_ask_ten_times_as_slowly_and_a_few_do_not_matter() -> None:
    broken = tuple([ReplySeen("passing")] * 100)
    budget, _, _ = grant_requests(RateLimits((TEN_A_SECOND,)), RequestBudget(), Breaker(), 0, broken, 0.0)
    assert budget.slowdown == SLOWEST
    few = tuple([ReplySeen("received")] * 19 + [ReplySeen("passing")]) * 20
    budget, _, _ = grant_requests(RateLimits((TEN_A_SECOND,)), budget, Breaker(), 0, few, 0.0)
    assert budget.slowdown < 1.6


def test_quiet_that_one_was_asked_for_is_kept_by_all_until_it_is_over() -> None:
    rules = RateLimits((TEN_A_SECOND,))
    budget, breaker, _ = grant_requests(
        rules, RequestBudget(), Breaker(), 0, [ReplySeen("throttled", quiet_seconds=7)], 100.0
    )
    budget, breaker, grant = grant_requests(rules, budget, breaker, 5, [], 103.0)
    assert (grant.starts, grant.wait_seconds, grant.quiet_seconds) == ((), 4.0, 4.0)
    _, _, grant = grant_requests(rules, budget, breaker, 5, [], 107.0)
    assert grant.starts[0] == 0


def test_a_lease_is_small_so_that_what_is_learnt_meanwhile_counts() -> None:
    _, _, grant = grant_requests(RateLimits((rate_per_second(200),)), RequestBudget(), Breaker(), 500, [], 0.0)
    assert 1 < len(grant.starts) <= 200 * BLOCK_SECONDS
    _, _, grant = grant_requests(RateLimits((Rate(1, 10.0),)), RequestBudget(), Breaker(), 500, [], 0.0)
    assert len(grant.starts) == 1


def test_a_lease_that_takes_long_to_arrive_is_given_ahead_or_every_turn_of_a_far_database_would_be_lost() -> None:
    _, _, grant = grant_requests(
        RateLimits((TEN_A_SECOND,)), RequestBudget(), Breaker(), 2, [], 0.0, way_back_seconds=0.4
    )
    assert list(grant.starts) == pytest.approx([0.4, 0.52])
    _, _, grant = grant_requests(
        RateLimits((TEN_A_SECOND,)), RequestBudget(), Breaker(), 2, [], 0.0, way_back_seconds=7.0
    )
    assert grant.starts[0] <= AHEAD_SECONDS


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        rate_per_second(0)
    with pytest.raises(ValueError, match="above 0"):
        RateLimits((Rate(0, 1.0),))
    assert rate_per_second(2.5) == Rate(2, 0.8)
    assert rate_per_second(0.5) == Rate(1, 2.0)


class Late:
    """Turns whose first moments are over when they arrive."""

    def __init__(self) -> None:
        self.leases = 0

    async def acquire(self, wanted: int, seen: list[ReplySeen]) -> Grant:
        self.leases += 1
        return Grant(starts=(-1.0, -0.5) if self.leases == 1 else (0.0,))

    async def close(self) -> None: ...


def test_a_turn_that_a_busy_process_is_too_late_for_is_lost() -> None:
    async def scenario() -> int:
        limiter = Late()
        await RequestQueue(limiter).permit(1.0)  # type: ignore[arg-type]
        return limiter.leases

    assert asyncio.run(scenario()) == 2


def test_who_cannot_wait_for_the_quiet_gives_up_at_once() -> None:
    async def scenario() -> None:
        queue = RequestQueue(LocalRateLimiter(RateLimits((TEN_A_SECOND,))))
        await queue.permit(1.0)
        await queue.report(ReplySeen("throttled", quiet_seconds=600))
        with pytest.raises(NotGrantedError) as raised:
            await queue.permit(30.0)
        assert 590 < raised.value.quiet_seconds <= 600

    asyncio.run(scenario())
