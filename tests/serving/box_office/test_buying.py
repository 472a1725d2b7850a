"""What a buyer does over HTTP, from looking around to a ticket with its QR code."""

import time
from typing import Any
from xml.etree import ElementTree

from tests.support.served_box_office import Shop


def test_a_buyer_looks_around_holds_seats_pays_and_has_tickets_with_codes(shop: Shop) -> None:
    office = shop.office
    event = office.event(city="Springfield", country="US")
    tier, seats = office.tier(event, 50), office.seats(event, rows=2)
    office.do("insert into seat_views (event_id, section, view_quality_score) values (%s, 'A', 9)", event)
    anybody, buyer = shop.nobody(), shop.buyer()
    assert event in [one["event_id"] for one in anybody.read("/events", limit=100)["data"]]
    assert anybody.read(f"/events/{event}")["has_seats"]
    left = anybody.read(f"/events/{event}/availability")
    assert left["tickets_available"] == 70
    assert left["sections"] == [{"section": "A", "available": 20, "lowest_price": 10, "highest_price": 10}]
    (section,) = anybody.read(f"/events/{event}/seat-map")["sections"]
    assert (section["rows"], section["widest_row"], section["seats"], section["view_quality_score"]) == (2, 10, 20, 9)

    booking = buyer.made(f"/events/{event}/bookings", {"seats": seats[:2]})
    assert (booking["status"], booking["total_amount"], booking["extensions_left"]) == ("HOLD", 20, 1)
    assert 299 <= booking["seconds_left"] <= 300
    rows = anybody.read(f"/events/{event}/sections/A/seats")["rows"]
    assert [seat["status"] for seat in rows[0]["seats"][:3]] == ["HOLD", "HOLD", "AVAILABLE"]
    assert buyer.made(f"/bookings/{booking['booking_id']}/extend")["extensions_left"] == 0
    paid = buyer.made(f"/bookings/{booking['booking_id']}/pay")
    assert (paid["outcome"], paid["amount"], paid["currency"]) == ("paid", 20, "USD")
    booking = buyer.read(f"/bookings/{booking['booking_id']}")
    assert (booking["status"], booking["seconds_left"], len(booking["tickets"])) == ("CONFIRMED", None, 2)

    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 3}]})
    assert (order["status"], order["total_amount"], order["tickets"]) == ("pending", 30, [])
    assert buyer.made(f"/orders/{order['order_id']}/pay")["outcome"] == "paid"
    tickets = buyer.read("/tickets", upcoming=True)["data"]
    assert len(tickets) == 5
    assert {(one["section"], one["seat"], one["tier"]) for one in tickets} == {
        ("A", "1", None),
        ("A", "2", None),
        (None, None, "Standing"),
    }
    assert anybody.read(f"/events/{event}/availability")["tickets_available"] == 65
    assert office.faults() == []


def test_the_qr_code_of_a_ticket_is_a_drawing_and_a_picture_for_its_owner_alone(shop: Shop) -> None:
    event = shop.office.event()
    seats = shop.office.seats(event)
    buyer, other = shop.buyer(), shop.buyer()
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 1})["booking_id"]
    buyer.made(f"/bookings/{booking}/pay")
    (ticket,) = buyer.read(f"/bookings/{booking}")["tickets"]
    svg = buyer.get(f"/tickets/{ticket}/qr.svg")
    assert (svg.headers["content-type"], svg.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert ElementTree.fromstring(svg.text).tag == "{http://www.w3.org/2000/svg}svg"
    png = buyer.get(f"/tickets/{ticket}/qr.png")
    assert png.headers["content-type"] == "image/png"
    assert png.content.startswith(b"\x89PNG")
    for path in ("", "/qr.svg", "/qr.png"):
        assert other.get(f"/tickets/{ticket}{path}").status_code == 404
        assert shop.nobody().get(f"/tickets/{ticket}{path}").status_code == 401
    assert seats


def test_b6_a_request_said_twice_is_done_once_and_another_under_its_key_is_refused(shop: Shop) -> None:
    event = shop.office.event()
    tier, seats = shop.office.tier(event, 50), shop.office.seats(event)
    buyer = shop.buyer()
    writes: tuple[tuple[str, dict[str, Any], str], ...] = (
        (f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]}, "order_id"),
        (f"/events/{event}/bookings", {"seats": seats[:1]}, "booking_id"),
        (f"/events/{event}/bookings/best", {"quantity": 2}, "booking_id"),
        (f"/events/{event}/waitlist", {"quantity": 2}, "waitlist_id"),
    )
    for number, (path, body, name) in enumerate(writes):
        first, again = (buyer.made(path, body, key=f"key {number}".replace(" ", "-")) for _ in range(2))
        assert first[name] == again[name]
        other = buyer.post(path, {**body, **({"quantity": 3} if "quantity" in body else {})}, key="key-0")
        assert number == 0 or (other.status_code, other.json()["kind"]) == (422, "key")
    booking = buyer.read("/bookings")["data"][0]["booking_id"]
    extended = [buyer.made(f"/bookings/{booking}/extend", key="more")["hold_expires_at"] for _ in range(2)]
    assert extended[0] == extended[1]
    refused = buyer.post(f"/bookings/{booking}/extend")
    assert (refused.status_code, refused.json()["kind"]) == (422, "limit")
    payments = [buyer.made(f"/bookings/{booking}/pay", key="pay")["payment_id"] for _ in range(2)]
    assert payments[0] == payments[1]
    missing = buyer.http.post(
        f"/api/box-office/bookings/{booking}/cancel", headers={"authorization": f"Bearer {buyer.token}"}
    )
    assert missing.status_code == 422
    assert "Idempotency-Key" in missing.json()["detail"]


def test_what_is_cancelled_is_free_and_what_is_paid_is_not_cancelled(shop: Shop) -> None:
    event = shop.office.event()
    tier, seats = shop.office.tier(event, 5), shop.office.seats(event)
    buyer, other = shop.buyer(), shop.buyer()
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 5}]})["order_id"]
    sold_out = other.post(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})
    assert (sold_out.status_code, sold_out.json()["kind"]) == (409, "sold_out")
    assert buyer.made(f"/orders/{order}/cancel")["status"] == "cancelled"
    assert buyer.made(f"/orders/{order}/cancel")["status"] == "cancelled"
    assert shop.office.left(tier) == 5
    booking = buyer.made(f"/events/{event}/bookings", {"seats": seats[:1]})["booking_id"]
    taken = other.post(f"/events/{event}/bookings", {"seats": seats[:1]})
    assert (taken.status_code, taken.json()["kind"]) == (409, "taken")
    assert other.post(f"/bookings/{booking}/cancel").status_code in (403, 404)
    buyer.made(f"/bookings/{booking}/pay")
    refused = buyer.post(f"/bookings/{booking}/cancel")
    assert (refused.status_code, refused.json()["kind"]) == (409, "state")


def test_a_hold_that_has_run_out_is_told_so_and_sells_to_another(shop: Shop) -> None:
    event = shop.office.event()
    seats = shop.office.seats(event)
    buyer, other = shop.buyer(), shop.buyer()
    booking = buyer.made(f"/events/{event}/bookings", {"seats": seats[:2]})["booking_id"]
    shop.office.expire(booking=booking)
    told = buyer.read(f"/bookings/{booking}")
    assert (told["status"], told["seconds_left"], told["extensions_left"]) == ("EXPIRED", None, 0)
    assert buyer.post(f"/bookings/{booking}/pay").json()["kind"] == "expired"
    rows = shop.nobody().read(f"/events/{event}/sections/A/seats")["rows"]
    assert {seat["status"] for seat in rows[0]["seats"]} == {"AVAILABLE"}
    assert other.made(f"/events/{event}/bookings", {"seats": seats[:2]})["status"] == "HOLD"


def test_a_simulated_payment_ends_as_it_is_told(shop: Shop) -> None:
    event = shop.office.event()
    tier = shop.office.tier(event, 50)
    buyer = shop.buyer()

    def order() -> int:
        made = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})
        return int(made["order_id"])

    failing = order()
    assert buyer.made(f"/orders/{failing}/pay", {"simulate": "fail"}, key="one")["outcome"] == "failed"
    assert buyer.made(f"/orders/{failing}/pay", {"simulate": "fail"}, key="one")["outcome"] == "failed"
    assert buyer.made(f"/orders/{failing}/pay", key="two")["outcome"] == "paid"
    delayed = order()
    assert buyer.made(f"/orders/{delayed}/pay", {"simulate": "delay"})["outcome"] == "open"
    assert buyer.read(f"/orders/{delayed}")["status"] == "pending"
    assert buyer.made(f"/orders/{delayed}/pay", {"simulate": "succeed"})["outcome"] == "paid"
    away = order()
    unreachable = buyer.post(f"/orders/{away}/pay", {"simulate": "unreachable"}, key="three")
    assert (unreachable.status_code, unreachable.headers["retry-after"]) == (503, "5")
    assert buyer.made(f"/orders/{away}/pay", key="three")["outcome"] == "paid"
    assert shop.office.faults() == []


def test_details_are_kept_for_five_minutes_and_what_is_left_never(shop: Shop) -> None:
    event = shop.office.event()
    shop.office.seats(event)
    anybody = shop.nobody()
    for path in (f"/events/{event}", f"/events/{event}/seat-map"):
        first = anybody.get(path)
        assert first.headers["cache-control"] == "public, max-age=300"
        known = {"if-none-match": first.headers["etag"]}
        assert anybody.http.get(f"/api/box-office{path}", headers=known).status_code == 304
        shop.office.do("update events set title = title || '!' where id = %s", event)
        shop.office.seats(event, section=f"of {len(path)}")
        changed = anybody.http.get(f"/api/box-office{path}", headers=known)
        assert (changed.status_code, changed.headers["etag"]) != (304, first.headers["etag"])
    for path in ("/events", f"/events/{event}/availability", f"/events/{event}/sections/A/seats"):
        assert anybody.get(path).headers["cache-control"] == "no-store"


def test_b14_lists_say_what_the_page_of_the_event_says(shop: Shop) -> None:
    office, anybody, buyer = shop.office, shop.nobody(), shop.buyer()
    event = office.event()
    tier, seats = office.tier(event, 20, price=7), office.seats(event)
    closed = office.tier(event, 100, price=1)
    office.do("update ticket_tiers set sale_end_time = now() - interval '1 minute' where id = %s", closed)

    def told() -> list[tuple[int, float]]:
        (listed,) = (one for one in anybody.read("/events", limit=100)["data"] if one["event_id"] == event)
        page = anybody.read(f"/events/{event}/availability")
        seen = [(one["tickets_available"], one["lowest_price"]) for one in (listed, page)]
        of_parts = sum(one["available"] for one in page["sections"])
        of_parts += sum(one["available"] for one in page["tiers"] if one["on_sale"])
        assert of_parts == page["tickets_available"]
        rows = anybody.read(f"/events/{event}/sections/A/seats")["rows"]
        free = sum(seat["status"] == "AVAILABLE" for row in rows for seat in row["seats"])
        assert free == sum(one["available"] for one in page["sections"])
        return seen

    assert told() == [(30, 7), (30, 7)]
    booking = buyer.made(f"/events/{event}/bookings", {"seats": seats[:4]})["booking_id"]
    order = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 10}]})["order_id"]
    assert told() == [(16, 7), (16, 7)]
    buyer.made(f"/orders/{order}/pay")
    rest = buyer.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 10}]})["order_id"]
    assert told() == [(6, 10), (6, 10)]
    office.expire(order=rest, booking=booking)
    assert told() == [(20, 7), (20, 7)]


def test_a_countdown_goes_by_the_servers_clock_b15(shop: Shop) -> None:
    event = shop.office.event()
    shop.office.seats(event)
    buyer = shop.buyer()
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 1})
    time.sleep(0.3)
    later = buyer.read(f"/bookings/{booking['booking_id']}")
    assert 0.1 <= booking["seconds_left"] - later["seconds_left"] <= 5
    assert later["hold_expires_at"] == booking["hold_expires_at"]


def test_the_waitlist_is_joined_left_and_served(shop: Shop) -> None:
    event = shop.office.event()
    tier = shop.office.tier(event, 2)
    holder, first, second = shop.buyer(), shop.buyer(), shop.buyer()
    order = holder.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 2}]})["order_id"]
    places = [one.made(f"/events/{event}/waitlist", {"tier_id": tier})["place"] for one in (first, second)]
    assert places == [1, 2]
    assert first.made(f"/events/{event}/waitlist", {"tier_id": tier})["place"] == 1
    (entry,) = first.read("/waitlist")["data"]
    assert entry["offer"] is None
    assert second.post(f"/waitlist/{entry['waitlist_id']}", method="DELETE").status_code == 404
    holder.made(f"/orders/{order}/cancel")
    assert shop.office.one("select offer_next(%s)", event)
    (entry,) = first.read("/waitlist")["data"]
    assert entry["notified"]
    assert first.made(f"/orders/{entry['offer']['order_id']}/pay")["outcome"] == "paid"
    (entry,) = second.read("/waitlist")["data"]
    assert entry["place"] == 1
    assert second.post(f"/waitlist/{entry['waitlist_id']}", method="DELETE").status_code == 204
    assert second.read("/waitlist")["data"] == []
    unknown = [second.post("/events/999999/waitlist"), second.post(f"/events/{event}/waitlist", {"tier_id": 999_999})]
    assert [one.status_code for one in unknown] == [404, 404]
