"""One question at a time for all who ask the same, for paths that need no key."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedWork(Generic[Answer]):
    """Work whose result is for everybody. It runs once at a time: who asks while it runs shares the next run.

    Nobody gets a result of work that began before the question.
    """

    def __init__(self, work: Callable[[], Awaitable[Answer]]) -> None:
        self._work = work
        self._running: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None

    async def result(self) -> Answer:
        """The result of a run that begins now or later. Raises what the work raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run(self._running))
        return await asyncio.shield(self._next)

    async def _run(self, before: "asyncio.Task[Answer] | None") -> Answer:
        if before:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._work()
