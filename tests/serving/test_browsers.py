"""What web pages of other sites may ask in a visitor's browser, and what they may not."""

import httpx
import pytest
from pydantic import SecretStr

from tests.support.served_market import EVERYONE, id_of, serving
from tickettape.api_schema import create_key
from tickettape.database import Connection
from tickettape.settings import Settings

PAGE = "https://page.example"


def preflight(url: str, origin: str = PAGE) -> httpx.Response:
    wanted = {"access-control-request-method": "GET", "access-control-request-headers": "x-api-key, if-none-match"}
    return httpx.options(f"{url}/api/events", headers={"origin": origin} | wanted)


def test_a_page_of_a_listed_origin_may_ask_and_read_what_it_needs(database_url: str, connection: Connection) -> None:
    key = create_key(connection, EVERYONE)
    settings = Settings(cors_origins=f"{PAGE} http://localhost:3000")
    with serving(database_url, settings) as url:
        asked = preflight(url)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, PAGE)
        assert {"x-api-key", "if-none-match", "last-event-id"} <= {
            name.strip().lower() for name in asked.headers["access-control-allow-headers"].split(",")
        }
        answer = httpx.get(f"{url}/api/events?limit=1", headers={"origin": PAGE, "x-api-key": key})
        assert answer.headers["access-control-allow-origin"] == PAGE
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed >= {"etag", "link", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"}
        assert {"link", "etag", "ratelimit-limit"} <= set(answer.headers)
        assert "Origin" in answer.headers["vary"]
        # a refusal too can be read
        refused = httpx.get(f"{url}/api/events", headers={"origin": PAGE})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
        other = "https://another.example"
        assert "access-control-allow-origin" not in preflight(url, other).headers
        foreign = httpx.get(f"{url}/api/events", headers={"origin": other, "x-api-key": key})
        assert "access-control-allow-origin" not in foreign.headers


def test_a_page_of_a_listed_origin_can_read_that_the_service_failed(
    database_url: str, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    key = create_key(connection, EVERYONE)
    connection.execute(
        """create or replace function api.event(id uuid) returns setof api.event_detail language plpgsql as $$
           begin raise exception 'api.event fails'; end $$"""
    )
    with serving(database_url, Settings(cors_origins=PAGE)) as url:
        failed = httpx.get(f"{url}/api/events/{id_of(connection, '1')}", headers={"origin": PAGE, "x-api-key": key})
    assert (failed.status_code, failed.headers["access-control-allow-origin"]) == (500, PAGE)
    assert failed.json()["detail"] == "The service failed. Its log says why."
    assert "api.event fails" in caplog.text


def test_every_origin_may_be_allowed(database_url: str) -> None:
    with serving(database_url, Settings(cors_origins="*")) as url:
        assert preflight(url).headers["access-control-allow-origin"] == "*"


def test_without_the_setting_no_other_origin_may_ask(service: str, connection: Connection) -> None:
    assert preflight(service).status_code == 401
    answer = httpx.get(f"{service}/api/events", headers={"origin": PAGE, "x-api-key": create_key(connection, EVERYONE)})
    assert not [name for name in answer.headers if name.startswith("access-control")]


OWN_HOSTS = (
    *("localhost:5000", "LOCALHOST", "charts.localhost:5000", "127.0.0.1:5000", "[::1]:5000", "[::1]"),
    *("192.168.1.20:5000", "tickets.example.com", "tickets.example.com:443"),
)
FOREIGN_HOSTS = (
    *("evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example", "tickets.example.com.evil.example"),
    "",
)


def test_the_charts_key_is_given_out_under_the_services_own_names(database_url: str) -> None:
    settings = Settings(dashboard_key=SecretStr("tt_shown"), public_hosts="tickets.example.com charts.example.com")
    with serving(database_url, settings) as url, httpx.Client(base_url=url) as client:
        for host in OWN_HOSTS:
            assert client.get("/site/key", headers={"host": host}).json() == {"key": "tt_shown"}, host
        for host in FOREIGN_HOSTS:
            refused = client.get("/site/key", headers={"host": host})
            assert (refused.status_code, "tt_shown" in refused.text) == (421, False), host


def test_without_a_key_to_give_any_name_may_open_the_charts(service: str) -> None:
    answer = httpx.get(f"{service}/site/key", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()) == (200, {"key": None})
