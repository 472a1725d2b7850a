"""Real HTTP on loopback for the client's tests: a server that answers what a test tells it to."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Reply = Response | Callable[[Request], Awaitable[Response]]


@dataclass
class Asked:
    """One request as it arrived; `at` is monotonic seconds."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass
class ScriptedServer:
    """Answers requests with `replies` in turn; the last one is repeated for ever."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def script(self, *replies: Reply) -> None:
        self.replies, self.asked, self.most_at_once = list(replies), [], 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.asked.append(Asked(request.url.path, dict(request.query_params), dict(request.headers), time.monotonic()))
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            response = reply if isinstance(reply, Response) else await reply(request)
            await response(scope, receive, send)
        finally:
            self.at_once -= 1


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on a free loopback port; yields its URL."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=60)


@contextmanager
def resetting(resets: int, then: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server that resets its first connections, then answers `then`; yields its URL and a tally."""
    listener = socket.create_server(("127.0.0.1", 0))
    tally: list[int] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                tally.append(1)
                if len(tally) <= resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    connection.sendall(then)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", tally
    finally:
        # A blocked accept does not notice a close: wake it with one last connection.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=60)


def json_reply(body: bytes = b"{}", status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, media_type="application/json", headers=named)


def truncated() -> Response:
    """States a longer body than it sends, then the connection ends."""
    return Response(b'{"global": [', media_type="application/json", headers={"content-length": "5000"})


async def drip(_: Request, status: int = 200) -> Response:
    """A byte now and then, for ever: never silent long enough for a read time-out."""

    async def bytes_for_ever() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(bytes_for_ever(), status, media_type="application/json")


def after(seconds: float, reply: Response) -> Reply:
    async def later(_: Request) -> Response:
        await asyncio.sleep(seconds)
        return reply

    return later


OK = json_reply(b'{"ok": true}')
BUSY = json_reply(status=503)
