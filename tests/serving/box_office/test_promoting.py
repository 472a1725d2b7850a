"""What a promoter does over HTTP: from a file of seats to an event on sale, its sales, refunds and prices."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.served_box_office import PREFIX, Client, Shop
from tickettape.box_office.sample_data import seat_plan

START = (datetime.now(UTC) + timedelta(days=60)).replace(microsecond=0)


def plan(seats: int) -> str:
    lines = [f"{one.section},{one.row_number},{one.seat_number},{one.price}" for one in seat_plan(seats)]
    return "\n".join(["section,row_number,seat_number,price", *lines]) + "\n"


def upload(client: Client, event: int, text: str | bytes, key: str = "seats") -> httpx.Response:
    headers = {"authorization": f"Bearer {client.token}", "idempotency-key": key, "content-type": "text/csv"}
    return client.http.post(f"{PREFIX}/promoter/events/{event}/seats", content=text, headers=headers)


def create(promoter: Client, **more: Any) -> int:
    body = {"title": "A premiere", "venue": "The Hall", "start_time": START.isoformat(), **more}
    return int(promoter.made("/promoter/events", body)["event_id"])


def test_from_a_file_of_seats_to_an_event_on_sale(shop: Shop) -> None:
    promoter, anybody = shop.promoter(), shop.nobody()
    event = create(promoter, city="Springfield", capacity=6_000)
    assert anybody.get(f"/events/{event}").status_code == 404, "a draft is nobody's business"
    assert upload(promoter, event, plan(5_000)).json() == {"seats_added": 5_000}
    assert upload(promoter, event, plan(5_000)).json() == {"seats_added": 5_000}, "said twice, done once"
    tier = promoter.made(f"/promoter/events/{event}/tiers", {"name": "Standing", "price": 40, "quantity": 1_000})
    assert (tier["quantity"], tier["sold"], tier["available"]) == (1_000, 0, 1_000)
    on_sale = promoter.made(f"/promoter/events/{event}", {"status": "on_sale"}, method="PATCH")
    assert (on_sale["status"], on_sale["tickets_available"], on_sale["city"]) == ("on_sale", 6_000, "Springfield")
    assert on_sale["start_time"] == START.isoformat()
    assert anybody.read(f"/events/{event}/availability")["tickets_available"] == 6_000
    too_many = promoter.post(f"/promoter/events/{event}/tiers", {"name": "More", "price": 1, "quantity": 1})
    assert (too_many.status_code, too_many.json()["kind"]) == (422, "limit")


def test_sales_refunds_and_prices_are_shown_as_they_are(shop: Shop) -> None:
    promoter, buyer = shop.promoter(), shop.buyer()
    event = create(promoter)
    tier = promoter.made(f"/promoter/events/{event}/tiers", {"name": "Floor", "price": 20, "quantity": 10})["tier_id"]
    upload(promoter, event, "section,row_number,seat_number,price\nA,1,1,50\nA,1,2,50\n")
    promoter.made(f"/promoter/events/{event}", {"status": "on_sale"}, method="PATCH")
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 3}]})["order_id"]
    buyer.made(f"/orders/{order}/pay")
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 1})["booking_id"]
    buyer.made(f"/bookings/{booking}/pay")

    refund = {"order_id": order, "tickets": buyer.read(f"/orders/{order}")["tickets"][:1], "reason": "ill"}
    given = [promoter.made(f"/promoter/events/{event}/refunds", refund, key="back") for _ in range(2)]
    assert given == [{"amount": 20, "currency": "USD"}] * 2
    told = promoter.read(f"/promoter/events/{event}")
    assert (told["tickets_sold"], told["gross"], told["refunds"], told["net"]) == (3, 110, 20, 90)
    assert told["sell_through"] == 0.25
    sales = promoter.read(f"/promoter/events/{event}/sales")
    seats, floor = sales["tiers"]
    assert (seats["tier"], seats["tickets"], seats["gross"], seats["refunded_tickets"]) == (None, 1, 50, 0)
    assert (floor["tier"], floor["tickets"], floor["gross"], floor["refunded_tickets"]) == ("Floor", 3, 60, 1)
    assert sum(one["tickets"] for one in sales["hours"]) == 4
    (stock,) = promoter.read(f"/promoter/events/{event}/tiers")["data"]
    assert (stock["sold"], stock["available"], stock["revenue"]) == (2, 8, 40)

    purchases = []
    page = promoter.read(f"/promoter/events/{event}/purchases", limit=1)
    while page["data"]:
        purchases += page["data"]
        page = promoter.read(f"/promoter/events/{event}/purchases", limit=1, cursor=page["next_cursor"])
    assert [(one["order_id"], one["booking_id"], one["refunded"]) for one in purchases] == [
        (None, booking, 0),
        (order, None, 20),
    ]
    assert "email" not in str(purchases)

    changed = promoter.made(f"/promoter/events/{event}/prices", {"multiplier": 1.2, "reason": "half are sold"})
    assert changed == {"seats_changed": 1}, "what is sold keeps its price"
    dearer = {"price": 25, "reason": "demand"}
    assert promoter.made(f"/promoter/events/{event}/tiers/{tier}", dearer, method="PATCH")["price"] == 25
    log = promoter.read(f"/promoter/events/{event}/price-changes")["data"]
    assert [(one["reason"], one["multiplier"], one["new_price"]) for one in log] == [
        ("demand", None, 25),
        ("half are sold", 1.2, None),
    ]
    fewer = promoter.post(f"/promoter/events/{event}/tiers/{tier}", {"quantity": 1}, method="PATCH")
    assert (fewer.status_code, fewer.json()["kind"]) == (409, "sold")
    assert shop.office.faults() == []


def test_b19_a_ticket_admits_once_at_the_door_of_its_event(shop: Shop) -> None:
    promoter, buyer = shop.promoter(), shop.buyer()
    event, other = create(promoter), create(promoter)
    tier = promoter.made(f"/promoter/events/{event}/tiers", {"name": "Floor", "price": 0, "quantity": 10})["tier_id"]
    promoter.made(f"/promoter/events/{event}", {"status": "on_sale"}, method="PATCH")
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})["order_id"]
    buyer.made(f"/orders/{order}/pay")
    (ticket,) = buyer.read("/tickets")["data"]
    code = {"ticket_code": ticket["ticket_code"]}
    assert promoter.post(f"/promoter/events/{other}/scan", code).json()["kind"] == "state"
    assert promoter.made(f"/promoter/events/{event}/scan", code) == {"ticket_id": ticket["ticket_id"]}
    again = promoter.post(f"/promoter/events/{event}/scan", code)
    assert (again.status_code, "was used at" in again.json()["detail"]) == (409, True)
    assert promoter.post(f"/promoter/events/{event}/scan", {"ticket_code": "0" * 32}).status_code == 404
    assert buyer.read(f"/tickets/{ticket['ticket_id']}")["status"] == "used"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"title": "Mine now"}),
        ("GET", "/tiers", None),
        ("POST", "/tiers", {"name": "Mine", "price": 1, "quantity": 1}),
        ("PATCH", "/tiers/{tier}", {"price": 1}),
        ("POST", "/prices", {"multiplier": 0.1, "reason": "mine"}),
        ("GET", "/price-changes", None),
        ("GET", "/sales", None),
        ("GET", "/purchases", None),
        ("POST", "/refunds", {"order_id": 1}),
        ("POST", "/scan", {"ticket_code": "x"}),
    ],
)
def test_another_promoters_event_does_not_exist_for_a_promoter_and_buyers_are_none(
    shop: Shop, method: str, path: str, body: dict[str, Any] | None
) -> None:
    owner, rival, buyer = shop.promoter(), shop.promoter(), shop.buyer()
    event = create(owner)
    tier = owner.made(f"/promoter/events/{event}/tiers", {"name": "Floor", "price": 5, "quantity": 1})["tier_id"]
    at = f"/promoter/events/{event}{path.format(tier=tier)}"
    statuses = [
        (client.get(at) if method == "GET" else client.post(at, body, method=method)).status_code
        for client in (rival, buyer, shop.nobody())
    ]
    assert statuses == [404, 403, 401]
    assert upload(rival, event, plan(1)).status_code == 404
    own = create(rival)
    mixed = rival.post(f"/promoter/events/{own}/tiers/{tier}", {"price": 1}, method="PATCH")
    assert mixed.status_code == 404


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("section,row_number,price\nA,1,5\n", "no column seat_number"),
        ("section,row_number,seat_number,price\nA,1,1,free\n", "line 2: 'free' is not a price"),
        ("section,row_number,seat_number,price\n", "has no seats"),
        (b"section,row_number,seat_number,price\n\xff,1,1,5\n", "not UTF-8"),
        ("section,row_number,seat_number,price\nA\x00,1,1,5\n", ""),
        ("section,row_number,seat_number,price\n" + "A" * 51 + ",1,1,5\n", "at most 50 characters"),
        ("section,row_number,seat_number,price\nA,1,1,5\nA,1,1,5\n", "line 3: the seat of line 2 again"),
    ],
)
def test_a_file_that_cannot_be_read_adds_nothing_and_says_why(shop: Shop, text: str | bytes, words: str) -> None:
    promoter = shop.promoter()
    event = create(promoter)
    refused = upload(promoter, event, text)
    assert refused.status_code in (409, 422)
    assert words in refused.json()["detail"]
    assert promoter.read(f"/promoter/events/{event}")["tickets_available"] == 0


def test_an_event_is_changed_only_in_what_is_named(shop: Shop) -> None:
    promoter = shop.promoter()
    event = create(promoter, city="Springfield", description="An evening.")
    changed = promoter.made(f"/promoter/events/{event}", {"city": None, "title": "A gala"}, method="PATCH")
    assert (changed["title"], changed["city"], changed["description"]) == ("A gala", None, "An evening.")
    for wrong in (
        {"title": None},
        {"end_time": (START - timedelta(days=1)).isoformat()},
        {"capacity": 0},
        {"promoter_id": 1},
        {"image_url": "javascript:alert(1)"},
    ):
        refused = promoter.post(f"/promoter/events/{event}", wrong, method="PATCH")
        assert refused.status_code == 422, wrong
