"""Every page for everyone: axe-core finds nothing, the keyboard suffices, and it fits from a phone to 4k.

STATES is every page of the site in its main states. A new page is added here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.browser.conftest import Service
from tests.support.axe import violations
from tests.support.board_events import AT_MARKETS
from tests.support.board_page import Board
from tests.support.box_office_page import BoxOfficePage
from tests.support.dashboard_page import DESKTOP, Dashboard
from tests.support.served_box_office import Client, Shop
from tests.support.served_week import GAME, PLAY, UNSEEN
from tests.support.tools import needs_axe
from tickettape.api_schema import create_key
from tickettape.api_schema.tenants import DEMO
from tickettape.database import Warehouse

SMALLEST, ZOOMED, LARGEST = (320, 640), (640, 450), (3840, 2160)  # 1280 × 900 at 200 % is 640 × 450
PAGES = ("board", "event", "alerts", "links", "reference")


class Site:
    """Every page of a service."""

    def __init__(self, chrome: Chrome, service: Service) -> None:
        self.page = Dashboard(chrome, service.base)
        self.service = service

    def path(self, page: str, event: str = GAME) -> str:
        """Where a page is."""
        if page == "event":
            return f"/events/{self.service.get('events', search=event)['data'][0]['id']}"
        return {"board": "/", "alerts": "/alerts", "links": "/links/?state=confirmed", "reference": "/docs/api/"}[page]

    def open(self, path: str, shows: str) -> None:
        """Open an address, and wait until it shows an element."""
        self.page.chrome.get("about:blank")  # what follows # makes no new page
        self.page.chrome.get(self.page.base + path)
        self.page.wait(lambda: self.page.find(shows), f"{shows} of {path}")

    def open_page(self, page: str) -> None:
        """Open a page with its data."""
        shows = "[data-state=ready]" if page != "reference" else "[aria-label='authorization button locked']"
        self.open(self.path(page), shows)

    @contextmanager
    def key(self, key: str) -> Iterator[None]:
        """For the block the tab has a key of its own."""
        self.page.chrome.get(f"{self.page.base}/health")
        self.page.chrome.execute_script("sessionStorage.setItem('tickettape-key', arguments[0])", key)
        yield
        self.page.chrome.execute_script("sessionStorage.clear()")


@pytest.fixture
def site(chrome: Chrome, service: Service) -> Site:
    """The site on a desk's screen, by day."""
    of_service = Site(chrome, service)
    of_service.page.resize(DESKTOP)
    return of_service


def _asks_for_a_key(site: Site, page: str) -> None:
    with site.key("tt_wrong"):
        site.open(site.path(page), "#key:not([hidden])")


def _loads(site: Site, page: str) -> None:
    site.open_page(page)
    with site.service.asleep():
        site.page.chrome.execute_script(
            "history.pushState(null, '', '?basis=all_in'); dispatchEvent(new Event('popstate'))"
        )
        site.page.find("[data-state=loading]")


def _is_stale(site: Site) -> None:
    site.open_page("board")
    site.page.chrome.execute_script(
        """const now = Date.now;
        Date.now = () => now() + 60_000;
        window.fetch = () => Promise.reject(new TypeError("gone"));
        document.dispatchEvent(new Event("visibilitychange"))"""
    )
    site.page.wait(lambda: site.page.find("#stale").is_displayed(), "that the rows are old")


def _shows_an_operator(site: Site) -> None:
    with Warehouse().connection() as connection:
        key = create_key(connection, DEMO, operator=True)
    with site.key(key):
        site.open(site.path("links"), "#list button")


def _asks_for_authorization(site: Site) -> None:
    site.open_page("reference")
    site.page.find(".auth-wrapper .authorize").click()
    site.page.wait(lambda: site.page.find(".modal-ux .auth-container"), "the dialog")


STATES: dict[str, Callable[[Site], None]] = {
    "board": lambda site: site.open("/", "#rows td"),
    "board, grouped": lambda site: site.open("/?group=performer", "#rows .group"),
    "board, empty": lambda site: site.open("/?search=no+such+thing", "[data-state=empty]"),
    "board, refused": lambda site: site.open("/?sort=wrong", "[data-state=error]"),
    "board, without a key": lambda site: _asks_for_a_key(site, "board"),
    "board, stale": _is_stale,
    "board, loading": lambda site: _loads(site, "board"),
    "event": lambda site: site.open_page("event"),
    "event, at several markets": lambda site: site.open(
        site.path("event", AT_MARKETS), "body:has([data-state=ready]) #across tbody a"
    ),
    "event, sold first-hand too": lambda site: site.open(
        site.path("event", PLAY), "body:has([data-state=ready]) #primary tbody th"
    ),
    "event, empty": lambda site: site.open(site.path("event", UNSEEN), "[data-state=empty]"),
    "event, refused": lambda site: site.open("/events/none", "[data-state=error]"),
    "event, without a key": lambda site: _asks_for_a_key(site, "event"),
    "links": lambda site: site.open_page("links"),
    "links, to decide": _shows_an_operator,
    "links, empty": lambda site: site.open("/links/?state=ended", "[data-state=empty]"),
    "links, refused": lambda site: site.open("/links/?state=wrong", "[data-state=error]"),
    "links, without a key": lambda site: _asks_for_a_key(site, "links"),
    "skill": lambda site: site.open("/skill", "#record:not([data-state=loading])"),
    "alerts": lambda site: site.open_page("alerts"),
    "alerts, without a key": lambda site: _asks_for_a_key(site, "alerts"),
    "reference": lambda site: site.open_page("reference"),
    "reference, a call": lambda site: site.open(
        "/docs/api/#/events/list_board", "#operations-events-list_board .execute"
    ),
    "reference, authorization": _asks_for_authorization,
}


@needs_axe
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_by_day_and_at_night(site: Site, state: str) -> None:
    STATES[state](site)
    assert violations(site.page.chrome) == []
    site.page.resize(DESKTOP, dark=True)
    assert violations(site.page.chrome, "color-contrast") == [], "nothing else is different at night"


class SellingSite:
    """The pages of the box office: an event that half is sold of, one that is sold out, a buyer and a promoter."""

    def __init__(self, chrome: Chrome, shop: Shop) -> None:
        self.page = BoxOfficePage(chrome, str(shop.http.base_url).rstrip("/"))
        self.buyer, self.promoter, office = shop.buyer(), shop.promoter(), shop.office
        self.event = office.event(promoter_id=shop.of(self.promoter))
        for section, price in (("A", 50), ("B", 20)):
            office.seats(self.event, rows=2, section=section, price=price)
        office.tier(self.event, 50)
        self.gone = office.event()
        office.tier(self.gone, 0)
        self.draft = office.event(promoter_id=shop.of(self.promoter), status="draft")
        self.bought = self._hold()
        self.buyer.made(f"/bookings/{self.bought}/pay")
        self.buyer.made(f"/events/{self.gone}/waitlist", {"quantity": 2})
        self.cancelled = self._hold()
        self.buyer.made(f"/bookings/{self.cancelled}/cancel")

    def _hold(self) -> int:
        return int(self.buyer.made(f"/events/{self.event}/bookings/best", {"quantity": 2})["booking_id"])

    def open(self, path: str, shows: str, client: Client | None = None, click: str = "") -> None:
        """Open a page as somebody, by day on a desk's screen, until it shows an element. Click on another one first."""
        self.page.resize(DESKTOP)
        self.page.enter(client)
        if click:
            self.page.go(path, click)
            # again if what was clicked on was drawn anew meanwhile
            self.page.wait(lambda: self.page.find(shows).is_displayed() or self.page.find(click).click(), shows)
        else:
            self.page.go(path, shows)

    def hold(self) -> None:
        """A purchase that waits for its payment."""
        self.open(f"/bookings/{self._hold()}", "#payment", self.buyer)


@pytest.fixture(scope="module")
def selling_site(chrome: Chrome, shop: Shop) -> SellingSite:
    """The pages of the box office."""
    return SellingSite(chrome, shop)


SELLING_STATES: dict[str, Callable[[SellingSite], None]] = {
    "events": lambda site: site.open("", "#list li"),
    "events, empty": lambda site: site.open("?search=no+such+thing", "[data-state=empty]"),
    "event": lambda site: site.open(f"/events/{site.event}", "#map [role=option]"),
    "event, a section": lambda site: site.open(f"/events/{site.event}?section=B", "[role=gridcell]"),
    "event, a seat chosen": lambda site: site.open(f"/events/{site.event}?section=B", "#tray", click=".free"),
    "event, sold out": lambda site: site.open(f"/events/{site.gone}", "#waitlist form"),
    "event, unknown": lambda site: site.open("/events/99999999", "[data-state=error]"),
    "log in": lambda site: site.open("/tickets", "dialog"),
    "create an account": lambda site: site.open("/tickets", "#full-name", click="#other-way"),
    "purchase, held": lambda site: site.hold(),
    "purchase, bought": lambda site: site.open(f"/bookings/{site.bought}", "img.qr", site.buyer),
    "purchase, cancelled": lambda site: site.open(f"/bookings/{site.cancelled}", "#ended", site.buyer),
    "my tickets": lambda site: site.open("/tickets", "#waiting li", site.buyer),
    "my tickets, empty": lambda site: site.open("/tickets", "[data-state=empty]", site.promoter),
    "what a promoter sells": lambda site: site.open("/promoter", "#rows tr", site.promoter),
    "what nobody sells": lambda site: site.open("/promoter", "[data-state=empty]", site.buyer),
    "a sale": lambda site: site.open(f"/promoter/events/{site.event}", "#map [role=option]", site.promoter),
    "a sale, before it": lambda site: site.open(f"/promoter/events/{site.draft}", "#hint", site.promoter),
}


@needs_axe
@pytest.mark.parametrize("state", SELLING_STATES)
def test_axe_finds_nothing_at_the_box_office_by_day_and_at_night(selling_site: SellingSite, state: str) -> None:
    SELLING_STATES[state](selling_site)
    assert violations(selling_site.page.chrome) == []
    selling_site.page.resize(DESKTOP, dark=True)
    assert violations(selling_site.page.chrome, "color-contrast") == []
    selling_site.page.resize(SMALLEST)
    assert selling_site.page.chrome.execute_script("return document.documentElement.scrollWidth") <= SMALLEST[0]
    selling_site.page.screenshot(f"box-office-{state.replace(', ', '-').replace(' ', '-')}-{SMALLEST[0]}")


@needs_axe
def test_control_axe_finds_a_field_without_a_name_and_too_little_contrast(site: Site) -> None:
    site.open_page("board")
    site.page.chrome.execute_script(
        "document.querySelector('label[for=search]').remove(); document.getElementById('search').placeholder = '';"
        "document.querySelector('.lede').style.color = '#ccc'"
    )
    assert {line.partition(":")[0] for line in violations(site.page.chrome)} == {"color-contrast", "label"}


_HEIGHTS = """return [...document.querySelectorAll("#filters :is(input, select, button)")]
    .map((one) => one.offsetHeight)"""


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_off_from_a_phone_to_4k(site: Site, page: str) -> None:
    chrome = site.page.chrome
    wide = "return document.documentElement.scrollWidth"
    site.open_page(page)
    for size in (SMALLEST, ZOOMED, LARGEST):
        site.page.resize(size)
        assert chrome.execute_script(wide) <= size[0]
        site.page.screenshot(f"{page}-{size[0]}")
        if page == "board" and size == SMALLEST:
            site.page.find("#more").click()
            assert chrome.execute_script(wide) <= size[0]
            assert min(chrome.execute_script(_HEIGHTS)) >= 40, "a finger finds every field"
            card = Board(chrome, site.page.base).rows[0]
            assert all(words for cell, words in card.items() if cell != "spark"), "each figure is in the card"
        if page == "board" and size == LARGEST:
            used = chrome.execute_script("return document.querySelector('table').getBoundingClientRect().width")
            assert used > 0.6 * size[0], "the width is used"
    if page == "reference":
        site.page.resize(SMALLEST)
        site.page.find(".opblock-summary-control").click()
        site.page.wait(lambda: site.page.find(".parameters-container"), "a call")
        assert chrome.execute_script(wide) <= SMALLEST[0]


_FOLLOW_THE_FOCUS = """
    window.controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
        .filter((one) => one.checkVisibility({visibilityProperty: true}) && one.tabIndex >= 0 && !one.disabled
            && !(one.type === "radio" && !one.checked));
    window.reached = [];
    window.invisible = [];
    addEventListener("focusin", ({target}) => {
        const shown = target.type === "radio" ? target.nextElementSibling : target;
        if (!reached.includes(target)) reached.push(target);
        if (getComputedStyle(shown).outlineStyle === "none") invisible.push(target);
    });
    return controls.length;"""


def _is_reached_by_tab(chrome: Chrome) -> None:
    number = chrome.execute_script(_FOLLOW_THE_FOCUS)
    ActionChains(chrome).send_keys(Keys.TAB * (number + 6)).perform()  # a date has stops for month, year and calendar
    reached, invisible, missed = chrome.execute_script(
        "return [reached, invisible.map((one) => one.outerHTML), "
        "controls.filter((one) => !reached.includes(one)).map((one) => one.outerHTML)]"
    )
    assert reached[0].get_attribute("textContent") == "Skip to the content"
    assert invisible == []
    assert missed == []
    assert [one.get_attribute("outerHTML") for one in reached if not one.accessible_name] == []


@pytest.mark.parametrize("state", ["event", "event, a section", "purchase, held", "a sale"])
def test_every_control_of_the_box_office_is_reached_by_tab(selling_site: SellingSite, state: str) -> None:
    SELLING_STATES[state](selling_site)
    _is_reached_by_tab(selling_site.page.chrome)


@pytest.mark.parametrize("page", PAGES)
def test_every_control_is_reached_by_tab_has_a_name_and_shows_that_it_is_reached(site: Site, page: str) -> None:
    site.open_page(page)
    _is_reached_by_tab(site.page.chrome)


def test_by_keyboard_alone_an_event_is_found_and_opened(site: Site) -> None:
    site.open_page("board")
    chrome = site.page.chrome

    def press(*keys: str) -> None:
        ActionChains(chrome).send_keys(*keys).perform()

    press(Keys.TAB, Keys.ENTER, Keys.TAB)  # past the header
    assert chrome.switch_to.active_element.get_attribute("id") == "search"
    press("celtics")
    board = Board(chrome, site.page.base)
    board.shows_names(GAME)
    assert board.find("#search") == chrome.switch_to.active_element, "the reader may go on typing"
    while chrome.switch_to.active_element.get_attribute("name") != "tickets":
        press(Keys.TAB)
    press(Keys.ARROW_RIGHT)
    board.wait(lambda: "tickets=4" in chrome.current_url, "for four")
    while chrome.switch_to.active_element.text != GAME:
        press(Keys.TAB)
    press(Keys.ENTER)
    board.wait(lambda: "/events/" in chrome.current_url, "the event's page")
    assert "tickets=4" in chrome.current_url


def test_numbers_and_moments_are_the_readers(site: Site) -> None:
    chrome = site.page.chrome
    agent = chrome.execute_script("return navigator.userAgent")
    chrome.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "de-DE"})
    chrome.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    try:
        board = Board(chrome, site.page.base).open(sort="-total_tickets")
        row = site.service.get("board", active="true", sides="one", sort="-total_tickets")["data"][0]
        german = f"{row['price']:,.2f}".translate(str.maketrans(",.", ".,"))
        assert board.rows[0]["price"].replace("\xa0", " ") == f"{german} $"
        assert board.rows[0]["left"] == f"{row['total_tickets']:,}".replace(",", ".")
        assert board.find("#rows time").text.partition(".")[0] in ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
        captured = board.find("#rows .age time").get_attribute("title")
        there = datetime.fromisoformat(row["last_ok_at"]).astimezone(ZoneInfo("Asia/Tokyo"))
        assert f"{there:%-d}. " in captured
        assert f"{there:%Y}, {there:%-H:%M} (" in captured
    finally:
        chrome.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent})
        chrome.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_nothing_moves_for_readers_who_want_no_motion(site: Site) -> None:
    site.page.chrome.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    for page in PAGES:
        site.open_page(page)
        moving = """return [...document.querySelectorAll("*")].filter((one) => {
            const {animationName, transitionDuration} = getComputedStyle(one);
            return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
        }).length"""
        assert site.page.chrome.execute_script(moving) == 0, page
