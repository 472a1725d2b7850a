"""What the pages need besides the sale: who is there, the venue's time, what came back, every wrong line of a file."""

from datetime import UTC, datetime, timedelta

from tests.support.served_box_office import PREFIX, Client, Shop

START = (datetime.now(UTC) + timedelta(days=60)).isoformat()


def test_a_page_learns_who_is_logged_in_without_a_refusal(shop: Shop) -> None:
    buyer = shop.buyer()
    assert shop.nobody().read("/settings")["user"] is None
    assert buyer.read("/settings")["user"] == buyer.read("/me")
    assert buyer.post("/sessions/current", method="DELETE").status_code == 204
    assert buyer.read("/settings")["user"] is None
    assert Client(shop.http, "no such token").read("/settings")["user"] is None


def test_an_event_has_the_time_zone_of_its_venue_and_its_tickets_have_it(shop: Shop) -> None:
    promoter, buyer = shop.promoter(), shop.buyer()
    given = {"title": "A night", "venue": "A hall", "start_time": START}
    refused = promoter.post("/promoter/events", given | {"venue_time_zone": "Chicago"})
    assert refused.status_code == 422
    assert "'Chicago' is not a time zone" in refused.json()["detail"]
    event = promoter.made("/promoter/events", given | {"venue_time_zone": "America/Chicago"})["event_id"]
    promoter.made(f"/promoter/events/{event}/tiers", {"name": "Standing", "price": 20, "quantity": 5})
    changed = promoter.made(f"/promoter/events/{event}", {"status": "on_sale"}, method="PATCH")
    assert changed["venue_time_zone"] == "America/Chicago", "what is not named stays"
    assert buyer.read(f"/events/{event}")["venue_time_zone"] == "America/Chicago"
    tier = buyer.read(f"/events/{event}/availability")["tiers"][0]["tier_id"]
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})["order_id"]
    buyer.made(f"/orders/{order}/pay")
    (ticket,) = buyer.read("/tickets")["data"]
    assert ticket["venue_time_zone"] == "America/Chicago"
    assert promoter.made(f"/promoter/events/{event}", {"venue_time_zone": "Europe/Lisbon"}, method="PATCH")
    assert shop.nobody().read(f"/events/{event}")["venue_time_zone"] == "Europe/Lisbon"


def test_a_purchase_says_what_was_given_back_of_it(shop: Shop) -> None:
    promoter, buyer = shop.promoter(), shop.buyer()
    event = shop.office.event(promoter_id=shop.of(promoter))
    shop.office.seats(event)
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 2})["booking_id"]
    buyer.made(f"/bookings/{booking}/pay")
    first, _ = buyer.read(f"/bookings/{booking}")["tickets"]
    assert buyer.read(f"/bookings/{booking}")["refunded"] == 0
    promoter.made(f"/promoter/events/{event}/refunds", {"booking_id": booking, "tickets": [first]})
    assert buyer.read(f"/bookings/{booking}")["refunded"] == 10
    promoter.made(f"/promoter/events/{event}/refunds", {"booking_id": booking})
    assert buyer.read(f"/bookings/{booking}")["refunded"] == 20


def test_every_wrong_line_of_a_file_is_named_and_nothing_is_added(shop: Shop) -> None:
    promoter = shop.promoter()
    event = shop.office.event(promoter_id=shop.of(promoter), status="draft")
    file = "section,row_number,seat_number,price\nA,1,1,5\nA,1,,5\nA,1,3,free\nA,1,1,6\nA,1,2,5\n"
    headers = {"authorization": f"Bearer {promoter.token}", "content-type": "text/csv", "idempotency-key": "seats"}
    refused = shop.http.post(f"{PREFIX}/promoter/events/{event}/seats", content=file, headers=headers)
    assert refused.status_code == 422
    assert [(one["parameter"], one["message"]) for one in refused.json()["errors"]] == [
        ("line 3", "a seat needs a section, a row, a number and a price."),
        ("line 4", "'free' is not a price. Write it as 49.50."),
        ("line 5", "the seat of line 2 again."),
    ]
    assert "line 3: a seat needs" in refused.json()["detail"]
    assert shop.office.one("select count(*) from stored_seats where event_id = %s", event) == 0
