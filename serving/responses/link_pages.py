"""Pages of a few words, which whoever holds a link from a message sees. They need no key, and show no other site."""

from starlette.responses import HTMLResponse

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


def link_page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page of a few words, at a path of two parts. Its style is that of the other pages."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="../site/shared/base.css">'
        f"<main><h1>{title}</h1>{body}</main></html>",
        status,
        HEADERS,
    )
