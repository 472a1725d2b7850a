"""What OpenAPI says about the box office is true: the real answers' fields, no more and no fewer."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.app import build_app
from serving.middleware import SELLING
from tests.support.described_answers import Answer, Document, errors, faults, operations, schema_of, success
from tests.support.served_box_office import PREFIX, Client, Shop
from tickettape.settings import Settings

WITHOUT_JSON = {
    *("log_out", "revoke_session", "revoke_all_sessions", "leave_waitlist"),
    *("get_ticket_qr_svg", "get_ticket_qr_png"),
}
WITHOUT_KEY = {"sign_up", "log_in", "log_out", "revoke_session", "revoke_all_sessions", "receive_webhook"}
LATER = (datetime.now(UTC) + timedelta(days=9)).isoformat()


@pytest.fixture(scope="module")
def document() -> Document:
    return build_app(Settings(), "").openapi()


def selling(document: Document) -> dict[str, tuple[str, Any]]:
    return {name: found for name, found in operations(document).items() if found[0].startswith(SELLING)}


def of_promoter(promoter: Client) -> Iterator[Answer]:
    """A full event and a bare one: what their promoter is answered."""
    full: dict[str, Any] = {"title": "Full", "venue": "Hall", "start_time": LATER, "city": "X", "country": "US"}
    full |= {
        "category": "concert",
        "description": "All of it.",
        "image_url": "https://example.com/1.jpg",
        "capacity": 1_000,
    }
    full |= {"end_time": LATER[:10] + "T23:59:59.999999+00:00", "doors_open_time": LATER}
    yield "create_event", promoter.made("/promoter/events", full)
    bare = {"title": "Bare", "venue": "Hall", "start_time": LATER}
    yield "create_event", promoter.made("/promoter/events", bare)


def walked(shop: Shop) -> Iterator[Answer]:
    """What every path answers, with all there is and with nothing."""
    promoter, buyer, anybody = shop.promoter(), shop.buyer(), shop.nobody()
    created = list(of_promoter(promoter))
    yield from created
    full, bare = (answer["event_id"] for _, answer in created)
    at = f"/promoter/events/{full}"
    tier: dict[str, Any] = {
        "name": "Floor",
        "price": 20,
        "quantity": 9,
        "description": "Standing.",
        "sale_end_time": LATER,
    }
    tier |= {"sale_start_time": "2026-01-01T00:00:00Z"}
    made = promoter.made(f"{at}/tiers", tier)
    yield "add_tier", made
    yield "change_tier", promoter.made(f"{at}/tiers/{made['tier_id']}", {"price": 25}, method="PATCH")
    promoter.made(f"{at}/tiers", {"name": "Other", "price": 20, "quantity": 9})
    text = "section,row_number,seat_number,price\n" + "".join(f"{s},1,{n},50\n" for s in "AB" for n in range(1, 9))
    headers = {"authorization": f"Bearer {promoter.token}", "idempotency-key": "s", "content-type": "text/csv"}
    yield "add_seats", promoter.http.post(f"{PREFIX}{at}/seats", content=text, headers=headers).json()
    shop.office.do(
        "insert into seat_views (event_id, section, view_quality_score, distance_to_stage_meters) "
        "values (%s, 'A', 9, 5)",
        full,
    )
    yield "change_event", promoter.made(at, {"status": "on_sale"}, method="PATCH")
    promoter.made(f"/promoter/events/{bare}", {"status": "on_sale"}, method="PATCH")
    yield "change_prices", promoter.made(f"{at}/prices", {"multiplier": 1.1, "section": "A", "reason": "x"})
    promoter.made(f"{at}/prices", {"multiplier": 1.2, "reason": "x"})
    yield from of_buyer(buyer, full, made["tier_id"])
    for limit in (1, 100):
        yield "list_events_on_sale", anybody.read("/events", limit=limit)
    for event in (full, bare):
        yield "get_event_for_sale", anybody.read(f"/events/{event}")
        yield "get_availability", anybody.read(f"/events/{event}/availability")
        yield "get_seat_map", anybody.read(f"/events/{event}/seat-map")
        yield "get_promoter_event", promoter.read(f"/promoter/events/{event}")
        yield "list_promoter_tiers", promoter.read(f"/promoter/events/{event}/tiers")
        yield "list_price_changes", promoter.read(f"/promoter/events/{event}/price-changes")
        yield "get_sales", promoter.read(f"/promoter/events/{event}/sales")
        for limit in (1, 100):
            yield "list_purchases", promoter.read(f"/promoter/events/{event}/purchases", limit=limit)
    yield "get_section_seats", anybody.read(f"/events/{full}/sections/A/seats")
    yield "list_promoter_events", promoter.read("/promoter/events")
    order = next(one for one in buyer.read("/orders")["data"] if one["status"] == "paid")
    yield "refund_sale", promoter.made(f"{at}/refunds", {"order_id": order["order_id"]})
    (valid, *_) = (one for one in buyer.read("/tickets")["data"] if one["status"] == "valid")
    yield "scan_ticket", promoter.made(f"{at}/scan", {"ticket_code": valid["ticket_code"]})
    yield from of_accounts(shop, promoter, buyer)


def of_buyer(buyer: Client, event: int, tier: int) -> Iterator[Answer]:
    lines = {"lines": [{"tier_id": tier, "quantity": 1}]}
    for ending in ("pay", "cancel"):
        order = buyer.made(f"/events/{event}/orders", lines)
        yield "reserve_tickets", order
        yield f"{ending}_order", buyer.made(f"/orders/{order['order_id']}/{ending}")
        yield "get_order", buyer.read(f"/orders/{order['order_id']}")
        seats = buyer.read(f"/events/{event}/sections/A/seats")["rows"][0]["seats"]
        free = next(seat["seat_id"] for seat in seats if seat["status"] == "AVAILABLE")
        booking = buyer.made(f"/events/{event}/bookings", {"seats": [free]})
        yield "hold_seats", booking
        yield "extend_hold", buyer.made(f"/bookings/{booking['booking_id']}/extend")
        yield f"{ending}_booking", buyer.made(f"/bookings/{booking['booking_id']}/{ending}")
        yield "get_booking", buyer.read(f"/bookings/{booking['booking_id']}")
    best = {"quantity": 2, "section": "B", "most_price": 100}
    yield "hold_best_available", buyer.made(f"/events/{event}/bookings/best", best)
    yield "list_orders", buyer.read("/orders")
    yield "list_bookings", buyer.read("/bookings")
    yield "join_waitlist", buyer.made(f"/events/{event}/waitlist", {"tier_id": tier, "max_price": 50})
    yield "list_waitlist", buyer.read("/waitlist")
    yield "join_waitlist", buyer.made(f"/events/{event}/waitlist", {"section_preference": "B"})
    tickets = buyer.read("/tickets")
    yield "list_tickets", tickets
    for ticket in tickets["data"]:
        yield "get_ticket", buyer.read(f"/tickets/{ticket['ticket_id']}")


def of_accounts(shop: Shop, promoter: Client, buyer: Client) -> Iterator[Answer]:
    account = {"email": f"walker{buyer.user_id}@example.com", "password": "correct horse battery"}
    yield "sign_up", shop.http.post(f"{PREFIX}/users", json=account | {"full_name": "A Walker"}).json()
    for more in ({}, {"cookie": True}):
        answer = shop.http.post(f"{PREFIX}/sessions", json=account | more, headers={"sec-fetch-site": "same-origin"})
        yield "log_in", answer.json()
    shop.http.cookies.clear()
    yield "list_sessions", buyer.read("/sessions")
    yield "get_me", promoter.read("/me")
    yield "get_me", buyer.read("/me")
    provider = shop.office.one("select provider_id from simulated_ledger where kind = 'charge' limit 1")
    from tickettape.box_office.simulated_provider import SimulatedProvider
    from tickettape.database import Warehouse

    simulated = SimulatedProvider(Warehouse(shop.office.connect))
    payload, signature = simulated.message(provider)
    sent = shop.http.post(f"{PREFIX}/webhooks/simulated", content=payload, headers={"x-signature": signature})
    yield "receive_webhook", sent.json()
    yield "get_selling_rules", shop.nobody().read("/settings")


def test_every_answer_has_the_fields_that_are_described(document: Document, shop: Shop) -> None:
    answers = list(walked(shop))
    # nulls that this walk does not make
    rare = re.compile(
        r"PaymentOutcome.client_secret|SellingRules.stripe_publishable_key|WaitlistEntry.offer|never a (value|null)$"
    )
    assert [fault for fault in faults(document, answers) if not rare.search(fault)] == []
    assert selling(document).keys() - {name for name, _ in answers} == WITHOUT_JSON


def test_everything_is_named_described_and_has_an_example(document: Document) -> None:
    for name, (path, operation) in selling(document).items():
        assert operation["description"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])
        writes = next(method for method, one in document["paths"][path].items() if one is operation) != "get"
        needed = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header" and one["required"]}
        assert needed == ({"Idempotency-Key"} if writes and name not in WITHOUT_KEY else set()), name
        if name not in WITHOUT_JSON:
            example = success(operation)["application/json"]["example"]
            assert errors(document, schema_of(document, name), example) == [], name
        for status, response in operation["responses"].items():
            if status >= "400":
                (problem,) = response["content"].items()
                assert problem[0] == "application/problem+json"
                assert errors(document, "Problem", problem[1]["example"]) == []
        open_to_all = {"/events", "/users", "/sessions", "/settings", "/webhooks"}
        of_a_person = operation["security"] != []
        first = "/" + path.removeprefix(SELLING).split("/")[0]
        assert of_a_person or first in open_to_all, name
