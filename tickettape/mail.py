"""Mail to people over SMTP. What it says, and what happens if it is not taken, belongs to whoever sends it."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

SECONDS = 20.0  # for the connection, and for each reply of the server

Send = Callable[[EmailMessage], None]
"""Send a mail. Raises RefusedError, or OSError or SMTPException if the server cannot be used."""


class RefusedError(Exception):
    """The server takes no mail for the recipient. `code`: its reply, 550 or more if it will never."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The mail server refused the recipient ({code}).")
        self.code = code


def address_of(sender: str) -> str:
    """The address of a sender: of `Tickets <tickets@example.com>`, what stands in brackets."""
    return parseaddr(sender)[1]


def domain_of(sender: str) -> str:
    """The domain of a sender's address; empty: there is none."""
    return address_of(sender).partition("@")[2]


def plain_mail(
    *,
    sender: str,
    to: str | Address,
    subject: str,
    text: str,
    written_at: datetime,
    message_id: str,
    unsubscribe: str | None = None,
) -> EmailMessage:
    """A mail of plain text. With the same `message_id`, a mail client shows a mail that was sent twice as one.

    `unsubscribe`: a `mailto:` address, or a page that ends such mail with one click (RFC 8058).
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(written_at)
    mail["Message-ID"] = f"<{message_id}@{domain_of(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        if not unsubscribe.startswith("mailto:"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(text)
    return mail


@contextmanager
def smtp_server(url: str) -> Iterator[Send]:
    """A connection to smtp://user:password@host:587 (STARTTLS if the server offers it), or smtps://…:465.

    The server's certificate is checked before the password is sent. Raises OSError or SMTPException.
    """
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        connected: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=context)
    else:
        connected = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
    with connected as server:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))

        def send(mail: EmailMessage) -> None:
            try:
                server.send_message(mail)
            except smtplib.SMTPRecipientsRefused as error:
                (code, _), *_ = error.recipients.values()
                raise RefusedError(code) from None

        yield send
