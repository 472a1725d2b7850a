"""The client of Vivid Seats against a scripted server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from tickettape.marketplaces.protocol import Answer
from tickettape.marketplaces.vividseats import VividSeats

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
Result = TypeVar("Result")


def run(url: str, scenario: Callable[[VividSeats], Awaitable[Result]], **settings: Any) -> tuple[Result, float]:
    """The scenario's result with an impatient client, and the seconds it took."""
    chosen = {"requests_per_second": None, "deadline_seconds": 1.0, "first_backoff_seconds": 0.02} | settings

    async def inside() -> tuple[Result, float]:
        async with VividSeats(url, "Tickettape tests", **chosen) as marketplace:
            started = time.monotonic()
            result = await scenario(marketplace)
            return result, time.monotonic() - started

    return asyncio.run(inside())


def ask(url: str, production_id: str = "17", **settings: Any) -> tuple[Answer, float]:
    return run(url, lambda marketplace: marketplace.listings(production_id, AT), **settings)
