"""How many requests of one key this process answers at once. The others wait in line, so that no key starves others.

The connections to the database and the time of the process are shared by all keys. A key that asks for more than its
share waits for its own requests, not for those of others.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from serving.responses.problems import Problem

LONG_AT_ONCE = 2  # of all keys: each keeps a core of the database or this process busy
WAIT_SECONDS = 2.0  # a client that waits asks nothing else meanwhile; one that is refused at once would ask again


class Turn:
    """The right to be answered, until `end`."""

    def __init__(self, line: asyncio.Semaphore) -> None:
        self._line: asyncio.Semaphore | None = line

    def end(self) -> None:
        """Let the next in line have its turn. Does nothing the second time."""
        if self._line:
            self._line.release()
            self._line = None


class Turns:
    """The lines of all keys."""

    def __init__(self, at_once: int, what: str = "requests", of: str = "a key's") -> None:
        self._at_once = at_once
        self._what = f"{of} {what}"
        self._lines: WeakValueDictionary[bytes, asyncio.Semaphore] = WeakValueDictionary()  # while anybody is in it

    async def take(self, key_sha256: bytes) -> Turn:
        """Wait for a turn. Raises Problem 429 if the key's other requests take too long."""
        line = self._lines.get(key_sha256)
        if line is None:
            line = self._lines[key_sha256] = asyncio.Semaphore(self._at_once)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await line.acquire()
        except TimeoutError:
            raise Problem(
                429,
                f"Only {self._at_once} of {self._what} may be in progress at once, and others have been for "
                f"{WAIT_SECONDS:g} s. Wait for their responses before you send more.",
                headers={"retry-after": "1"},
            ) from None
        return Turn(line)


class LongTurns:
    """Turns of responses that may be long: one of each key, and a few of all keys, because each takes as much of the
    database and the process as some twenty others."""

    def __init__(self) -> None:
        self._of_key = Turns(1, "long responses")
        self._of_all = asyncio.Semaphore(LONG_AT_ONCE)

    @asynccontextmanager
    async def turn(self, key_sha256: bytes) -> AsyncIterator[None]:
        """A turn for the block. Raises Problem 429 if the key's other long responses take too long."""
        turn = await self._of_key.take(key_sha256)
        try:
            async with self._of_all:
                yield
        finally:
            turn.end()
