"""The pages of the box office: buy, let a hold run out, wait for what is sold out, and sell. At 390 px, by keyboard."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr
from selenium.webdriver import Chrome, Keys
from starlette.responses import Response

from tests.support.box_office_page import BoxOfficePage
from tests.support.dashboard_page import DESKTOP, PHONE
from tests.support.loopback_servers import served
from tests.support.served_box_office import Shop
from tests.support.served_market import serving
from tests.support.stripe_server import WEBHOOK_SECRET, StripeServer
from tickettape.settings import Settings


@pytest.fixture
def page(chrome: Chrome, shop: Shop) -> Iterator[BoxOfficePage]:
    """A phone of somebody who is not logged in. What the browser finds wrong fails the test."""
    made = BoxOfficePage(chrome, str(shop.http.base_url).rstrip("/")).enter(None)
    made.resize(PHONE)
    made.log("browser")
    yield made
    assert [
        one["message"]
        for one in made.log("browser")
        if one["level"] == "SEVERE" and "status of 4" not in one["message"]
    ] == []


def hall(shop: Shop, **given: object) -> int:
    """An event with two sections of 40 seats, and a tier."""
    event = shop.office.event(city="Springfield", country="US", **given)
    for section, price in (("A", 50), ("B", 20)):
        shop.office.seats(event, rows=4, section=section, price=price)
    shop.office.tier(event, 50)
    return event


def test_by_keyboard_alone_a_new_buyer_chooses_a_seat_pays_and_has_a_ticket(page: BoxOfficePage, shop: Shop) -> None:
    event = hall(shop)
    page.go("", "#list li")
    page.tab_to("#search")
    page.press("concert")
    page.wait(lambda: "search=concert" in page.chrome.current_url, "the search")
    page.go(f"/events/{event}", "#map [role=option]")
    page.tab_to("#map [role=option]")
    assert page.focused == "Section A, from $50.00, 40 seats left"
    page.press(Keys.ARROW_RIGHT)
    assert page.focused == "Section B, from $20.00, 40 seats left"
    page.press(Keys.ENTER)
    page.wait(lambda: page.focused == "Section B, row 1, seat 1, $20.00, free", "the first seat")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ENTER)
    assert page.focused == "Section B, row 2, seat 2, $20.00, chosen"
    page.press(Keys.END, Keys.SPACE)
    assert page.text("#tray .total") == "2 seats, $40.00"
    page.tab_to("#tray .primary")
    page.press(Keys.ENTER)

    page.until_shown("dialog")
    page.tab_to("#other-way")
    page.press(Keys.ENTER, "Ada Buyer", Keys.TAB, f"ada{event}@example.com", Keys.TAB, "a long password", Keys.ENTER)
    page.until_shown("#held")
    assert page.text("#sum").splitlines()[1:] == [
        "Section B, row 2, seat 2 $20.00", "Section B, row 2, seat 10 $20.00", "Total $40.00",
    ]  # fmt: skip
    page.tab_to("#let-fail")
    page.press(Keys.ENTER)
    page.until_says("The payment failed, and nothing was taken.", "#refused")
    page.tab_to("#payment .primary")
    page.press(Keys.ENTER)
    page.until_says("You have 2 tickets", "#bought")
    drawn = "return [...document.querySelectorAll('img.qr')].every((one) => one.naturalWidth > 0)"
    page.wait(lambda: page.chrome.execute_script(drawn), "the QR codes")
    assert page.find("img.qr").accessible_name == "QR code of the ticket for Section B, row 2, seat 2"
    png = page.chrome.execute_async_script(
        """const [done] = arguments;
           fetch(document.querySelector(".links a").href).then(async (answer) =>
               done([answer.headers.get("content-type"), (await answer.blob()).size]))"""
    )
    assert png[0] == "image/png"
    assert png[1] > 200
    page.screenshot("box-office-bought-phone")
    page.go("/tickets", "#upcoming li")
    assert "Section B, row 2, seats 2 and 10" in page.text("#upcoming")
    page.click("#log-out")
    page.until_shown("dialog")


def test_the_best_seats_are_held_by_the_services_clock_until_their_time_runs_out(
    page: BoxOfficePage, shop: Shop
) -> None:
    buyer, event = shop.buyer(), hall(shop)
    page.enter(buyer)
    wrong = page.chrome.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": "const now = Date.now; Date.now = () => now() + 3_600_000;"}
    )
    try:
        page.go(f"/events/{event}", "#best .primary")
        page.type_into("#how-many", "3")
        page.type_into("#best-section", "B")
        page.type_into("#best .primary", Keys.ENTER)
        page.until_shown("#held")
        assert page.text(".clock") in ("5:00", "4:59", "4:58")
        booking = int(page.chrome.current_url.rsplit("/", 1)[1])
        shop.office.do("update bookings set hold_expires_at = now() + interval '20 seconds' where id = %s", booking)
        page.chrome.refresh()
        page.until_shown("#extend")
        assert page.text(".clock") in ("0:20", "0:19", "0:18")
        page.type_into("#extend", Keys.ENTER)
        page.wait(lambda: page.text(".clock").startswith(("5:00", "4:5")), "five more minutes")
        assert not page.chrome.find_elements("css selector", "#extend"), "only once"
        shop.office.do("update bookings set hold_expires_at = now() + interval '1 second' where id = %s", booking)
        shop.office.do(
            "update stored_seats set held_until = now() + interval '1 second' where current_booking_id = %s", booking
        )
        page.chrome.refresh()
        page.until_says("The time ran out", "#ended")
        page.screenshot("box-office-ended-phone")
        page.type_into("#ended a", Keys.ENTER)
        page.until_shown("#map [role=option]")
        assert "Section B, from $20.00, 40 seats left" in page.names("#map [role=option]")
        page.type_into("#best .primary", Keys.ENTER)
        page.type_into("#cancel", Keys.ENTER)
        page.until_says("Cancelled", "#ended")
        assert shop.nobody().read(f"/events/{event}/availability")["tickets_available"] == 130
    finally:
        page.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", wrong)


def test_who_waits_for_what_is_sold_out_is_offered_what_comes_back(page: BoxOfficePage, shop: Shop) -> None:
    first, buyer, event = shop.buyer(), shop.buyer(), shop.office.event()
    shop.office.tier(event, 2)
    tier = shop.nobody().read(f"/events/{event}/availability")["tiers"][0]["tier_id"]
    order = first.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 2}]})["order_id"]
    page.enter(buyer)
    page.go(f"/events/{event}", "#waitlist form")
    assert "Sold out" in page.text("#waitlist")
    page.type_into("#waitlist .primary", Keys.ENTER)
    page.until_says("You wait for 2 tickets, and you are number 1 in the queue.", "#waitlist")
    page.screenshot("box-office-waitlist-phone")
    page.type_into("#waitlist a", Keys.ENTER)
    page.until_says("Number 1 in the queue", "#waiting")

    first.made(f"/orders/{order}/cancel")
    shop.office.one("select offer_next(%s)", event)
    page.chrome.refresh()
    page.until_says("It is your turn.", "#waiting")
    page.type_into("#waiting a", Keys.ENTER)
    page.until_shown("#payment .primary")
    page.type_into("#payment .primary", Keys.ENTER)
    page.until_says("You have 2 tickets", "#bought")


def test_one_tier_can_be_waited_for_while_others_are_on_sale(page: BoxOfficePage, shop: Shop) -> None:
    event, buyer = hall(shop), shop.buyer()
    gone = shop.office.tier(event, 0, price=99)
    page.enter(buyer).go(f"/events/{event}", "#tier-list button")
    page.type_into("#tier-list button", Keys.ENTER)
    page.wait(lambda: page.focused == "Tickets", "the form's first field")
    page.type_into("#waitlist .primary", Keys.ENTER)
    page.until_says("you are number 1 in the queue", "#waitlist")
    assert [one["tier_id"] for one in buyer.read("/waitlist")["data"]] == [gone]
    page.go("/tickets", "#waiting button")
    page.type_into("#waiting button", Keys.ENTER)
    page.until_says("You have no tickets yet.")
    assert buyer.read("/waitlist")["data"] == []


CSV = "section,row_number,seat_number,price\n" + "".join(
    f"{section},{row},{seat},{price}\n"
    for section, price in (("A", 50), ("B", 20))
    for row in "12"
    for seat in range(1, 11)
)


def test_a_promoter_creates_an_event_from_a_csv_and_sees_what_sells(
    page: BoxOfficePage, shop: Shop, tmp_path: Path
) -> None:
    promoter, buyer = shop.promoter(), shop.buyer()
    page.enter(promoter)
    page.go("/promoter", "#new")
    page.type_into("#event-title", "A first night")
    page.type_into("#venue", "The Hall")
    page.type_into("#venue-time-zone", "America/Chi")
    start = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-%dT19:30")
    page.chrome.execute_script("arguments[0].value = arguments[1]", page.find("#start"), start)
    page.type_into("#new-event .primary", Keys.ENTER)
    page.until_says("Add seats or tickets below.", "#hint")
    assert "7:30 PM" in page.text("#when")
    event = int(page.chrome.current_url.rsplit("/", 1)[1])

    wrong, right = tmp_path / "wrong.csv", tmp_path / "seats.csv"
    wrong.write_text(CSV.replace("A,1,2,50", "A,1,,50").replace("B,2,3,20", "B,2,3,cheap"))
    right.write_text(CSV)
    page.find("#file").send_keys(str(wrong))
    page.type_into("#import button", Keys.ENTER)
    page.until_says("Line 34: ", "#import-wrong")
    assert page.text("#import-wrong").splitlines()[0].startswith("Line 3: ")
    page.find("#file").send_keys(str(right))
    page.type_into("#import button", Keys.ENTER)
    page.until_says("40 seats added.", "#done")
    page.type_into("#steps .primary", Keys.ENTER)
    page.wait(lambda: page.text("#state") == "On sale", "the sale")

    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 4, "section": "A"})["booking_id"]
    buyer.made(f"/bookings/{booking}/pay")
    page.chrome.refresh()
    page.until_shown("#map [role=option]")
    assert [page.text(f"#figures div:nth-child({n}) dd") for n in (1, 2, 3, 6)] == ["4", "36", "10%", "$200.00"]
    assert page.names("#map [role=option]") == ["Section A: 16 of 20 seats left", "Section B: 20 of 20 seats left"]
    assert "4 tickets sold" in page.find("#bars svg").accessible_name

    page.type_into("#price-section", "B")
    page.type_into("#multiplier", "1.5")
    page.type_into("#price-reason", "A is selling", Keys.ENTER)
    page.until_says("The price of 20 seats changed.", "#done")
    assert "Section B" in page.text("#price-log tbody")
    assert "A is selling" in page.text("#price-log tbody")

    page.type_into("#purchases tbody button", Keys.ENTER)
    page.wait(lambda: page.chrome.switch_to.alert, "the question")
    page.chrome.switch_to.alert.accept()
    page.until_says("$200.00 of Booking", "#done")
    assert page.text("#figures div:nth-child(6) dd") == "$0.00"
    page.screenshot("box-office-sale-phone")


def test_a_printed_ticket_has_the_size_of_a_bank_card(page: BoxOfficePage, shop: Shop) -> None:
    buyer, event = shop.buyer(), hall(shop)
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 2})["booking_id"]
    buyer.made(f"/bookings/{booking}/pay")
    page.enter(buyer).resize(DESKTOP)
    page.go(f"/bookings/{booking}", "img.qr")
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        sizes = page.chrome.execute_script(
            """return [...document.querySelectorAll(".ticket")].map((one) => {
                   const {width, height} = one.getBoundingClientRect();
                   return [width, height, one.scrollHeight <= one.clientHeight];
               })"""
        )
        millimetre = 96 / 25.4
        assert [(round(width / millimetre, 1), round(height / millimetre), fits) for width, height, fits in sizes] == [
            (85.6, 54, True)
        ] * 2
        assert page.words.count("Section A") == 2, "nothing else is printed"
    finally:
        page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


STRIPE_JS = """
    window.Stripe = (key) => ({
        elements: ({ clientSecret }) => ({ create: () => ({ mount: (place) => {
            document.querySelector(place).textContent = `Stripe's form: ${key} ${clientSecret}`;
        } }) }),
        confirmPayment: async () => { await fetch("/paid-at-stripe", { method: "POST" }); return {}; },
    });"""
"""Stands in for Stripe's own script, which no test can reach."""


def test_where_stripe_takes_payments_its_element_is_shown_and_its_message_brings_the_tickets(
    page: BoxOfficePage, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    stripe, buyer, event = StripeServer(), shop.buyer(), hall(shop)
    booking = buyer.made(f"/events/{event}/bookings/best", {"quantity": 2})["booking_id"]

    def add_stripe(app: FastAPI) -> None:
        async def paid(request: Request) -> Response:
            (intent,) = stripe.intents
            stripe.pay(intent)
            payload, signature = stripe.message("payment_intent.succeeded", stripe.intents[intent])
            async with httpx.AsyncClient(base_url=str(request.base_url)) as client:
                headers = {"stripe-signature": signature}
                answer = await client.post("/api/box-office/webhooks/stripe", content=payload, headers=headers)
            return Response(answer.content, answer.status_code)

        app.add_api_route("/paid-at-stripe", paid, methods=["POST"])

    added = page.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": STRIPE_JS})
    with served(stripe) as stripe_url:
        settings = Settings(
            stripe_api_key=SecretStr("sk_test"),
            stripe_webhook_secret=SecretStr(WEBHOOK_SECRET),
            stripe_api_base=stripe_url,
            stripe_publishable_key="pk_test",
        )
        with serving(shop.office.url, settings, add_stripe) as base:
            at_stripe = BoxOfficePage(page.chrome, base).enter(buyer)
            at_stripe.go(f"/bookings/{booking}", "#card")
            at_stripe.until_says("Stripe's form: pk_test pi_", "#card")
            assert not page.chrome.find_elements("css selector", "#let-fail")
            at_stripe.click("#payment .primary")
            at_stripe.until_says("You have 2 tickets", "#bought")
    page.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    page.chrome.get("about:blank")


def test_a_section_with_more_seats_than_fit_a_picture_is_shown_in_parts(page: BoxOfficePage, shop: Shop) -> None:
    event = shop.office.event()
    shop.office.seats(event, rows=80, in_a_row=50, section="Main")
    page.go(f"/events/{event}?section=Main", "#parts")
    assert [one.text for one in page.select("part").options] == ["1 to 60", "61 to 80"]
    count = "return document.querySelectorAll('[role=gridcell]').length"
    assert page.chrome.execute_script(count) == 3_000
    page.select("part").select_by_index(1)
    page.wait(lambda: page.chrome.execute_script(count) == 1_000, "the second part")
    assert page.find("[role=gridcell]").accessible_name == "Section Main, row 61, seat 1, $10.00, free"


def test_a_seat_that_somebody_else_takes_leaves_the_choice_and_is_said(page: BoxOfficePage, shop: Shop) -> None:
    event, buyer, other = hall(shop), shop.buyer(), shop.buyer()
    page.enter(buyer)
    page.resize(DESKTOP)
    page.go(f"/events/{event}?section=A", "[role=gridcell]")
    page.click("[role=gridcell]")
    seat = shop.nobody().read(f"/events/{event}/sections/A/seats")["rows"][0]["seats"][0]["seat_id"]
    other.made(f"/events/{event}/bookings", {"seats": [seat]})
    page.click("#tray .primary")
    page.until_says("taken", "#refused")
    page.until_says("1 seat of your choice has just been taken.", "#refused")
    assert not page.find("#tray").is_displayed()
    assert page.find("[role=gridcell]").accessible_name == "Section A, row 1, seat 1, $50.00, on hold"


def test_mail_about_waitlists_is_ended_and_taken_back_by_two_buttons_without_a_login(
    page: BoxOfficePage, shop: Shop
) -> None:
    user = shop.office.user()
    token = shop.office.one("insert into mail_preferences (user_id) values (%s) returning token", user)
    page.enter(None)
    page.go(f"/unsubscribe?token={token}", "form button")
    for told, wanted in (("No more mail about waitlists", False), ("You get mail about waitlists", True)):
        page.tab_to("form button")
        page.press(Keys.ENTER)
        page.until_says(told, "h1")
        assert shop.office.one("select off_at is null from mail_preferences where user_id = %s", user) is wanted
