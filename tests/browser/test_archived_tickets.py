"""A buyer's tickets of an event that went to cold storage."""

from pathlib import Path

from selenium.webdriver import Chrome

from tests.support.box_office_page import BoxOfficePage
from tests.support.over_events import archive, settled
from tests.support.served_box_office import Shop
from tickettape.box_office.bookings import confirm, hold


def test_the_tickets_stay_on_the_buyers_page_without_seats(chrome: Chrome, shop: Shop, tmp_path: Path) -> None:
    office, buyer = shop.office, shop.buyer()
    event = office.event()
    assert buyer.user_id is not None
    confirm(office.connection, hold(office.connection, buyer.user_id, event, office.seats(event)[:2]))
    page = BoxOfficePage(chrome, str(shop.http.base_url).rstrip("/")).enter(buyer)
    page.go("/tickets", "#upcoming li a")
    page.until_says("Section A, row 1, seats 1–2", "#upcoming")
    settled(office, event)
    archive(office, tmp_path, event)
    page.go("/tickets", "#upcoming li")
    page.until_says("2 tickets", "#upcoming")
    assert "A concert" in page.text("#upcoming li h3")
    assert not any(word in page.words for word in ("null", "undefined", "Section"))
    assert page.chrome.execute_script("return document.querySelectorAll('#upcoming li a').length") == 0
