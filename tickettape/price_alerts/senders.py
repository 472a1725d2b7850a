"""Send a message to one destination: an allow-list of kinds, each with its own address.

Discord, Slack and Telegram are apprise's, whose URLs can do more than name a receiver (templates are read from files,
and parameters change servers). So an address is taken apart here, and only its ids and tokens are put into a URL.
"""

import base64
import hashlib
import hmac
import logging
import re
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from tickettape.mail import RefusedError, domain_of, plain_mail, smtp_server
from tickettape.price_alerts.messages import split_text
from tickettape.price_alerts.public_http import ForbiddenAddressError, post
from tickettape.price_alerts.sealing import AlertError
from tickettape.settings import Settings

KINDS = {
    "mail": (re.compile(r"[^@\s<>(),;:\"\[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}"), "name@example.com"),
    "discord": (
        re.compile(r"https://(?:discord|discordapp)\.com/api/webhooks/(\d{5,25})/([\w-]{20,120})"),
        "https://discord.com/api/webhooks/ID/TOKEN",
    ),
    "slack": (
        re.compile(r"https://hooks\.slack\.com/services/(\w{5,20})/(\w{5,20})/(\w{10,50})"),
        "https://hooks.slack.com/services/T…/B…/…",
    ),
    "telegram": (re.compile(r"(\d{5,15}:[\w-]{20,60})/(-?\d{3,20})"), "BOT-TOKEN/CHAT-ID"),
    "ntfy": (re.compile(r"https?://[^\s/@]+/[\w-]{1,64}"), "https://ntfy.sh/TOPIC"),
    "webhook": (re.compile(r"https?://[^\s@]+"), "https://example.com/path"),
}
"""Kind -> what its addresses look like, and an example."""

EXAMPLES = {kind: example for kind, (_, example) in KINDS.items()}
"""Kind -> an address of it."""

_APPRISE = {"discord": "discord://{}/{}/", "slack": "slack://{}/{}/{}/", "telegram": "tgram://{}/{}/"}
NTFY_BYTES = 4_000  # it takes 4,096

log = logging.getLogger(__name__)


class SendError(Exception):
    """A message was not taken. `retry_after`: seconds that the receiver asks for. `final`: it will never be taken."""

    def __init__(self, why: str, *, retry_after: float | None = None, final: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.final = final


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `message_id` is the same in every attempt, so that a receiver can tell a repeat.

    `facts`: what programs are told beside the text. `stop`: the link that stops it.
    """

    message_id: str
    title: str
    text: str
    written_at: datetime
    stop: str | None = None
    facts: Mapping[str, Any] | None = None


def check_address(kind: str, address: str) -> None:
    """Raise AlertError if this is no address of the kind."""
    if kind not in KINDS:
        raise AlertError(f"There is no kind of destination {kind!r}. There are {', '.join(KINDS)}.")
    pattern, example = KINDS[kind]
    if not pattern.fullmatch(address):
        raise AlertError(f"This is no address for {kind}. It looks like {example}.")


def send(kind: str, address: str, secret: str | None, message: Message, settings: Settings) -> None:
    """Send a message. Raises SendError if it was not taken. No error holds the address."""
    try:
        if kind == "mail":
            _send_mail(address, message, settings)
        elif kind in _APPRISE:
            _send_by_apprise(kind, address, message)
        elif kind == "ntfy":
            _send_to_ntfy(address, message, settings)
        else:
            _send_to_webhook(address, secret or "", message, settings)
    except ForbiddenAddressError as error:
        raise SendError(str(error), final=True) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SendError(f"It could not be reached: {type(error).__name__}.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise SendError(f"The mail server could not be used: {type(error).__name__}.") from None


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a webhook, as the specification Standard Webhooks has it."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _send_mail(address: str, message: Message, settings: Settings) -> None:
    if settings.price_alerts_smtp_url is None:
        raise SendError("PRICE_ALERTS_SMTP_URL is not set, so no mail can be sent.")
    url = settings.price_alerts_smtp_url.get_secret_value()
    sender = parse_qs(urlsplit(url).query).get("from", [""])[0]
    if not domain_of(sender):
        raise SendError("PRICE_ALERTS_SMTP_URL names no sender: add ?from=alerts@example.com.")
    mail = plain_mail(
        sender=sender,
        to=Address(addr_spec=address),
        subject=message.title,
        text=message.text,
        written_at=message.written_at,
        message_id=message.message_id,
        unsubscribe=message.stop,
    )
    try:
        with smtp_server(url) as send_mail:
            send_mail(mail)
    except RefusedError as error:
        raise SendError(str(error), final=error.code >= 550) from None


def _send_by_apprise(kind: str, address: str, message: Message) -> None:
    import apprise  # takes a quarter of a second, so it is imported only to send

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold the URLs, and so their secrets
    found = KINDS[kind][0].fullmatch(address)
    if found is None:
        raise SendError("Its address is not valid any more.", final=True)
    service = apprise.Apprise.instantiate(_APPRISE[kind].format(*found.groups()))
    if service is None:
        raise SendError("Its address is not valid any more.", final=True)
    service.overflow_mode = apprise.OverflowMode.SPLIT
    if not service.notify(title=message.title, body=message.text):
        raise SendError(f"{kind.capitalize()} did not take it.")


def _send_to_ntfy(address: str, message: Message, settings: Settings) -> None:
    for part in split_text(message.text, NTFY_BYTES):
        _judge(
            post(
                address,
                part.encode(),
                {"content-type": "text/plain; charset=utf-8"},
                params={"title": message.title},
                private=settings.price_alerts_private_addresses,
            )
        )


def _send_to_webhook(address: str, secret: str, message: Message, settings: Settings) -> None:
    timestamp = int(message.written_at.timestamp())
    said = {"title": message.title, "text": message.text, **(message.facts or {})}
    body = msgspec.json.encode({"type": "price_alert", "id": message.message_id, "data": said})
    headers = {
        "content-type": "application/json",
        "user-agent": "tickettape",
        "idempotency-key": message.message_id,
        "webhook-id": message.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signed(secret, message.message_id, timestamp, body),
    }
    _judge(post(address, body, headers, private=settings.price_alerts_private_addresses))


def _judge(answer: Any) -> None:
    if 200 <= answer.status < 300:
        return
    why = f"It answered {answer.status}."
    if 300 <= answer.status < 400:
        why = f"It answered {answer.status}, a redirect, and redirects are not followed."
    raise SendError(why, retry_after=answer.retry_after, final=answer.status == 410)
