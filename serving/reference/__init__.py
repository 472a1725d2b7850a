"""The reference: every path, parameter and field, to read and to try. Swagger UI shows /openapi.json, offline.

Swagger UI's own files come from the package fastapi-offline. page/ is ours.
"""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response

from serving.pages import Page

PAGE = Path(__file__).with_name("page")


def mount(app: FastAPI) -> None:
    """Serve the reference at /docs/api/."""
    app.add_api_route("/docs/api", _to_the_page, include_in_schema=False)
    app.mount("/docs/api/swagger-ui", Page(packages=[("fastapi_offline", "static")]), name="swagger-ui")
    app.mount("/docs/api", Page(directory=PAGE), name="reference")


async def _to_the_page() -> Response:
    return RedirectResponse("/docs/api/")
