"""Accounts over HTTP: nobody learns who has one, sessions end when they should, and a cookie cannot be misused."""

import hashlib
import time
import uuid

import httpx
import pytest

from serving.requests.sessions import COOKIE
from tests.support.served_box_office import PREFIX, Shop, log_in, shopping
from tests.support.served_market import serving
from tickettape.settings import Settings

PASSWORD = "correct horse battery"
OWN_PAGE = {"sec-fetch-site": "same-origin"}


def address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def sign_up(shop: Shop, email: str, password: str = PASSWORD) -> httpx.Response:
    return shop.http.post(f"{PREFIX}/users", json={"email": email, "password": password, "full_name": "Ann Example"})


def enter(shop: Shop, email: str, password: str = PASSWORD, **more: object) -> httpx.Response:
    return shop.http.post(f"{PREFIX}/sessions", json={"email": email, "password": password, **more})


def as_bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_who_signs_up_logs_in_with_any_letter_case_and_logs_out(shop: Shop) -> None:
    email = address()
    assert sign_up(shop, email.upper()).status_code == 202
    login = enter(shop, f" {email.title()} ")
    assert login.status_code == 201
    token, user = login.json()["token"], login.json()["user"]
    assert (user["email"], user["full_name"], user["promoter"]) == (email, "Ann Example", None)
    assert shop.http.get(f"{PREFIX}/me", headers=as_bearer(token)).json() == user
    assert shop.http.delete(f"{PREFIX}/sessions/current", headers=as_bearer(token)).status_code == 204
    refused = shop.http.get(f"{PREFIX}/me", headers=as_bearer(token))
    assert (refused.status_code, refused.json()["kind"]) == (401, "session")


def test_the_table_of_sessions_holds_no_token_and_the_log_says_who_came_and_went(shop: Shop) -> None:
    email = address()
    sign_up(shop, email)
    login = enter(shop, email).json()
    stored = shop.office.one("select token_sha256 from sessions where id = %s", login["session_id"])
    assert stored == hashlib.sha256(login["token"].encode()).digest()
    assert shop.office.one("select password_hash from users where email = %s", email).startswith("$argon2id$")
    shop.http.delete(f"{PREFIX}/sessions", headers=as_bearer(login["token"]))
    query = "select action from audit_log where relation = 'sessions' and row_id = %s order by id"
    assert shop.office.all(query, login["session_id"]) == [("LOGIN",), ("LOGOUT",)]


def test_nobody_learns_from_the_answers_which_addresses_have_an_account(shop: Shop) -> None:
    email = address()
    first, again = sign_up(shop, email), sign_up(shop, email, "another password")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert enter(shop, email).status_code == 201, "the first password stays"
    wrong, unknown = enter(shop, email, "wrong password"), enter(shop, address(), "wrong password")
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json()) == (401, wrong.json())
    assert wrong.headers.keys() == unknown.headers.keys()


def test_an_unknown_address_takes_as_much_work_as_a_known_one(shop: Shop) -> None:
    email = address()
    sign_up(shop, email)

    def seconds(known: bool) -> float:
        started = time.perf_counter()
        enter(shop, email if known else address(), "wrong password")
        return time.perf_counter() - started

    # the least of seven, taken by turns: other work on the machine only adds
    known, unknown = map(min, zip(*((seconds(True), seconds(False)) for _ in range(7)), strict=True))
    # a hash is some fifty times what the rest of the request takes: without it the ratio would be below 0.2
    assert 0.4 < unknown / known < 2.5


def test_the_hash_of_another_system_is_renewed_at_a_login(shop: Shop) -> None:
    import bcrypt

    email = address()
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    shop.office.do("insert into users (email, full_name, password_hash) values (%s, 'Old', %s)", email, old)
    assert enter(shop, email).status_code == 201
    assert shop.office.one("select password_hash from users where email = %s", email).startswith("$argon2id$")
    assert enter(shop, email).status_code == 201


def test_a_session_ends_with_its_time_with_the_user_and_when_it_is_revoked(shop: Shop) -> None:
    user = shop.office.user()
    tokens = [log_in(shop.office, user, seconds=seconds) for seconds in (3_600, 3_600, 3_600, -1)]

    def statuses() -> list[int]:
        return [shop.http.get(f"{PREFIX}/me", headers=as_bearer(token)).status_code for token in tokens]

    assert statuses() == [200, 200, 200, 401]
    mine = shop.http.get(f"{PREFIX}/sessions", headers=as_bearer(tokens[1])).json()["data"]
    assert [one["current"] for one in mine] == [False, True, False]
    gone = shop.http.delete(f"{PREFIX}/sessions/{mine[2]['session_id']}", headers=as_bearer(tokens[1]))
    assert gone.status_code == 204
    assert statuses() == [401, 200, 200, 401]
    other = shop.buyer()
    assert other.post(f"/sessions/{mine[0]['session_id']}", method="DELETE").status_code == 404
    shop.office.one("select erase_user(%s)", user)
    assert statuses() == [401, 401, 401, 401]


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_sites(shop: Shop) -> None:
    email = address()
    sign_up(shop, email)
    assert enter(shop, email, cookie=True).status_code == 403, "not from a page"
    body = {"email": email, "password": PASSWORD, "cookie": True}
    login = shop.http.post(f"{PREFIX}/sessions", json=body, headers=OWN_PAGE)
    assert login.json()["token"] is None
    flags = {flag.strip().lower() for flag in login.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/api/box-office"} <= flags
    cookie = {"cookie": f"{COOKIE}={login.cookies[COOKIE]}"}
    assert shop.http.get(f"{PREFIX}/me", headers=cookie).status_code == 200
    shop.http.cookies.clear()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN_PAGE, 404),
        ({"origin": "{own}"}, 404),
        ({"sec-fetch-site": "cross-site", "origin": "{own}"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_cookie_counts_for_a_write_only_from_a_page_of_this_service(
    shop: Shop, headers: dict[str, str], status: int
) -> None:
    token = log_in(shop.office, shop.office.user())
    own = str(shop.http.base_url).rstrip("/")
    sent = {name: value.format(own=own) for name, value in headers.items()}
    sent |= {"cookie": f"{COOKIE}={token}", "idempotency-key": "one"}
    assert shop.http.post(f"{PREFIX}/orders/1/cancel", headers=sent).status_code == status
    assert shop.http.get(f"{PREFIX}/me", headers=sent).status_code == 200


def test_passwords_are_tried_a_few_times_in_a_minute_by_address_and_by_account(shop: Shop, box_office_url: str) -> None:
    with serving(box_office_url, Settings(logins_per_minute=3)) as url, shopping(shop.office, url) as limited:
        email = address()
        assert sign_up(limited, email).status_code == 202
        assert {enter(limited, email).status_code for _ in range(5)} == {201}, "what succeeds is not counted"
        statuses = [enter(limited, email, "wrong password").status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        refused = sign_up(limited, address())
        assert (refused.status_code, 0 < int(refused.headers["retry-after"]) <= 61) == (429, True)


def test_an_address_that_no_column_can_hold_is_refused_with_a_reason(shop: Shop) -> None:
    for body in (
        {"email": "nobody", "password": PASSWORD, "full_name": "A"},
        {"email": "a@b", "password": "short", "full_name": "A"},
        {"email": "a@b", "password": PASSWORD, "full_name": "  "},
        {"email": "a@b", "password": PASSWORD, "full_name": "A", "role": "admin"},
        {"email": "a\u0000@b", "password": PASSWORD, "full_name": "A"},
    ):
        refused = shop.http.post(f"{PREFIX}/users", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"]
