"""`tickettape tenants` and `keys`."""

import httpx
import pytest
from typer.testing import CliRunner

from tests.support.served_market import build_served_template, id_of, serving
from tickettape.cli import app
from tickettape.database import Connection


@pytest.fixture(scope="session")
def template(server_url: str, template: str) -> str:
    """The served market, to copy."""
    return build_served_template(server_url, template)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_tenant_its_watch_list_and_its_keys_by_hand(connection: Connection, database_url: str) -> None:
    one, two = id_of(connection, "1"), id_of(connection, "2")
    assert run("tenants", "create", "A team") == (0, "Created tenant A team, which sees no event yet.\n")
    assert run("tenants", "create", "A team")[0] == 1
    assert "Added 1 of 1 events" in run("tenants", "watch", "A team", str(one))[1]
    assert "Added 0 of 1 events" in run("tenants", "watch", "A team", str(one))[1]
    code, output = run("tenants", "watch", "A team", "00000000-0000-0000-0000-000000000000")
    assert code == 1
    assert "event's id" in output
    code, output = run("keys", "create", "A team", "--label", "a notebook", "--per-minute", "30")
    key = output.splitlines()[0]
    with serving(database_url) as url:
        seen = httpx.get(f"{url}/api/events", headers={"x-api-key": key})
        assert [event["id"] for event in seen.json()["data"]] == [str(one)]
        assert seen.headers["ratelimit-limit"] == "30"
        assert httpx.get(f"{url}/api/events/{two}", headers={"x-api-key": key}).status_code == 404
        listed = run("keys", "list")[1]
        assert key not in listed
        assert f"{key[:11]}…  A team (a notebook), 30 a minute" in listed
        assert run("keys", "revoke", key)[0] == 0
        assert httpx.get(f"{url}/api/events", headers={"x-api-key": key}).status_code == 401
    assert run("keys", "revoke", key)[0] == 1
    operator = run("keys", "create", "A team", "--operator")[1].splitlines()[0]
    assert f"{operator[:11]}…  A team, operator, " in run("keys", "list")[1]
    run("keys", "revoke", operator)
    assert "A team: 1 event, 0 valid keys" in run("tenants", "list")[1]
    assert "Removed 1 of 1 events" in run("tenants", "unwatch", "A team", str(one))[1]
    assert run("tenants", "remove", "A team")[0] == 0
    assert "A team" not in run("keys", "list")[1]
    code, output = run("keys", "create", "A team")
    assert code == 1
    assert "tenants create" in output
