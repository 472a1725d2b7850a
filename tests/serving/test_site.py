"""The site's files: where each page is, under which policy, and where old links lead."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from serving import site
from tickettape.settings import Settings

BASE = "http://tickettape"
PRICES = {
    "/": "board",
    "/events/9f0c6c1e": "event",
    "/links/": "links",
    "/alerts": "alerts",
    "/skill": "skill",
    "/docs/api/": "reference",
}
BOX_OFFICE = {
    path.format(event_id=7, order_id=7, booking_id=7): folder
    for path, folder in site.PAGES.items()
    if folder.startswith("box_office/")
}
PAGES = PRICES | BOX_OFFICE
Client = httpx.AsyncClient


def asking(questions: Callable[[Client], Awaitable[None]]) -> None:
    """Ask an application that has nothing but the site."""
    app = FastAPI()
    app.state.settings = Settings()
    site.mount(app)

    async def run() -> None:
        async with Client(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            await questions(client)

    asyncio.run(run())


class _Links(HTMLParser):
    """The addresses that a page names: of files, and of the navigation, which is in its header."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.navigation: list[str] = []
        self.current: list[str] = []
        self._in_header = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_header |= tag == "header"
        for name, value in attrs:
            if name in ("href", "src") and value:
                if tag != "a":
                    self.files.add(value)
                elif self._in_header:
                    self.navigation.append(value)
                    if ("aria-current", "page") in attrs:
                        self.current.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._in_header &= tag != "header"


def test_every_page_and_every_file_that_it_names_has_the_policy_and_is_asked_for_once() -> None:
    async def questions(client: Client) -> None:
        for path, folder in PAGES.items():
            page = (await client.get(path)).text
            assert page == site.with_parts((site.SITE / folder / "index.html").read_text(), path)
            assert page.count('<meta charset="utf-8">') == page.count('<a class="skip" href="#main">') == 1
            assert not re.search(r"<!--|{up}", page), "a part that was not put in"
            assert not re.search(r"<script>|<style|style=|onclick=", page), "the policy would refuse it"
            for file in [path, *sorted(_Links(page).files)]:
                answer = await client.get(urljoin(path, file))
                assert answer.status_code == 200, file
                assert answer.headers.items() >= site.HEADERS.items(), file
                again = await client.get(urljoin(path, file), headers={"if-none-match": answer.headers["etag"]})
                assert again.status_code == 304

    asking(questions)


def test_a_page_loads_its_modules_at_once() -> None:
    """Every module that another one imports is named in the page, so the browser need not find it bit by bit."""
    imported = re.compile(r'^import .*? from "(.*?)";|^} from "(.*?)";', re.MULTILINE)

    async def questions(client: Client) -> None:
        for path in PAGES:
            named = {urljoin(path, file) for file in _Links((await client.get(path)).text).files}
            for module in [file for file in named if file.endswith(".js") and file.startswith("/site/")]:
                found = imported.findall((await client.get(module)).text)
                assert {urljoin(module, "".join(one)) for one in found} <= named, f"{path}: {module}"

    asking(questions)


@pytest.mark.parametrize(
    ("pages", "navigation"),
    [
        (PRICES, ["/", "/", "/alerts", "/skill", "/box-office", "/docs/api/", "/docs/data"]),
        (BOX_OFFICE, ["/box-office", "/box-office", "/box-office/tickets", "/box-office/promoter"]),
    ],
)
def test_every_page_has_the_navigation_of_its_part(pages: dict[str, str], navigation: list[str]) -> None:
    async def questions(client: Client) -> None:
        for path in pages:
            links = _Links((await client.get(path)).text)
            assert [urljoin(path, link) for link in links.navigation] == navigation, path
            assert [urljoin(path, link) for link in links.current] == [path] * (path in navigation), path

    asking(questions)


def test_only_where_stripe_takes_payments_may_its_page_ask_stripe() -> None:
    async def policies(settings: Settings) -> dict[str, str]:
        app = FastAPI()
        app.state.settings = settings
        site.mount(app)
        async with Client(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return {path: (await client.get(path)).headers["content-security-policy"] for path in PAGES}

    ours = site.HEADERS["content-security-policy"]
    assert set(asyncio.run(policies(Settings())).values()) == {ours}
    found = asyncio.run(policies(Settings(stripe_api_key=SecretStr("sk_test"))))
    assert {path for path, policy in found.items() if policy != ours} == {
        "/box-office/orders/7",
        "/box-office/bookings/7",
    }
    assert found["/box-office/orders/7"] == (
        "default-src 'none'; script-src 'self' https://js.stripe.com; style-src 'self'; "
        "connect-src 'self' https://api.stripe.com; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; frame-src https://js.stripe.com https://hooks.stripe.com"
    )


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("/?event=9f0c&zone=A%26B&basis=all_in", "/events/9f0c?zone=A%26B&basis=all_in"),
        ("/dashboard/?event=9f0c&zone=A", "/events/9f0c?zone=A"),
        ("/dashboard?event=9f0c", "/events/9f0c"),
        ("/dashboard/", "/"),
        ("/dashboard", "/"),
        ("/docs/api", "/docs/api/"),
        ("/links", "/links/"),
        ("/?event=//evil.example/a", "/events/%2F%2Fevil.example%2Fa"),
    ],
)
def test_a_link_of_before_leads_to_its_page(before: str, now: str) -> None:
    async def questions(client: Client) -> None:
        answer = await client.get(before)
        assert (answer.status_code, urljoin(before, answer.headers["location"])) == (307, now)

    asking(questions)


def test_nothing_but_the_pages_files_is_served() -> None:
    async def questions(client: Client) -> None:
        for path in ("/site/__init__.py", "/site/shared/../__init__.py", "/site/shared/%2e%2e/__init__.py", "/site/"):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get("/site/key")).json() == {"key": None}

    asking(questions)
