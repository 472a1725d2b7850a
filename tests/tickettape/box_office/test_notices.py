"""Mail to buyers: decided once, sent at least once, under one Message-ID; and who wants none gets none."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest

from tests.support.box_office import BoxOffice
from tests.support.mail_server import REFUSED, Inbox, mail_server
from tickettape.box_office.notices import MOST_ATTEMPTS, send_notices, unsubscribe_page
from tickettape.box_office.orders import purchase
from tickettape.box_office.payments import refund
from tickettape.box_office.waitlist import join_waitlist, offer_what_is_free
from tickettape.mail import smtp_server
from tickettape.settings import Settings

FROM = "Tickets <tickets@example.com>"


@pytest.fixture
def server() -> Iterator[Inbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def office(office: BoxOffice) -> BoxOffice:
    """Nothing of other tests waits to be sent."""
    office.do("update notifications set sent_at = now() where sent_at is null")
    return office


def send(office: BoxOffice, server: Inbox, url: str | None = None) -> dict[str, int]:
    with smtp_server(server.url) as to:
        return send_notices(office.connection, to, FROM, url)


def offered(office: BoxOffice) -> int:
    """Somebody who waited and has an offer."""
    event, user = office.event(), office.user()
    join_waitlist(office.connection, user, event, tier_id=office.tier(event, 5))
    assert offer_what_is_free(office.connection, event) == 1
    return user


def refunded(office: BoxOffice) -> int:
    event, user = office.event(), office.user()
    refund(office.connection, order_id=purchase(office.connection, user, event, {office.tier(event, 5): 2}))
    return user


def email(office: BoxOffice, user: int) -> str:
    return str(office.one("select email from users where id = %s", user))


def test_a_notice_is_sent_once_and_says_what_happened(office: BoxOffice, server: Inbox) -> None:
    waits, gets_money = offered(office), refunded(office)
    assert send(office, server) == {"sent": 2, "refused": 0, "not wanted": 0}
    assert send(office, server)["sent"] == 0
    offer, money = server.mails
    assert (offer["To"], money["To"]) == (email(office, waits), email(office, gets_money))
    assert "held for you until" in offer.get_content().replace("\n", " ")
    assert "20.00 USD for A concert will be returned" in money.get_content()
    assert offer["List-Unsubscribe"].startswith("<mailto:tickets@example.com?subject=unsubscribe%20")
    assert money["List-Unsubscribe"] is None
    assert offer["Message-ID"] != money["Message-ID"]


def test_a_run_that_is_killed_after_it_sent_sends_again_under_the_same_id(office: BoxOffice, server: Inbox) -> None:
    offered(office)

    class KilledError(Exception):
        pass

    with smtp_server(server.url) as to:

        def die(mail: EmailMessage) -> None:
            to(mail)
            raise KilledError

        with pytest.raises(KilledError):
            send_notices(office.connection, die, FROM)
    assert send(office, server)["sent"] == 1
    first, again = server.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Message-ID"].endswith("@example.com>")


@pytest.mark.race
def test_two_who_send_at_once_send_each_notice_once(office: BoxOffice, server: Inbox) -> None:
    for _ in range(6):
        refunded(office)
    connections = [office.connect(), office.connect()]

    def work(number: int) -> int:
        with smtp_server(server.url) as to:
            return send_notices(connections[number], to, FROM)["sent"]

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 6
    assert len({mail["Message-ID"] for mail in server.mails}) == len(server.mails) == 6


def test_who_wants_no_mail_about_waitlists_still_hears_of_their_money(office: BoxOffice, server: Inbox) -> None:
    user = offered(office)
    send(office, server, "https://tickets.example/unsubscribe?token=")
    token = server.mails[0]["List-Unsubscribe"].partition("token=")[2].rstrip(">")
    assert len(token) == 32
    off = "select off_at from mail_preferences where user_id = %s"
    for said, wanted, gets in (("another", False, None), (token, None, True), (token, False, False)):
        assert office.one(off, user) is None
        assert office.one("select waitlist_mail(%s, %s)", said, wanted) is gets
    since = office.one(off, user)
    assert since is not None
    assert office.one("select waitlist_mail(%s, false)", token) is False
    assert office.one(off, user) == since  # twice is once
    office.do("insert into notifications (user_id, kind) values (%s, 'waitlist_offer')", user)
    office.do("insert into notifications (user_id, kind, amount) values (%s, 'payment_refund', 5)", user)
    assert send(office, server) == {"sent": 1, "refused": 0, "not wanted": 1}
    assert server.mails[-1]["Subject"] == "Your refund for your order"
    assert office.one("select count(*) from audit_log where changed::text like '%%' || %s || '%%'", token) == 0


def test_who_takes_it_back_hears_of_the_next_offer_and_of_none_before(office: BoxOffice, server: Inbox) -> None:
    user = offered(office)
    office.do("insert into mail_preferences (user_id, off_at) values (%s, now())", user)
    assert send(office, server) == {"sent": 0, "refused": 0, "not wanted": 1}
    token = office.one("select token from mail_preferences where user_id = %s", user)
    for said, wanted, gets in (("another", True, None), (token, None, False), (token, True, True)):
        assert office.one("select off_at is not null from mail_preferences where user_id = %s", user)
        assert office.one("select waitlist_mail(%s, %s)", said, wanted) is gets
    assert send(office, server)["sent"] == 0
    office.do("insert into notifications (user_id, kind) values (%s, 'waitlist_offer')", user)
    assert send(office, server)["sent"] == 1


def test_an_address_that_refuses_is_tried_again_and_given_up_and_blocks_nobody(
    office: BoxOffice, server: Inbox
) -> None:
    user = offered(office)
    office.do("update users set email = %s where id = %s", REFUSED, user)
    refunded(office)
    assert send(office, server) == {"sent": 1, "refused": 1, "not wanted": 0}
    for _ in range(MOST_ATTEMPTS):
        send(office, server)
    assert send(office, server)["refused"] == 0
    assert office.all("select attempts, error from notifications where user_id = %s", user) == [
        (MOST_ATTEMPTS, "refused: 550")
    ]
    office.do("update users set email = 'gone@example.com' where id = %s", user)


def test_an_erased_user_gets_no_mail(office: BoxOffice, server: Inbox) -> None:
    user = refunded(office)
    office.one("select erase_user(%s)", user)
    office.do("insert into notifications (user_id, kind, amount) values (%s, 'payment_refund', 5)", user)
    assert send(office, server) == {"sent": 0, "refused": 0, "not wanted": 1}
    assert server.mails == []
    token = office.one("select token from mail_preferences where user_id = %s", user)
    assert office.one("select waitlist_mail(%s, true)", token) is False


def test_a_mail_server_that_is_away_loses_nothing(office: BoxOffice, server: Inbox) -> None:
    offered(office)
    with pytest.raises(ConnectionRefusedError), smtp_server("smtp://127.0.0.1:1") as to:
        send_notices(office.connection, to, FROM)
    assert send(office, server)["sent"] == 1


@pytest.mark.parametrize(
    ("public_url", "page"),
    [
        ("https://tickets.example", "https://tickets.example/box-office/unsubscribe?token="),
        ("https://example.com/shop/", "https://example.com/shop/box-office/unsubscribe?token="),
        ("http://127.0.0.1:5000", None),  # a reader of the mail cannot reach it
    ],
)
def test_mail_links_to_the_service_if_its_readers_can_reach_it(public_url: str, page: str | None) -> None:
    assert unsubscribe_page(Settings(public_url=public_url)) == page
