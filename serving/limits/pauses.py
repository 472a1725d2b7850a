"""Slows down clients that send many requests which are not worth much, such as refused ones.

A client that is refused at once can ask again at once, and keep the process busy with refusals. With a pause, it can
do so only once a second on each of its connections.
"""

import asyncio
from collections import Counter
from time import monotonic

PAUSE_SECONDS = 1.0
MOST_PAUSED = 2_000  # requests that wait at the same time; each costs some kilobytes
MOST_CLIENTS = 10_000  # that are counted in a second


class Pauses:
    """The requests of each client in this second."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._counts: Counter[str | bytes] = Counter()
        self._second = 0
        self._paused = 0

    async def pause(self, client: str | bytes) -> None:
        """Return at once for the first few requests of a client in a second, and after a pause for the others."""
        second = int(monotonic())
        if second != self._second:
            self._second = second
            self._counts.clear()
        if len(self._counts) >= MOST_CLIENTS and client not in self._counts:
            client = ""  # all others together
        self._counts[client] += 1
        if self._counts[client] <= self._at_once or self._paused >= MOST_PAUSED:
            return
        self._paused += 1
        try:
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._paused -= 1
