"""The box office's promises over HTTP, kept by two server processes that know nothing of each other."""

import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from itertools import cycle
from typing import Any

import httpx
import pytest

from tests.support.box_office import BoxOffice, outcome, typed
from tests.support.processes import free_port
from tests.support.served_box_office import PREFIX, Client, Shop
from tickettape.box_office import tidy
from tickettape.box_office.simulated_provider import SimulatedProvider
from tickettape.database import Warehouse

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def servers(box_office_url: str) -> Iterator[list[str]]:
    """The addresses of two server processes."""
    ports = [free_port() for _ in range(2)]
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-m", "uvicorn", "serving.__main__:app", "--factory", "--port", str(port)]
            environment = os.environ | {"DATABASE_URL": box_office_url, "SERVING_PROCESSES": "1"}
            server = stack.enter_context(subprocess.Popen([*command, "--log-level", "critical"], env=environment))
            stack.callback(server.terminate)
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for url in urls:
            _wait_for(url)
        yield urls


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}{PREFIX}/settings").raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < until, "the service does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def shops(office: BoxOffice, servers: list[str]) -> Iterator[list[Shop]]:
    """The same box office by each of the processes."""
    limits = httpx.Limits(max_connections=80)
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=60, limits=limits)) for url in servers]
        yield [Shop(office, http) for http in clients]


@pytest.fixture
def provider(office: BoxOffice) -> SimulatedProvider:
    return SimulatedProvider(Warehouse(office.connect))


def at_both(shops: list[Shop], work: Callable[[httpx.Client], Any]) -> list[Any]:
    """The same at both processes at once."""
    with ThreadPoolExecutor(len(shops)) as pool:
        return list(pool.map(lambda shop: work(shop.http), shops))


def as_user(client: Client, http: httpx.Client) -> Client:
    """The same person at another process."""
    return Client(http, client.token, client.user_id)


def said_by_provider(payload: bytes, signature: str) -> Callable[[httpx.Client], httpx.Response]:
    """A message of the simulated provider, to be sent to a process."""
    path = f"{PREFIX}/webhooks/simulated"
    return lambda http: http.post(path, content=payload, headers={b"x-signature": signature.encode("latin-1")})


def test_b3_nothing_is_oversold_by_64_clients_and_people_who_type_sql(shops: list[Shop]) -> None:
    office = shops[0].office
    event = office.event()
    tiers = [office.tier(event, 60), office.tier(event, 40)]
    https = cycle(shop.http for shop in shops)
    buyers = [shops[0].buyer(next(https)) for _ in range(96)]
    chance = random.Random(3)
    plans = [
        (
            buyer,
            {tier: chance.choice((1, 2, 4, 7)) for tier in chance.sample(tiers, chance.choice((1, 1, 2)))},
            chance.choice(("pay", "cancel", "expire", "typed")),
        )
        for buyer in buyers
    ]

    def one(plan: tuple[Client, dict[int, int], str]) -> str | None:
        buyer, lines, what = plan
        if what == "typed":
            tier = next(iter(lines))
            assert buyer.user_id
            done = outcome(typed(buyer.user_id, event, tier, lines[tier]), office.connect())
            return str(done) if done else None
        body = {"lines": [{"tier_id": tier, "quantity": quantity} for tier, quantity in lines.items()]}
        answer = buyer.post(f"/events/{event}/orders", body)
        if answer.status_code != 201:
            return str(answer.json()["detail"])
        order = answer.json()["order_id"]
        if what == "expire":
            office.connect().execute("update orders set expires_at = now() where id = %s", [order])
        else:
            buyer.made(f"/orders/{order}/{what}")
        return None

    with ThreadPoolExecutor(64) as pool:
        refused = [result for result in pool.map(one, plans) if result]
    assert all("left" in reason for reason in refused), refused
    while office.one("select expire_orders()"):
        pass
    for tier in tiers:
        quantity, sold, reserved = office.stock(tier)
        assert reserved == 0
        assert sold == office.one("select count(*) from tickets where tier_id = %s", tier)
        assert sold + office.left(tier) == quantity
    assert office.faults() == []


def test_b4_a_payment_that_comes_late_takes_the_tickets_again_or_is_returned_once_and_said(
    shops: list[Shop], provider: SimulatedProvider
) -> None:
    office = shops[0].office
    for left_over, said in ((True, "paid"), (False, "returned")):
        event = office.event()
        tier = office.tier(event, 2)
        buyer = shops[0].buyer()
        lines = {"lines": [{"tier_id": tier, "quantity": 2}]}
        order = buyer.made(f"/events/{event}/orders", lines)["order_id"]
        begun = buyer.made(f"/orders/{order}/pay", {"simulate": "delay"})
        assert begun["outcome"] == "open"
        office.expire(order=order)
        if not left_over:
            other = shops[1].buyer()
            taken = other.made(f"/events/{event}/orders", lines)["order_id"]
            other.made(f"/orders/{taken}/pay")
        charge = office.one("select provider_id from payments where id = %s", begun["payment_id"])
        provider.complete(charge)
        told = [answer.json()["outcome"] for answer in at_both(shops, said_by_provider(*provider.message(charge)))]
        assert sorted(told) == sorted([said, "known"])
        tidy(office.connect(), {"simulated": provider})
        assert buyer.read(f"/orders/{order}")["status"] == ("paid" if left_over else "expired")
        returned = "select sum(amount)::int, count(*) from refunds where payment_id = %s and status = 'succeeded'"
        assert office.all(returned, begun["payment_id"]) == [(None, 0) if left_over else (20, 1)]
        notices = office.all("select kind from notifications where user_id = %s", buyer.user_id)
        assert notices == ([] if left_over else [("payment_return",)])
        assert office.stock(tier) == (2, 2, 0)
    assert office.faults() == []


def test_b6_a_double_click_at_two_processes_is_one_order_and_one_charge(shops: list[Shop]) -> None:
    office = shops[0].office
    event = office.event()
    tier, seats = office.tier(event, 10), office.seats(event)
    buyer = shops[0].buyer()
    for path, body, name in (
        (f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 2}]}, "order"),
        (f"/events/{event}/bookings", {"seats": seats[:2]}, "booking"),
    ):
        made = at_both(shops, lambda http: as_user(buyer, http).made(path, body, key=name)[f"{name}_id"])  # noqa: B023
        assert made[0] == made[1]
        paths = f"/{name}s/{made[0]}/pay"
        paid = at_both(shops, lambda http: as_user(buyer, http).made(paths, key=f"pay {name}".replace(" ", "-")))  # noqa: B023
        assert paid[0]["payment_id"] == paid[1]["payment_id"]
        assert {one["outcome"] for one in paid} <= {"paid", "known"}
        without_key = at_both(shops, lambda http: as_user(buyer, http).made(paths))  # noqa: B023
        assert {one["outcome"] for one in without_key} == {"known"}
    charged = """select sum(amount)::int from payments where status = 'succeeded' and (
        order_id in (select id from orders where user_id = %s)
        or booking_id in (select id from bookings where user_id = %s))"""
    assert office.one(charged, buyer.user_id, buyer.user_id) == 40
    assert office.stock(tier) == (10, 2, 0)
    assert len(buyer.read("/tickets")["data"]) == 4


def test_b7_messages_twice_out_of_order_or_forged(shops: list[Shop], provider: SimulatedProvider) -> None:
    office = shops[0].office
    event = office.event()
    tier = office.tier(event, 10)
    buyer = shops[0].buyer()
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 2}]})["order_id"]
    begun = buyer.made(f"/orders/{order}/pay", {"simulate": "delay"})
    charge = office.one("select provider_id from payments where id = %s", begun["payment_id"])

    provider.complete(charge)
    succeeded = provider.message(charge, event_id=f"{charge} succeeded")
    provider.give_back(-begun["payment_id"], charge, Decimal(20), "USD")  # by somebody at the provider
    refunded = provider.message(charge, event_id=f"{charge} refunded")
    forged = said_by_provider(succeeded[0], "0" * 64)(shops[0].http)
    assert (forged.status_code, "signature" in forged.json()["detail"]) == (400, True)
    for signature in ("", "\u00e9"):
        assert said_by_provider(b"{}", signature)(shops[1].http).status_code == 400
    assert buyer.read(f"/orders/{order}")["status"] == "pending"
    first = said_by_provider(*refunded)(shops[0].http).json()["outcome"]
    assert first == "refunded"
    assert {said_by_provider(*one)(shop.http).json()["outcome"] for one in (succeeded, refunded) for shop in shops} == {
        "known"
    }
    assert buyer.read(f"/orders/{order}")["status"] == "refunded"
    assert office.stock(tier) == (10, 0, 0)
    assert shops[0].http.post(f"{PREFIX}/webhooks/stripe", content=b"{}").status_code == 404


def test_b14_lists_and_pages_of_both_processes_say_the_same(shops: list[Shop]) -> None:
    office = shops[0].office
    event = office.event()
    tier = office.tier(event, 20)
    office.seats(event)
    buyer = shops[0].buyer()
    buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 3}]})
    shops[1].buyer().made(f"/events/{event}/bookings/best", {"quantity": 4})
    seen = set()
    for shop in shops:
        anybody = shop.nobody()
        page = anybody.read(f"/events/{event}/availability")
        pages = anybody.read("/events", limit=100, start_from=anybody.read(f"/events/{event}")["start_time"])["data"]
        (listed,) = (one for one in pages if one["event_id"] == event)
        seen |= {(one["tickets_available"], one["lowest_price"]) for one in (page, listed)}
    assert seen == {(23, 10)}


def until_not_busy(client: Client, path: str, body: dict[str, Any]) -> httpx.Response:
    """The answer to a write, sent again under its key while the service is busy, or if the connection has broken."""
    key = str(uuid.uuid4())
    while True:
        try:
            answer = client.post(path, body, key=key)
        except httpx.TransportError:
            continue
        if answer.status_code not in (429, 503):
            return answer
        time.sleep(float(answer.headers["retry-after"]))


def rush(shops: list[Shop], rows: int, buyers: int) -> None:
    """Buyers take the best seats in groups of 1 to 6 and pay, until everybody is told that nothing is left."""
    office = shops[0].office
    event = office.event()
    office.seats(event, rows=rows, in_a_row=25)
    https = cycle(shop.http for shop in shops)
    people = [shops[0].buyer(next(https)) for _ in range(buyers)]

    def shop_until_nothing_is_left(number: int) -> int:
        chance, had, wanted = random.Random(number), 0, 6
        while True:
            how_many = chance.randint(1, wanted)
            answer = until_not_busy(people[number], f"/events/{event}/bookings/best", {"quantity": how_many})
            if answer.status_code == 201:
                paid = until_not_busy(people[number], f"/bookings/{answer.json()['booking_id']}/pay", {})
                assert paid.json()["outcome"] in ("paid", "known"), paid.text
                had += how_many
                continue
            assert (answer.status_code, answer.json()["kind"]) == (409, "sold_out"), answer.text
            left = int(answer.json()["detail"].split()[0])
            assert left < how_many, "refused while seats are left"
            if not left:
                return had
            wanted = left

    with ThreadPoolExecutor(buyers) as pool:
        had = list(pool.map(shop_until_nothing_is_left, range(buyers)))
    assert sum(had) == rows * 25
    assert office.one("select count(*) from stored_seats where event_id = %s and status = 'BOOKED'", event) == rows * 25
    sold_twice = (
        "select count(*) from (select seat_id from tickets where event_id = %s group by 1 having count(*) > 1) as two"
    )
    assert office.one(sold_twice, event) == 0
    assert office.faults() == []


def test_b18_a_rush_sells_every_seat_once_and_refuses_nobody_while_seats_are_left(shops: list[Shop]) -> None:
    rush(shops, rows=8, buyers=16)


@pytest.mark.long
def test_b18_160_buyers_rush_for_8000_seats(shops: list[Shop]) -> None:
    rush(shops, rows=320, buyers=160)


def test_b19_a_buyer_never_sees_anothers_at_any_process(shops: list[Shop]) -> None:
    office = shops[0].office
    event = office.event()
    tier = office.tier(event, 10)
    office.seats(event)
    owner, other = shops[0].buyer(), shops[1].buyer()
    order = owner.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})["order_id"]
    owner.made(f"/orders/{order}/pay")
    booking = owner.made(f"/events/{event}/bookings/best", {"quantity": 1})["booking_id"]
    entry = owner.made(f"/events/{event}/waitlist")["waitlist_id"]
    (ticket,) = owner.read("/tickets")["data"]
    for shop in shops:
        # the same connections of the pool have just served the owner
        assert as_user(owner, shop.http).read(f"/orders/{order}")["order_id"] == order
        stranger = as_user(other, shop.http)
        for path in (f"/orders/{order}", f"/bookings/{booking}", f"/tickets/{ticket['ticket_id']}"):
            assert stranger.get(path).status_code == 404
        for path in (f"/orders/{order}/pay", f"/orders/{order}/cancel", f"/bookings/{booking}/extend"):
            assert stranger.post(path).status_code in (403, 404)
        for path in (f"/bookings/{booking}/pay", f"/bookings/{booking}/cancel"):
            assert stranger.post(path).status_code in (403, 404)
        assert stranger.post(f"/waitlist/{entry}", method="DELETE").status_code == 404
        for path in ("/orders", "/bookings", "/tickets", "/waitlist"):
            assert stranger.read(path)["data"] == []
    assert owner.read(f"/bookings/{booking}")["status"] == "HOLD"
