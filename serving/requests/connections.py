"""Connections of clients: how long a request may take to arrive, and a response to leave.

uvicorn waits without a limit for the rest of a request, and for a client that does not read its response. So each of
them could keep a connection, and what it sends in the memory of the process. The limits here are of the protocol,
because the application first hears of a request when all its headers have arrived.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 10.0  # from the connection, or from the first byte of a later request, to the end of the headers
SILENT_SECONDS = 60.0  # in which a client must read something, if a response waits for it
MOST_UNREAD_BYTES = 131_072  # after the headers of a request: of its body, and of the headers of the next one


class TimedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by what is installed
    """uvicorn's protocol, with limits of time and size for what has not reached the application."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._silence_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected, and has sent nothing yet."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """A piece of a request. It may be the end of one and the beginning of another."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._unread = 0
            self._disarm_head_timer()
            return
        self._unread += len(data)
        if self._is_idle() and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        # while a request waits for its response, uvicorn stops reading
        if self._unread > MOST_UNREAD_BYTES and (self._is_idle() or self.cycle.response_started):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        self._disarm_head_timer()
        self._disarm_silence_timer()

    def pause_writing(self) -> None:
        """The client reads more slowly than the response is written."""
        super().pause_writing()
        self._watch_silence(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has read nearly all."""
        super().resume_writing()
        self._disarm_silence_timer()

    def _is_idle(self) -> bool:
        """Whether no request is being answered, so that the next bytes are those of a request's headers."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _watch_silence(self, unsent: int) -> None:
        def look() -> None:
            if self.transport.get_write_buffer_size() >= unsent:
                self.transport.abort()
            else:
                self._watch_silence(self.transport.get_write_buffer_size())

        self._disarm_silence_timer()
        self._silence_timer = self.loop.call_later(SILENT_SECONDS, look)

    def _disarm_head_timer(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _disarm_silence_timer(self) -> None:
        if self._silence_timer:
            self._silence_timer.cancel()
            self._silence_timer = None
