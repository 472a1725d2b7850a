"""A hold of two seats over HTTP, compared with a GET of the event's details whose ETag matches, in turn with it."""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median

from bench.report import figure, heading, say
from bench.serving import service
from tests.support.box_office import BoxOffice
from tests.support.served_box_office import PREFIX, log_in
from tickettape.box_office import add_seats, check_permissions, create_event, discrepancies, grant_roles
from tickettape.box_office.sample_data import seat_plan
from tickettape.database import Connection

SECONDS = float(os.environ.get("BENCH_BOX_OFFICE_SECONDS", "5"))
CLIENTS, TURNS, SEATS = 16, 4, 80_000
SESSIONS = 64  # a person may not use the whole service


def run(connection: Connection, url: str) -> bool:
    """Print the figures; whether the bound holds."""
    heading(f"The box office over HTTP, {CLIENTS} clients: a hold of two seats, and an event whose ETag matches")
    if check_permissions(connection):
        grant_roles(connection)
    start = datetime.now(UTC) + timedelta(days=30)
    event = create_event(connection, "A concert", "A hall", start, status="on_sale")
    add_seats(connection, event, seat_plan(SEATS))
    connection.execute("set search_path = box_office")
    office = BoxOffice(url, connection)
    tokens = [log_in(office, office.user()) for _ in range(SESSIONS)]
    seats = iter(office.all("select id from stored_seats where event_id = %s order by random()", event))
    pairs = ([one, two] for (one,), (two,) in zip(seats, seats, strict=False))
    holding, asking = list[float](), list[float]()
    with service(url) as (_, port):
        asyncio.run(_load(port, tokens, _asks("/me"), 1))  # now the process knows the sessions
        for _ in range(TURNS):
            holding += asyncio.run(_load(port, tokens, _holds(event, pairs), SECONDS / TURNS))
            asking += asyncio.run(_load(port, tokens, _asks(f"/events/{event}"), SECONDS / TURNS))
    for name, times in (("hold", holding), ("matching ETag", asking)):
        say(f"{name}: {len(times) / SECONDS:,.0f} a second, median {median(times) * 1000:.1f} ms")
    holds = figure("a hold, times a GET whose ETag matches", median(holding) / median(asking), "×", most=4)
    return holds & figure("contradictions in the books at the end", len(discrepancies(connection)), "", most=0)


def _holds(event: int, pairs: Iterator[list[int]]) -> Iterator[tuple[str, str, str]]:
    """Requests: method and path, more headers, body."""
    for number, pair in zip(count(), pairs, strict=False):
        key = f"Idempotency-Key: {event}-{number}-{pair[0]}\r\nContent-Type: application/json\r\n"
        yield f"POST {PREFIX}/events/{event}/bookings", key, f'{{"seats": {pair}}}'


def _asks(path: str) -> Iterator[tuple[str, str, str]]:
    while True:
        yield f"GET {PREFIX}{path}", "", ""


async def _load(port: int, tokens: list[str], requests: Iterator[tuple[str, str, str]], seconds: float) -> list[float]:
    """Seconds of each answer."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        tag = ""
        while time.perf_counter() < end:
            what, more, body = next(requests)
            token = tokens[number % SESSIONS]
            number += CLIENTS
            asked = time.perf_counter()
            writer.write(
                f"{what} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{tag}{more}"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(headers.get("content-length", "0")))
            times.append(time.perf_counter() - asked)
            expected = "201" if body else "304" if tag else "200"
            if head.split()[1] != expected:
                raise RuntimeError(f"{what} was answered {head.splitlines()[0]}, not {expected}")
            if "etag" in headers:
                tag = f"If-None-Match: {headers['etag']}\r\n"
        writer.close()

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return times
