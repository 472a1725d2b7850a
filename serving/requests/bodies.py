"""Reading bodies: no larger and no slower than their limits, whatever a client announces."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.types import Message, Receive

from serving.responses.problems import Problem

MOST_BODY_BYTES = 65_536
BODY_SECONDS = 10.0


async def read_ahead(receive: Receive) -> Receive:
    """Read a whole body. Returns a `receive` that has it. Raises Problem 413 or 408."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    break
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > MOST_BODY_BYTES:
                    raise too_large(MOST_BODY_BYTES)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise too_slow(BODY_SECONDS) from None
    body: Message | None = {"type": "http.request", "body": b"".join(pieces), "more_body": False}

    async def again() -> Message:
        nonlocal body
        if body:
            message, body = body, None
            return message
        return await receive()

    return again


async def lines_of(request: Request, most_bytes: int, seconds: float) -> list[str]:
    """The lines of a body of text. Raises Problem 413, 408 or 422."""
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            stream: AsyncIterator[bytes] = request.stream()
            async for piece in stream:
                read += piece
                if len(read) > most_bytes:
                    raise too_large(most_bytes)
    except TimeoutError:
        raise too_slow(seconds) from None
    try:
        return read.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise Problem(422, f"The file is not UTF-8: {error.reason} at byte {error.start}.") from None


def too_large(most_bytes: int) -> Problem:
    """The refusal of a body."""
    return Problem(413, f"The body has more than {most_bytes} bytes.", headers={"connection": "close"})


def too_slow(seconds: float) -> Problem:
    """The refusal of a body that does not arrive."""
    return Problem(408, f"The body did not arrive within {seconds:g} s.", headers={"connection": "close"})
