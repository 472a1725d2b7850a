"""The dashboard: a page of our own files that asks the API as any client does.

Nothing here knows the database: what a visitor sees is what the key sees. Nothing in page/ comes from elsewhere.
"""

from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from serving.addresses import is_own_host
from serving.pages import Page
from serving.problems import Problem
from tickettape.settings import Settings

PAGE = Path(__file__).with_name("page")


def mount(app: FastAPI) -> None:
    """Serve the dashboard at /dashboard/, and lead there from the root."""
    app.add_api_route("/", _to_the_page, include_in_schema=False)
    app.add_api_route("/dashboard", _to_the_page, include_in_schema=False)
    app.add_api_route("/dashboard/key", _key, include_in_schema=False)
    app.mount("/dashboard", Page(directory=PAGE), name="dashboard")


async def _to_the_page(request: Request) -> Response:
    return RedirectResponse(request.url.replace(path="/dashboard/").replace(scheme="", netloc=""))


async def _key(request: Request) -> Response:
    """The key that DASHBOARD_KEY gives to whoever opens the page; null where visitors bring their own.

    Raises Problem 421 for a name that is not the service's own: a page of another site may have led it here.
    """
    settings: Settings = request.app.state.settings
    key = settings.dashboard_key
    if key and not is_own_host(request.headers.get("host", ""), settings.public_hosts.split()):
        raise Problem(
            421, "This service does not give its key under this name. An operator can add it to PUBLIC_HOSTS."
        )
    return JSONResponse({"key": key.get_secret_value() if key else None}, headers={"cache-control": "no-store"})
