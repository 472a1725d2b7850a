"""What a request may cost: its body, its time, and others behind the same address."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from serving.requests import bodies
from tests.support.served_box_office import PREFIX, Client, Shop


def test_a_body_is_bounded_whether_or_not_its_length_is_told(shop: Shop) -> None:
    told = shop.http.post(f"{PREFIX}/users", content=b" " * 70_000)
    untold = shop.http.post(f"{PREFIX}/users", content=(b" " * 10_000 for _ in range(7)))
    promoter = shop.promoter()
    event = shop.office.event(promoter_id=shop.of(promoter))
    headers = {"authorization": f"Bearer {promoter.token}", "idempotency-key": "one"}
    path = f"{PREFIX}/promoter/events/{event}/seats"
    told_file = shop.http.post(path, content=b" " * 8_000_001, headers=headers)
    untold_file = shop.http.post(path, content=(b" " * 1_000_000 for _ in range(9)), headers=headers)
    assert [one.status_code for one in (told, untold, told_file, untold_file)] == [413] * 4
    assert "more than 65536 bytes" in untold.json()["detail"]


def test_a_body_that_does_not_arrive_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)
    url = shop.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=60) as client:
        client.sendall(f"POST {PREFIX}/users HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{{".encode())
        started, answer = time.monotonic(), b""
        while piece := client.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 5


def test_a_session_that_has_ended_does_not_hide_what_is_for_sale(shop: Shop) -> None:
    stranger = Client(shop.http, "no such token")
    assert stranger.get("/events").status_code == 200
    assert stranger.get("/me").status_code == 401


def test_people_behind_one_address_do_not_wait_for_each_other(shop: Shop) -> None:
    """Their requests wait in lines of their own: here for a lock, longer than a line of one address would let them."""
    event = shop.office.event()
    tier = shop.office.tier(event, 20)
    buyers = [shop.buyer() for _ in range(12)]
    lines = {"lines": [{"tier_id": tier, "quantity": 1}]}
    with shop.office.connect() as locking, ThreadPoolExecutor(12) as pool:
        locking.autocommit = False
        locking.execute("select from tier_stock where tier_id = %s for update", [tier])
        asked = [pool.submit(buyer.post, f"/events/{event}/orders", lines) for buyer in buyers[:6]]
        time.sleep(0.3)
        assert [one.read("/me")["user_id"] for one in buyers[6:8]] == [one.user_id for one in buyers[6:8]]
        locking.rollback()
        statuses = {one.result().status_code for one in asked}
    assert statuses == {201}


def test_a_path_says_which_methods_it_takes(shop: Shop) -> None:
    refused = shop.http.put(f"{PREFIX}/me")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
    assert "GET" in refused.json()["detail"]
    assert httpx.codes.is_success(shop.http.head(f"{PREFIX}/events").status_code)
