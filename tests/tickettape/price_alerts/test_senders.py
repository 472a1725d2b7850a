"""Each kind of destination with its real protocol, on loopback."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from tests.support.loopback_servers import OK, ScriptedServer, json_reply, served
from tests.support.mail_server import Inbox
from tickettape.incidents import send_message
from tickettape.price_alerts.sealing import AlertError
from tickettape.price_alerts.senders import KINDS, Message, SendError, check_address, send
from tickettape.settings import Settings

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = f"whsec_{base64.b64encode(b'a secret of 24 bytes ...').decode()}"


def message(**said: Any) -> Message:
    whole: dict[str, Any] = {"message_id": "price-alert-7", "title": "Wagner – für 95", "text": "Zeile 1\nZeile 2"}
    return Message(**whole | {"written_at": NOW, "stop": "https://x/alerts/stop?rule=1"} | said)


def test_a_mail_has_a_message_id_of_its_own_and_a_link_that_stops_it(settings: Settings, inbox: Inbox) -> None:
    for _ in range(2):
        send("mail", "ann@example.com", None, message(), settings)
    first, again = inbox.mails
    assert isinstance(first, EmailMessage)
    assert (first["subject"], first["to"], first["from"]) == (
        "Wagner – für 95",
        "ann@example.com",
        "alerts@tickettape.example",
    )
    assert first["message-id"] == again["message-id"] == "<price-alert-7@tickettape.example>"
    assert first["list-unsubscribe"] == "<https://x/alerts/stop?rule=1>"
    assert first.get_content().splitlines() == ["Zeile 1", "Zeile 2"]


@pytest.mark.parametrize(("refusal", "final"), [("550 no such user", True), ("451 later", False)])
def test_a_recipient_that_the_mail_server_refuses(settings: Settings, inbox: Inbox, refusal: str, final: bool) -> None:
    inbox.refusal = refusal
    with pytest.raises(SendError, match="refused the recipient") as refused:
        send("mail", "ann@example.com", None, message(), settings)
    assert refused.value.final is final
    assert "ann@" not in str(refused.value)


def test_a_mail_server_that_is_gone_or_not_set(settings: Settings) -> None:
    for url, why in (("smtp://127.0.0.1:1?from=a@b.example", "could not be used"), ("smtp://127.0.0.1:1", "no sender")):
        gone = settings.model_copy(update={"price_alerts_smtp_url": SecretStr(url)})
        with pytest.raises(SendError, match=why):
            send("mail", "ann@example.com", None, message(), gone)
    unset = settings.model_copy(update={"price_alerts_smtp_url": None})
    with pytest.raises(SendError, match="is not set"):
        send("mail", "ann@example.com", None, message(), unset)


class Hook:
    """A webhook that checks signatures as the specification says, with its own code."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.ids: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body, headers = await request.body(), request.headers
        content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        genuine = headers["webhook-signature"] == f"v1,{expected}"
        self.bodies.append(json.loads(body))
        self.ids.append(headers["idempotency-key"])
        await Response(status_code=204 if genuine else 401)(scope, receive, send)


def test_a_webhook_is_signed(settings: Settings) -> None:
    hook = Hook()
    with served(hook) as url:
        send("webhook", url, SECRET, message(facts={"outcome": "tell"}), settings)
        assert hook.ids == ["price-alert-7"]
        assert hook.bodies[0]["data"] == {"title": "Wagner – für 95", "text": "Zeile 1\nZeile 2", "outcome": "tell"}
        with pytest.raises(SendError, match="401"):
            send("webhook", url, "whsec_b3RoZXI=", message(), settings)


@pytest.mark.parametrize(
    ("reply", "retry_after", "final"),
    [
        (json_reply(status=500), None, False),
        (json_reply(status=429, retry_after="120"), 120, False),
        (json_reply(status=410), None, True),
        (json_reply(status=302, location="http://169.254.169.254/"), None, False),
    ],
)
def test_a_webhook_that_does_not_take_it(
    settings: Settings, server: ScriptedServer, reply: Response, retry_after: float | None, final: bool
) -> None:
    server.script(reply)
    with pytest.raises(SendError) as refused:
        send("webhook", server.url, SECRET, message(), settings)
    assert (refused.value.retry_after, refused.value.final) == (retry_after, final)


def test_an_address_inside_is_refused_for_good(settings: Settings, server: ScriptedServer) -> None:
    server.script(OK)
    closed = settings.model_copy(update={"price_alerts_private_addresses": False})
    for kind, address in (("webhook", server.url), ("ntfy", f"{server.url}/topic")):
        with pytest.raises(SendError, match="not a public address") as refused:
            send(kind, address, SECRET, message(), closed)
        assert refused.value.final
    assert server.asked == []


def test_ntfy_takes_a_long_text_in_parts(settings: Settings, server: ScriptedServer) -> None:
    server.script(OK)
    send("ntfy", f"{server.url}/tickets", None, message(text="Eine Zeile.\n" * 800), settings)
    assert len(server.asked) == 3
    assert {asked.params["title"] for asked in server.asked} == {"Wagner – für 95"}
    assert max(int(asked.headers["content-length"]) for asked in server.asked) <= 4_096


class Discord:
    """Takes what Discord takes: at most 2,000 characters."""

    def __init__(self) -> None:
        self.contents: list[str] = []
        self.refused = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content = json.loads(await Request(scope, receive).body())["content"]
        too_long = len(content) > 2_000
        self.refused += too_long
        if not too_long:
            self.contents.append(content)
        await Response(status_code=400 if too_long else 204)(scope, receive, send)


LONG = "\n".join(f"Section {number}, row A: two tickets." for number in range(300))
HOOK = f"https://discord.com/api/webhooks/{'1' * 18}/{'t' * 68}"


@pytest.fixture
def discord(monkeypatch: pytest.MonkeyPatch) -> Any:
    from apprise.plugins.discord import NotifyDiscord

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = Discord()
    with served(service) as url:
        monkeypatch.setattr(NotifyDiscord, "notify_url", url)
        monkeypatch.setattr(NotifyDiscord, "request_rate_per_sec", 0)
        yield service


def test_a_long_alert_reaches_discord_in_parts(settings: Settings, discord: Discord) -> None:
    send("discord", HOOK, None, message(text=LONG), settings)
    assert discord.refused == 0
    assert "Section 0, row A" in discord.contents[0]
    assert "Section 299, row A" in discord.contents[-1]


def test_a_long_incident_reaches_discord_in_parts(discord: Discord) -> None:
    assert send_message(f"discord://{'1' * 18}/{'t' * 68}/", "An incident", LONG)
    assert discord.refused == 0
    assert "Section 299, row A" in discord.contents[-1]


def test_control_discord_refuses_what_is_not_split(discord: Discord) -> None:
    assert not send_message(f"discord://{'1' * 18}/{'t' * 68}/?overflow=upstream", "An incident", LONG)
    assert discord.refused == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "discord://1/2?template=file:///etc/passwd",
        "https://a.example/ https://b.example/",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_none_of_its_kind_is_refused(kind: str, address: str) -> None:
    with pytest.raises(AlertError, match="no address for"):
        check_address(kind, address)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("mail", "ann@example.com"),
        ("discord", HOOK),
        ("slack", "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
        ("telegram", "123456789:AAaaBBbbCCccDDddEEeeFFffGGggHHhh123/-100123456"),
        ("ntfy", "https://ntfy.sh/my-tickets"),
        ("webhook", "https://example.com/hook?token=1"),
    ],
)
def test_an_address_of_each_kind(kind: str, address: str) -> None:
    check_address(kind, address)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(AlertError, match="There are mail, discord"):
        check_address("fax", "1")
