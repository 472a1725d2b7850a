"""Worker processes that capture ticks together, fed line by line."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, NamedTuple


class Spent(NamedTuple):
    """What a worker's part of a tick took."""

    cpu_seconds: float
    memory_mb: float


class Shard:
    """One worker process."""

    def __init__(self, database_url: str, url: str, per_second: float, per_minute: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "bench.scraping_shard", url, str(per_second), str(per_minute)],
            env={**os.environ, "DATABASE_URL": database_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said().readline()  # it is ready

    def begin(self, tick: datetime) -> None:
        """Let it capture its part of a tick."""
        assert self._process.stdin is not None  # noqa: S101  it is a pipe
        self._process.stdin.write(f"{tick.isoformat()}\n")
        self._process.stdin.flush()

    def spent(self) -> Spent:
        """Wait until the tick is done."""
        return Spent(*map(float, self._said().readline().split()))

    def end(self) -> None:
        """Let it go, or kill it where it does not."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _said(self) -> IO[str]:
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        return self._process.stdout


@contextmanager
def started(count: int, database_url: str, url: str, *, per_second: float, per_minute: int) -> Iterator[list[Shard]]:
    """So many workers, ready; none is left at the end."""
    shards: list[Shard] = []
    try:
        for _ in range(count):
            shards.append(Shard(database_url, url, per_second, per_minute))
        yield shards
    finally:
        for shard in shards:
            shard.end()


def capture(shards: list[Shard], tick: datetime) -> list[Spent]:
    """Let all capture a tick together; what each spent."""
    for shard in shards:
        shard.begin(tick)
    return [shard.spent() for shard in shards]
