"""The dashboard: a page of our own files that asks the API as any client does.

Nothing here knows the database: what a visitor sees is what the key sees. Nothing in page/ comes from elsewhere, and
the policy below keeps it so: the browser loads and asks this service alone.
"""

from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).with_name("page")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # asked again each time, and answered 304: never a page older than its API
}


class _Page(StaticFiles):
    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        return response


def mount(app: FastAPI) -> None:
    """Serve the dashboard at /dashboard/, and lead there from the root."""
    app.add_api_route("/", _to_the_page, include_in_schema=False)
    app.add_api_route("/dashboard", _to_the_page, include_in_schema=False)
    app.add_api_route("/dashboard/key", _key, include_in_schema=False)
    app.mount("/dashboard", _Page(directory=PAGE, html=True), name="dashboard")


async def _to_the_page(request: Request) -> Response:
    return RedirectResponse(request.url.replace(path="/dashboard/").replace(scheme="", netloc=""))


async def _key(request: Request) -> Response:
    """The key that DASHBOARD_KEY gives to whoever opens the page; null where visitors bring their own."""
    key = request.app.state.settings.dashboard_key
    return JSONResponse({"key": key.get_secret_value() if key else None}, headers={"cache-control": "no-store"})
