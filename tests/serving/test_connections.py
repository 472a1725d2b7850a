"""Connections that a client leaves hanging: half a request, a response that nobody reads, more than any request has."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from serving.requests import connections
from tests.support import served_market
from tests.support.served_market import EVERYONE, id_of, serving
from tickettape.api_schema import create_key
from tickettape.database import Connection

HEAD_SECONDS = 0.3
WHOLE = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=[True])
def client(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A connection to the service; as a control, to one with uvicorn's own protocol."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", HEAD_SECONDS)
    if not request.param:
        monkeypatch.setattr(served_market, "TimedProtocol", AutoHTTPProtocol)
    with serving(database_url) as url, closing(_connected(url)) as made:
        yield made


def _connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=3 * HEAD_SECONDS)


def _until_closed(client: socket.socket) -> bytes:
    """What comes until the service closes the connection. Raises TimeoutError if it does not."""
    found = b""
    try:
        while piece := client.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def _send_until_cut_off(client: socket.socket, pieces: list[bytes], pause: float = 0) -> int:
    """How many pieces could be sent before the service closed the connection. Raises TimeoutError if it keeps it."""
    for number, piece in enumerate(pieces):
        try:
            client.sendall(piece)
        except (ConnectionResetError, BrokenPipeError):
            return number
        time.sleep(pause)
    return len(pieces)


def _response(client: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        found += client.recv(65_536)
    head, _, body = found.partition(b"\r\n\r\n")
    (length,) = (line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < int(length):
        body += client.recv(65_536)
    return head


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: local", WHOLE[:-2]])
def test_half_a_request_is_closed(client: socket.socket, sent: bytes) -> None:
    client.sendall(sent)
    started = time.monotonic()
    assert _until_closed(client) == b""
    assert time.monotonic() - started >= HEAD_SECONDS / 2


@pytest.mark.parametrize("client", [False], indirect=True)
def test_control_uvicorn_alone_keeps_half_a_request(client: socket.socket) -> None:
    client.sendall(WHOLE[:-2])
    with pytest.raises(TimeoutError):
        _until_closed(client)


def test_bytes_that_drip_do_not_buy_time(client: socket.socket) -> None:
    started = time.monotonic()
    drops = [bytes([byte]) for byte in WHOLE[:-2] + b"X: " + 100 * b"y"]
    assert _send_until_cut_off(client, drops, HEAD_SECONDS / 20) < len(drops)
    assert time.monotonic() - started < 3 * HEAD_SECONDS


def test_the_second_request_of_a_connection_has_the_same_time_and_whole_ones_are_answered(
    client: socket.socket,
) -> None:
    client.settimeout(10)  # the description is made once, which may take longer than a request may
    for _ in range(3):  # longer than the time for one
        client.sendall(WHOLE[:20])
        time.sleep(HEAD_SECONDS / 2)
        client.sendall(WHOLE[20:])
        assert _response(client).startswith(b"HTTP/1.1 200")
    client.sendall(WHOLE[:20])
    assert _until_closed(client) == b""


def test_a_request_that_takes_long_to_answer_keeps_its_connection(
    client: socket.socket, connection: Connection
) -> None:
    connection.execute(
        f"""create or replace function api.zones(event_id uuid) returns setof api.event_zone language plpgsql as $$
            begin perform pg_sleep({2 * HEAD_SECONDS}); end $$"""
    )
    path, key = f"/api/events/{id_of(connection, '1')}/zones", create_key(connection, EVERYONE)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert _response(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /" + 9_000 * b"x", 414),
        (b"GET /?" + 9_000 * b"x", 414),
        (b"GET /health HTTP/1.1\r\nX-Long: " + 40_000 * b"x", 431),
        (b"GET /health HTTP/1.1\r\nContent-Length: 200000000", 413),
        (b"POST /api/events HTTP/1.1\r\nContent-Length: 200000000", 413),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_read(
    client: socket.socket, request_head: bytes, status: int
) -> None:
    version = b"" if b"HTTP/1.1" in request_head else b" HTTP/1.1"
    client.sendall(request_head + version + b"\r\nHost: localhost\r\n\r\n")
    answer = _response(client)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/problem+json" in answer
    if status == 413:
        assert b"connection: close" in answer
        assert _until_closed(client) == b""


def test_nobody_waits_for_a_body_that_does_not_come(client: socket.socket) -> None:
    client.sendall(b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
    assert _response(client).startswith(b"HTTP/1.1 405")
    assert _until_closed(client) == b""


@pytest.mark.parametrize(
    "head", [b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_headers_and_bodies_without_an_end_are_cut_off(client: socket.socket, head: bytes) -> None:
    client.settimeout(5)
    client.sendall(head)
    piece = b"X-More: " + 8_000 * b"x" + b"\r\n"
    if b"chunked" in head:
        piece = b"2000\r\n" + 8_192 * b"x" + b"\r\n"
    assert _send_until_cut_off(client, 25_000 * [piece]) < 2_000  # the kernel's buffers hold some megabytes


def test_a_response_that_nobody_reads_is_given_up(client: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.2)
    client.settimeout(10)
    asked = 200 * [200 * WHOLE]  # 40,000 responses of 50 kB
    assert _send_until_cut_off(client, asked, 0.02) < len(asked)
