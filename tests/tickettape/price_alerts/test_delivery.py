"""From a decision to a received message: at least once, with one message id."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.loopback_servers import OK, ScriptedServer, after, json_reply
from tests.support.mail_server import Inbox
from tests.support.markets import NOON, TEN
from tests.support.priced_listings import Show, add_rule, tenant_of
from tickettape.database import Connection, Warehouse, try_lock
from tickettape.price_alerts import delivery, senders
from tickettape.price_alerts.delivery import MOST_ATTEMPTS, deliver_due, pause_after, retry_dead
from tickettape.price_alerts.evaluation import evaluate_alerts
from tickettape.price_alerts.public_http import post
from tickettape.price_alerts.sealing import AlertError, Sealing
from tickettape.price_alerts.senders import send
from tickettape.settings import Settings

MINUTE = timedelta(minutes=1)
SECRET = "whsec_c2VjcmV0"


class Times:
    """The time of day, as a test moves it."""

    def __init__(self) -> None:
        self.now = NOON + MINUTE

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


def destination(connection: Connection, settings: Settings, kind: str, address: str, *, verified: bool = True) -> UUID:
    sealing = Sealing.of(settings)
    row = connection.execute(
        """insert into price_alerts.destinations (tenant_id, name, kind, address, secret, verified_at)
           values (%s, 'me', %s, %s, %s, %s) returning destination_id""",
        [
            *(tenant_of(connection), kind, sealing.encrypt(address), sealing.encrypt(SECRET)),
            NOON if verified else None,
        ],
    ).fetchone()
    assert row
    return UUID(str(row[0]))


def decide(connection: Connection, **said: Any) -> Show:
    """A rule whose price stands at noon."""
    show = Show(connection)
    add_rule(connection, tenant_of(connection), show, captures=1, **said)
    show.shows(NOON, "VB1/7:95")
    done = evaluate_alerts(connection, NOON + MINUTE, {"simulator": TEN})
    assert done
    assert done.outcomes["tell"] == 1
    return show


def deliver(connection: Connection, settings: Settings, times: Times) -> dict[str, int]:
    return dict(deliver_due(connection, settings, times, for_at_most=MINUTE))


def outbox(connection: Connection) -> tuple[Any, ...]:
    row = connection.execute(
        """select attempts, unknown_outcomes, delivered_at is not null, dead_at is not null, error,
               next_attempt_at from price_alerts.deliveries"""
    ).fetchone()
    assert row
    return row


def test_a_mail_arrives_with_what_the_person_needs(
    connection: Connection, settings: Settings, inbox: Inbox, times: Times
) -> None:
    decide(connection, name="Two for 100", destination_id=destination(connection, settings, "mail", "a@b.example"))
    assert deliver(connection, settings, times) == {"delivered": 1}
    assert deliver(connection, settings, times) == {}
    (mail,) = inbox.mails
    assert mail["subject"] == "An evening for USD 95.00"
    text = mail.get_content()
    assert "Section 101, row 7, 2 tickets (Lower)" in text
    assert "Per ticket: USD 95.00 with fees, USD 76.00 before fees" in text
    assert "1 minute before this message" in text
    assert "Stop this alert: https://tickets.example.com/alerts/stop?rule=" in text


def test_nothing_is_sent_to_a_destination_that_is_not_verified(
    connection: Connection, settings: Settings, inbox: Inbox, times: Times
) -> None:
    decide(connection, destination_id=destination(connection, settings, "mail", "a@b.example", verified=False))
    assert deliver(connection, settings, times) == {}
    assert inbox.mails == []


@pytest.fixture
def hooked(connection: Connection, settings: Settings, server: ScriptedServer) -> ScriptedServer:
    """A rule that has told a webhook's destination, which answers as a test scripts it."""
    decide(connection, destination_id=destination(connection, settings, "webhook", server.url))
    return server


def test_a_receiver_that_fails_is_tried_again_with_the_same_id(
    connection: Connection, settings: Settings, hooked: ScriptedServer, times: Times
) -> None:
    hooked.script(json_reply(status=500), OK)
    assert deliver(connection, settings, times) == {"postponed": 1}
    assert deliver(connection, settings, times) == {}  # not at once
    times.now += MINUTE
    assert deliver(connection, settings, times) == {"delivered": 1}
    assert len({asked.headers["webhook-id"] for asked in hooked.asked}) == 1
    assert outbox(connection)[:5] == (2, 0, True, False, None)


def test_retry_after_is_kept(connection: Connection, settings: Settings, hooked: ScriptedServer, times: Times) -> None:
    hooked.script(json_reply(status=429, retry_after="900"), OK)
    deliver(connection, settings, times)
    assert outbox(connection)[5] == times.now + timedelta(seconds=900)
    times.now += timedelta(seconds=899)
    assert deliver(connection, settings, times) == {}
    times.now += timedelta(seconds=1)
    assert deliver(connection, settings, times) == {"delivered": 1}


def test_a_slow_receiver_is_given_up_for_now(
    connection: Connection,
    settings: Settings,
    hooked: ScriptedServer,
    times: Times,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "post", lambda *given, **named: post(*given, **named, seconds=0.2))
    hooked.script(after(1, OK))
    assert deliver(connection, settings, times) == {"postponed": 1}
    assert outbox(connection)[4] == "It could not be reached: ReadTimeout."


def test_what_is_never_taken_ends_on_the_dead_letter_list_and_can_be_tried_again(
    connection: Connection, settings: Settings, hooked: ScriptedServer, times: Times
) -> None:
    hooked.script(json_reply(status=500))
    ends = []
    for _ in range(MOST_ATTEMPTS):
        ends += list(deliver(connection, settings, times))
        times.now += timedelta(hours=1)
    assert ends == ["postponed"] * (MOST_ATTEMPTS - 1) + ["dead"]
    assert deliver(connection, settings, times) == {}
    assert outbox(connection)[2:5] == (False, True, "It answered 500.")
    assert retry_dead(connection, times.now, UUID(int=9)) == 0  # another tenant's
    assert retry_dead(connection, times.now) == 1
    hooked.script(OK)
    assert deliver(connection, settings, times) == {"delivered": 1}


def test_a_receiver_that_is_gone_for_good_is_not_asked_again(
    connection: Connection, settings: Settings, hooked: ScriptedServer, times: Times
) -> None:
    hooked.script(json_reply(status=410))
    assert deliver(connection, settings, times) == {"dead": 1}


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize(("accepted", "messages"), [(True, 2), (False, 1)])
def test_a_kill_repeats_a_message_only_after_it_was_accepted_and_that_is_counted(
    connection: Connection,
    settings: Settings,
    hooked: ScriptedServer,
    times: Times,
    monkeypatch: pytest.MonkeyPatch,
    accepted: bool,
    messages: int,
) -> None:
    hooked.script(OK)

    def killed(*arguments: Any) -> None:
        if accepted:
            send(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "send", killed)
        with pytest.raises(Killed):
            deliver(connection, settings, times)
    assert deliver(connection, settings, times) == {}  # claimed: perhaps it is still being sent
    times.now += delivery.CLAIMED_FOR
    assert deliver(connection, settings, times) == {"delivered": 1}
    assert len(hooked.asked) == messages
    assert len({asked.headers["idempotency-key"] for asked in hooked.asked}) == 1
    assert outbox(connection)[:3] == (2, 1, True)


def test_two_programs_do_not_send_a_message_twice(
    warehouse: Warehouse, connection: Connection, settings: Settings, hooked: ScriptedServer, times: Times
) -> None:
    hooked.script(OK)
    with warehouse.connection() as other, try_lock(other, "deliver price alerts"):
        assert deliver(connection, settings, times) == {}
    assert deliver(connection, settings, times) == {"delivered": 1}


def test_an_error_that_nobody_expects_holds_neither_the_address_nor_the_others(
    connection: Connection,
    settings: Settings,
    hooked: ScriptedServer,
    times: Times,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(hooked.url)

    monkeypatch.setattr(delivery, "send", broken)
    assert deliver(connection, settings, times) == {"postponed": 1}
    assert outbox(connection)[4] == "It failed: RuntimeError."
    assert hooked.url not in caplog.text


def test_without_a_key_nothing_is_sent(connection: Connection, times: Times) -> None:
    with pytest.raises(AlertError, match="PRICE_ALERTS_KEY is not set"):
        deliver(connection, Settings(), times)


def test_pauses_grow_to_an_hour() -> None:
    pauses = [pause_after(attempts, None) / MINUTE for attempts in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause_after(1, 1e9) == timedelta(hours=2)
