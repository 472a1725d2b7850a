"""A mail server that receives: real SMTP on loopback."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

REFUSED = "nobody@example.com"
"""An address that the server does not know."""


@dataclass
class Inbox:
    """What arrived. `refusal`: the server's reply to a recipient, if it takes none. `logins`: how many logged in."""

    url: str = ""
    logins: int = 0
    refusal: str | None = None
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd calls it so
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refusal or address == REFUSED:
            return self.refusal or "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def let_in(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        """Take any password."""
        self.logins += 1
        return AuthResult(success=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, *, starttls: bool = True) -> Iterator[Inbox]:
    """A mail server on a free port; its URL is a value of PRICE_ALERTS_SMTP_URL. `tls`: it has a certificate, which it
    shows after STARTTLS, or from the start."""
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # aiosmtpd connects to the port that it is told
    more: dict[str, Any] = {} if tls is None else {"tls_context" if starttls else "ssl_context": tls}
    more |= {"authenticator": inbox.let_in, "auth_require_tls": starttls}  # what it calls TLS is STARTTLS
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        inbox.url = f"smtp://127.0.0.1:{port}?from=alerts@tickettape.example"
        yield inbox
    finally:
        controller.stop()
