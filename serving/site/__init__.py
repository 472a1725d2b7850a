"""The site: pages of our own files that ask the API as any client does.

One folder is one page; `shared` holds what all pages have: style, header, API, words and states. Nothing here knows the
database: what a visitor sees is what the key sees. The browser loads from and asks this service alone: the policy below
keeps it so. Links are relative, so that the site also works under a proxy's path.

Swagger UI's own files, of the reference, come from the package fastapi-offline.
"""

from collections.abc import Awaitable, Callable
from os import PathLike, stat_result
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serving.requests.addresses import is_own_host
from serving.responses.problems import Problem
from tickettape.settings import Settings

SITE = Path(__file__).parent
FOLDERS = ("shared", "board", "event", "alerts", "skill", "links", "reference", "box_office")
BOX_OFFICE = {
    "": "events",
    "/events/{event_id}": "event",
    "/orders/{order_id}": "purchase",
    "/bookings/{booking_id}": "purchase",
    "/tickets": "tickets",
    "/promoter": "promoter",
    "/promoter/events/{event_id}": "sale",
}
"""Where each page of the box office is, below /box-office, and its folder, below box_office/."""

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


_FILES = {name: Files(directory=SITE / name) for name in FOLDERS}


def mount(app: FastAPI) -> None:
    """Serve the board at /, an event at /events/{id}, alerts at /alerts, the forecasts' record at /skill, the links at
    /links/, the reference at /docs/api/, and the box office at /box-office.

    Their files are at /site/.
    """
    for path, route in (
        ("/", _board),
        ("/events/{event_id}", _event),
        ("/alerts", _alerts),
        ("/links/", _links),
        ("/links", _links_with_slash),
        ("/skill", _skill),
        ("/docs/api/", _reference),
        ("/docs/api", _with_slash),
        ("/dashboard", _moved),
        ("/dashboard/", _moved),
        ("/site/key", _key),
    ):
        app.add_api_route(path, route, include_in_schema=False)
    for path, folder in BOX_OFFICE.items():
        app.add_api_route(f"/box-office{path}", _of_box_office(folder), include_in_schema=False)
    for name, files in _FILES.items():
        app.mount(f"/site/{name}", files, name=name)
    app.mount("/docs/api/swagger-ui", Files(packages=[("fastapi_offline", "static")]), name="swagger-ui")


async def _board(request: Request) -> Response:
    if "event" in request.query_params:  # an old link, from before there was a board
        return _to_the_event(request, "")
    return await _page("board", request)


async def _event(request: Request) -> Response:
    return await _page("event", request)


async def _alerts(request: Request) -> Response:
    return await _page("alerts", request)


async def _links(request: Request) -> Response:
    return await _page("links", request)


async def _links_with_slash() -> Response:
    return RedirectResponse("links/")


async def _skill(request: Request) -> Response:
    return await _page("skill", request)


async def _reference(request: Request) -> Response:
    return await _page("reference", request)


async def _page(name: str, request: Request) -> Response:
    return await _FILES[name].get_response("index.html", request.scope)


def _of_box_office(folder: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        response = await _FILES["box_office"].get_response(f"{folder}/index.html", request.scope)
        if folder == "purchase" and request.app.state.settings.stripe_api_key:
            response.headers["content-security-policy"] = with_stripe(_POLICY)
        return response

    return page


def with_stripe(policy: str) -> str:
    """A page's policy, with what Stripe's element for payments needs: its script, its frames, its API."""
    return (
        policy.replace("script-src 'self'", "script-src 'self' https://js.stripe.com").replace(
            "connect-src 'self'", "connect-src 'self' https://api.stripe.com"
        )
        + "; frame-src https://js.stripe.com https://hooks.stripe.com"
    )


async def _with_slash() -> Response:
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
