"""Turns kept in the warehouse: what one process learns or spends, all others know."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from tests.support.shared_limiters import RULES, greedy, shared
from tests.tickettape.marketplaces.test_rate_limiter import most_in
from tickettape.database import Warehouse
from tickettape.marketplaces.breaker import BreakerPolicy
from tickettape.marketplaces.rate_limiter import (
    Grant,
    LocalRateLimiter,
    Rate,
    ReplySeen,
    RequestQueue,
)
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter, rate_limits_of
from tickettape.settings import Settings


@pytest.mark.parametrize("guarded", [True, False], ids=["shared", "control_one_budget_each"])
@pytest.mark.race
def test_s3_four_that_share_a_budget_stay_within_its_rate(warehouse: Warehouse, guarded: bool) -> None:
    workers = [shared(warehouse) if guarded else LocalRateLimiter(RULES) for _ in range(4)]
    moments = asyncio.run(greedy(workers, 1.5))
    assert len(moments) > 50
    assert (most_in(moments, 1.0) <= 50) is guarded


class HeldUp(SharedRateLimiter):
    """Loses the processor once, between the spending of the budget and the arrival of the grant: the injected wait."""

    def __init__(self, warehouse: Warehouse, seconds: float, *, counted: bool) -> None:
        super().__init__(warehouse.connect_to, "simulator", RULES)
        self._waits, self._counted = iter([0.0, seconds]), counted  # the first grant is of one permit only

    def _acquire_alone(self, wanted: int, seen: Sequence[ReplySeen]) -> tuple[Grant, float]:
        grant, at = super()._acquire_alone(wanted, seen)
        time.sleep(next(self._waits, 0.0))
        return grant, at if self._counted else time.monotonic()


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "control_not_counted"])
def test_s3_one_that_is_held_up_on_its_grant_does_not_ask_at_others_times(warehouse: Warehouse, counted: bool) -> None:
    moments: list[float] = []

    async def asking(queue: RequestQueue) -> None:
        while len(moments) < 120:
            await queue.permit(1.0)
            moments.append(time.monotonic())

    async def scenario() -> None:
        queues = [RequestQueue(HeldUp(warehouse, seconds, counted=counted)) for seconds in (0.0, 1.0, 1.0, 1.0)]
        await asyncio.gather(*(asking(queue) for queue in queues for _ in range(12)))
        for queue in queues:
            await queue.close()

    asyncio.run(scenario())
    assert (most_in(moments, 1.0) <= 50) is counted


def test_a_lease_whose_asker_has_given_up_disturbs_no_later_one(warehouse: Warehouse) -> None:
    """The wait is injected: another process holds the budget while the first asker's patience ends."""

    async def scenario() -> None:
        limiter = shared(warehouse)
        await limiter.acquire(1, [])
        with warehouse.connection() as holder:
            with holder.transaction():
                holder.execute("select from market.budgets for update")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(limiter.acquire(5, []), 0.2)
                later = asyncio.create_task(limiter.acquire(1, []))
                await asyncio.sleep(0.1)
            assert len((await later).starts) == 1
        await limiter.close()

    asyncio.run(scenario())


def test_the_settings_are_the_rules() -> None:
    rules = rate_limits_of(Settings(requests_per_second=4, requests_per_minute=90, breaker_blocked_in_a_row=7))
    assert rules.rates == (Rate(4, 1.0), Rate(90, 60.0))
    assert rules.policy == BreakerPolicy(in_a_row=7)
