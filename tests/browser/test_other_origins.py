"""A web page of another site that calls the API, as docs/api.md shows it."""

import re
from typing import Any

import pytest
from selenium.webdriver import Chrome
from starlette.responses import HTMLResponse

from tests.support.databases import use_database
from tests.support.loopback_servers import served
from tests.support.served_market import serving
from tickettape.api_schema import create_key, create_tenant, remove_tenant
from tickettape.database import Warehouse
from tickettape.settings import ROOT, Settings


def _documented_script() -> str:
    """The example of docs/api.md."""
    (script,) = re.findall(
        r'```html\n<script type="module">\n(.*?)</script>\n```', (ROOT / "docs/api.md").read_text(), re.DOTALL
    )
    return str(script)


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_page_of_another_origin_reads_the_api_if_the_origin_is_listed(
    chrome: Chrome, week_url: str, monkeypatch: pytest.MonkeyPatch, is_listed: bool
) -> None:
    use_database(monkeypatch, week_url)
    with Warehouse().connection() as connection:
        create_tenant(connection, "pages", sees_all=True)
        key = create_key(connection, "pages")
        with served(HTMLResponse("<title>Another site</title><p id=prices></p>")) as page:
            settings = Settings(cors_origins=page if is_listed else "http://127.0.0.1:1")
            with serving(week_url, settings) as service:
                chrome.get(page)
                script = _documented_script().replace("http://localhost:5000", service).replace("YOUR_KEY", key)
                found: Any = chrome.execute_async_script(
                    f"""const done = arguments[0];
                    (async () => {{ {script}; return [left, data.length, response.headers.get("ETag")]; }})()
                        .then(done, (error) => done(String(error)))"""
                )
        remove_tenant(connection, "pages")
    if is_listed:
        left, events, etag = found
        assert (left, events) == ("599", 5)
        assert etag.startswith('W/"')
        assert chrome.find_element("id", "prices").text
    else:
        assert found == "TypeError: Failed to fetch"
