"""The site: pages of our own files that ask the API as any client does.

One folder is one page. `shared` holds what all pages load: style, API, words and states. `parts` holds the HTML that
all of them contain: where a page says `<!-- parts/header.html -->`, the header is put in when the service starts.

Nothing here knows the database: what a visitor sees is what the key sees. The browser loads from and asks this service
alone: the policy below keeps it so. Links are relative, so that the site also works under a proxy's path.

Swagger UI's own files, of the reference, come from the package fastapi-offline.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from os import PathLike, stat_result
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serving.requests.addresses import is_own_host
from serving.responses.problems import Problem
from tickettape.settings import Settings

SITE = Path(__file__).parent
FOLDERS = ("shared", "board", "event", "alerts", "skill", "links", "reference", "box_office")
PAGES = {
    "/": "board",
    "/events/{event_id}": "event",
    "/alerts": "alerts",
    "/skill": "skill",
    "/links/": "links",
    "/docs/api/": "reference",
    "/box-office": "box_office/events",
    "/box-office/events/{event_id}": "box_office/event",
    "/box-office/orders/{order_id}": "box_office/purchase",
    "/box-office/bookings/{booking_id}": "box_office/purchase",
    "/box-office/tickets": "box_office/tickets",
    "/box-office/promoter": "box_office/promoter",
    "/box-office/promoter/events/{event_id}": "box_office/sale",
}
"""Where each page is, and its folder."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # asked again each time, and answered 304: never a page older than its API
}


class Files(StaticFiles):
    """A folder of files with the policy's headers."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file, or a 304."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        return response


_PART = re.compile(r"<!-- (parts/[a-z-]+\.html) -->")


def mount(app: FastAPI) -> None:
    """Serve the pages, the redirects of old links, and the files that the pages load, at /site/."""
    for path, route in (
        ("/links", _links_with_slash),
        ("/docs/api", _reference_with_slash),
        ("/dashboard", _moved),
        ("/dashboard/", _moved),
        ("/site/key", _key),
    ):
        app.add_api_route(path, route, include_in_schema=False)
    for path, folder in PAGES.items():
        app.add_api_route(path, _page(path, folder), include_in_schema=False)
    for name in FOLDERS:
        app.mount(f"/site/{name}", Files(directory=SITE / name), name=name)
    app.mount("/docs/api/swagger-ui", Files(packages=[("fastapi_offline", "static")]), name="swagger-ui")


def _page(path: str, folder: str) -> Callable[[Request], Awaitable[Response]]:
    text = with_parts((SITE / folder / "index.html").read_text(), path)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()}"'

    async def page(request: Request) -> Response:
        if folder == "board" and "event" in request.query_params:  # an old link, from before there was a board
            return _to_the_event(request, "")
        headers = HEADERS | {"etag": etag}
        if folder == "box_office/purchase" and request.app.state.settings.stripe_api_key:
            headers["content-security-policy"] = with_stripe(_POLICY)
        if etag in request.headers.get("if-none-match", ""):  # may be one of a list, or marked as weak by a proxy
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    return page


def with_parts(page: str, path: str) -> str:
    """The HTML of the page at a path, with its parts put in. Of their links, the one to this path is marked."""
    up = "../" * (path.count("/") - 1) or "./"
    link = f'<a href="{up}{path.removeprefix("/")}"'

    def part(name: re.Match[str]) -> str:
        text = (SITE / name[1]).read_text().strip().replace("{up}", up)
        return text.replace(link, f'{link} aria-current="page"')

    return _PART.sub(part, page)


def with_stripe(policy: str) -> str:
    """A page's policy, with what Stripe's element for payments needs: its script, its frames, its API."""
    return (
        policy.replace("script-src 'self'", "script-src 'self' https://js.stripe.com").replace(
            "connect-src 'self'", "connect-src 'self' https://api.stripe.com"
        )
        + "; frame-src https://js.stripe.com https://hooks.stripe.com"
    )


async def _links_with_slash() -> Response:
    return RedirectResponse("links/")


async def _reference_with_slash() -> Response:
    return RedirectResponse("/docs/api/")


async def _moved(request: Request) -> Response:
    """Where an old link to the charts leads."""
    up = "../" if request.url.path.endswith("/") else "./"
    return _to_the_event(request, up) if "event" in request.query_params else RedirectResponse(up)


def _to_the_event(request: Request, up: str) -> Response:
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "event"]
    where = f"{up}events/{quote(request.query_params['event'], safe='')}"
    return RedirectResponse(f"{where}?{urlencode(rest)}" if rest else where)


async def _key(request: Request) -> Response:
    """The key that DASHBOARD_KEY gives to whoever opens a page; null where visitors bring their own.

    Raises Problem 421 for a name that is not the service's own: a page of another site may have led it here.
    """
    settings: Settings = request.app.state.settings
    key = settings.dashboard_key
    if key and not is_own_host(request.headers.get("host", ""), settings.public_hosts.split()):
        raise Problem(
            421, "This service does not give its key under this name. An operator can add it to PUBLIC_HOSTS."
        )
    return JSONResponse({"key": key.get_secret_value() if key else None}, headers={"cache-control": "no-store"})
