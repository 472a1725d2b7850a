"""What one tenant of the service can do to another: how long the other waits, compared with being alone.

`python -m bench.fairness PORT` is the hostile one, in a process of its own that has the lowest priority, so that it
takes the service's time and not the machine's. It reads its key and its questions from its standard input.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count
from urllib.parse import quote
from uuid import UUID

from bench.report import figure, heading, say
from bench.served_rollups import DAYS, make_rollups
from bench.serving import SECONDS, service
from tickettape.api_schema import create_key, create_tenant, watch_events
from tickettape.database import Connection

CONNECTIONS = 200
STREAMS_TRIED = 80  # of the connections; what is refused asks questions instead
MOST_TIMES_SLOWER = 3
ACCEPTED = ("application/json", "text/csv", "application/vnd.apache.parquet")
BEGINNING_SECONDS = 3.0  # until all of the hostile one's connections are busy


def run(connection: Connection, url: str) -> bool:
    """Print the figures; whether the bounds hold."""
    events = make_rollups(connection)
    keys = {}
    for tenant, watched in (("modest", events[:10]), ("hostile", events[10:])):
        create_tenant(connection, tenant, sees_all=False)
        watch_events(connection, tenant, watched)
        # more than any may be given: what is measured is not the limit per minute
        keys[tenant] = create_key(connection, tenant, requests_per_minute=10_000_000)
    heading(f"A tenant's requests beside another with {CONNECTIONS} connections")
    limited = _side_by_side(url, keys, events)
    holds = _figures("with the limits as they are by default", *limited, bound=True)
    free = _side_by_side(url, keys, events, KEY_REQUESTS_AT_ONCE="1000", KEY_STREAMS="1000")
    _figures("as a control, with 1000 requests and streams at once", *free, bound=False)
    return holds


def _side_by_side(
    url: str, keys: dict[str, str], events: Sequence[UUID], **settings: str
) -> "tuple[Asked, Asked, dict[str, int]]":
    """What the modest one gets alone and beside the hostile one, and what the hostile one gets."""
    with service(url, **settings) as (_, port):
        paths = _ordinary(events[:10])
        asyncio.run(_ask_in_turn(port, keys["modest"], paths, 2.0))  # connections, plans, caches
        alone = asyncio.run(_ask_in_turn(port, keys["modest"], paths, SECONDS))
        with _hostile(port, keys["hostile"], _dearest(events[10:])) as answered:
            time.sleep(BEGINNING_SECONDS)
            beside = asyncio.run(_ask_in_turn(port, keys["modest"], paths, 2 * SECONDS))
        again = asyncio.run(_ask_in_turn(port, keys["modest"], paths, SECONDS))
    alone.seconds += again.seconds
    return alone, beside, answered


def _figures(name: str, alone: "Asked", beside: "Asked", answered: dict[str, int], *, bound: bool) -> bool:
    say(name)
    p95 = [_share_of(asked.seconds, 0.95) * 1000 for asked in (alone, beside)]
    figure(f"{name}: alone, p50", _share_of(alone.seconds, 0.5) * 1000, "ms")
    figure("  p95", p95[0], "ms")
    figure("  beside the other, p50", _share_of(beside.seconds, 0.5) * 1000, "ms")
    figure("  p95", p95[1], "ms")
    holds = figure("  p95, compared with alone", p95[1] / p95[0], "times", most=MOST_TIMES_SLOWER if bound else None)
    failures = sum(n for status, n in beside.statuses.items() if status != HTTPStatus.OK)
    holds &= figure("  responses that are not 200", failures, "", most=0 if bound else None)
    for what, number in sorted(answered.items()):
        figure(f"  the hostile one's {what}", number, "")
    return holds


class Asked:
    """The responses to one client."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()


async def _ask_in_turn(port: int, key: str, paths: Sequence[str], seconds: float) -> Asked:
    """What a client with one connection gets in so many seconds."""
    asked, end = Asked(), time.perf_counter() + seconds
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in count():
        started = time.perf_counter()
        if started >= end:
            break
        status, _ = await _get(reader, writer, paths[number % len(paths)], key)
        asked.seconds.append(time.perf_counter() - started)
        asked.statuses[status] += 1
        await asyncio.sleep(0.01)
    writer.close()
    return asked


async def _get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, key: str, accept: str = "*/*"
) -> tuple[int, dict[str, str]]:
    """The status and the headers of a response. Its body is read unless it has no end."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\nAccept: {accept}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head.split()[1]), headers


def _ordinary(events: Sequence[UUID]) -> list[str]:
    """What the charts ask: a zone's week."""
    paths = [f"/api/events/{event}/zones" for event in events]
    for name in ("price-trends", "group-prices", "ticket-counts"):
        paths += [f"/api/analytics/{name}?event_id={event}&zone={quote('Zone 3')}" for event in events]
    return paths


def _dearest(events: Sequence[UUID]) -> list[str]:
    """All that is known of an event, in responses of the usual length and as long as they may be."""
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    question = f"start_date={begin:%Y-%m-%d}&granularity=hour&fill=true"
    return [
        f"/api/analytics/{name}?event_id={event}&{question}&limit={limit}"
        for event in events
        for name in ("price-trends", "group-prices", "ticket-counts")
        for limit in (1_000, 10_000)
    ]


def _share_of(times: Sequence[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


@contextmanager
def _hostile(port: int, key: str, paths: Sequence[str]) -> Iterator[dict[str, int]]:
    """The hostile one, for the block; after it, how often it was answered with which status."""
    command = [sys.executable, "-m", "bench.fairness", str(port)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert started.stdin  # noqa: S101  it is a pipe
    assert started.stdout  # noqa: S101  it is a pipe
    answered: dict[str, int] = {}
    try:
        started.stdin.write(json.dumps({"key": key, "paths": paths}) + "\n")
        started.stdin.flush()
        yield answered
        started.stdin.close()  # it stops, and says what it got
        answered |= json.loads(started.stdout.read())
    finally:
        started.kill()
        started.wait(timeout=10)


async def _be_hostile(port: int, key: str, paths: Sequence[str]) -> Counter[str]:
    answered: Counter[str] = Counter()

    async def ask_on(number: int) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if number < STREAMS_TRIED:
                    event = paths[number].partition("event_id=")[2].partition("&")[0]
                    status, headers = await _get(reader, writer, f"/api/events/{event}/stream", key)
                    answered[f"streams with status {status}"] += 1
                    if "content-length" not in headers:
                        while await reader.read(65_536):
                            pass
                for n in count(number, CONNECTIONS):
                    status, _ = await _get(reader, writer, paths[n % len(paths)], key, ACCEPTED[n % len(ACCEPTED)])
                    answered[f"questions with status {status}"] += 1

    work = [asyncio.create_task(ask_on(number)) for number in range(CONNECTIONS)]
    await asyncio.to_thread(sys.stdin.read)
    for one in work:
        one.cancel()
    return answered


if __name__ == "__main__":
    os.nice(19)
    given = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(asyncio.run(_be_hostile(int(sys.argv[1]), given["key"], given["paths"]))))
