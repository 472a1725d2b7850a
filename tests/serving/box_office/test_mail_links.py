"""A link in a notice ends mail about waitlists, by a button or a mail program's one click, and takes it back."""

import re
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.mail_server import mail_server
from tests.support.served_box_office import Shop
from tickettape.box_office import UNSUBSCRIBE
from tickettape.box_office.notices import send_notices
from tickettape.box_office.waitlist import join_waitlist, offer_what_is_free
from tickettape.mail import smtp_server


@pytest.fixture
def link(shop: Shop) -> tuple[int, str]:
    """A buyer who waited and was offered tickets, and the link in their mail."""
    office = shop.office
    office.do("update notifications set sent_at = now() where sent_at is null")
    event, user = office.event(), office.user()
    join_waitlist(office.connection, user, event, tier_id=office.tier(event, 5))
    assert offer_what_is_free(office.connection, event) == 1
    with mail_server() as inbox, smtp_server(inbox.url) as to:
        send_notices(office.connection, to, "tickets@example.com", f"{shop.http.base_url}{UNSUBSCRIBE}?token=")
    (mail,) = inbox.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(mail["List-Unsubscribe"]).strip("<>")
    assert address in mail.get_content()
    return user, address


def wants_mail(shop: Shop, user: int) -> bool:
    return bool(shop.office.one("select off_at is null from mail_preferences where user_id = %s", user))


def button_of(page: httpx.Response) -> str:
    """Where the one button of a page leads."""
    [action] = re.findall(r'<form method="post" action="([^"]+)">', page.text)
    return urljoin(str(page.url), str(action))


def test_one_click_of_a_mail_program_ends_it_without_a_login(shop: Shop, link: tuple[int, str]) -> None:
    user, address = link
    for _ in range(2):  # twice is once
        answer = shop.http.post(address, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, "No more mail about waitlists" in answer.text) == (200, True)
        assert not wants_mail(shop, user)


def test_a_scanner_that_follows_the_link_ends_nothing_and_the_button_does(shop: Shop, link: tuple[int, str]) -> None:
    user, address = link
    page = shop.http.get(address)
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
    assert "script" not in page.text
    assert wants_mail(shop, user)
    assert button_of(page) == address
    assert shop.http.post(address).status_code == 200
    assert not wants_mail(shop, user)


def test_the_page_that_ends_it_takes_it_back_without_a_login_and_only_by_its_button(
    shop: Shop, link: tuple[int, str]
) -> None:
    user, address = link
    ended = shop.http.post(address)
    assert "Send me mail about waitlists again" in ended.text
    again = button_of(ended)
    assert again == address.replace("unsubscribe", "resubscribe")
    for followed in (address, again):  # the link in the mail, opened again, shows that it is ended
        page = shop.http.get(followed)
        assert (page.status_code, "No more mail about waitlists" in page.text) == (200, True)
        assert button_of(page) == again
        assert not wants_mail(shop, user)
    for _ in range(2):  # twice is once
        page = shop.http.post(again, headers={"origin": "null"})  # what a browser sends for a page without a referrer
        assert (page.status_code, "You get mail about waitlists" in page.text) == (200, True)
        assert wants_mail(shop, user)
    assert button_of(page) == address
    shop.http.post(address, data={"List-Unsubscribe": "One-Click"})
    assert not wants_mail(shop, user)


@pytest.mark.parametrize("wanted", [True, False])
def test_another_token_changes_nothing(shop: Shop, link: tuple[int, str], wanted: bool) -> None:
    user, address = link
    if not wanted:
        shop.http.post(address)
        address = address.replace("unsubscribe", "resubscribe")
    for method in ("GET", "POST"):
        answer = shop.http.request(method, address[:-1])
        assert (answer.status_code, "This link is not valid" in answer.text) == (404, True)
    assert shop.http.post(address.partition("?")[0]).status_code == 422
    assert wants_mail(shop, user) is wanted
