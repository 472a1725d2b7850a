"""`tickettape catalogue`, as it is typed."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import run
from tickettape.database import Connection, ensure_partitions
from tickettape.settings import settings


@pytest.fixture(autouse=True)
def _a_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        settings(),
        "catalogues",
        {"demo": {"format": "simulator_ticketmaster", "events": 3}, "off": {"url": "http://x"}},
    )


def test_a_catalogue_is_asked_on_demand_and_says_what_is_on_sale(connection: Connection) -> None:
    code, output = run("catalogue", "demo", "--search", "simulated")
    assert code == 0
    assert "demo lists 3 events for search simulated, 3 with a price range." in output
    assert "onsale" in output
    assert connection.execute("select count(*), bool_or(active) from market.events").fetchone() == (3, False)
    ensure_partitions(connection, [datetime.now(UTC) - timedelta(days=3)])
    connection.execute("update market.price_ranges set tick = tick - interval '3 days'")
    connection.execute("update market.events set listed_at = listed_at - interval '3 days'")
    code, output = run("catalogue", "demo", "--search", "nobody")
    assert (code, "Deleted 3 price ranges and 3 events older than 2 days." in output) == (0, True)


def test_a_catalogue_cannot_be_tracked() -> None:
    code, output = run("track", "--source", "demo", "--search", "simulated")
    assert (code, "Use `tickettape catalogue demo` to query it" in output) == (2, True)


def test_what_cannot_be_asked_says_why() -> None:
    assert run("catalogue", "demo")[0] == 2
    assert run("catalogue", "demo", "--search", "a", "--venue", "b")[0] == 2
    assert run("catalogue", "elsewhere", "--search", "a")[0] == 2
    assert run("catalogue", "off", "--search", "a")[0] == 2
    code, output = run("catalogue", "demo", "--event", "17")
    assert (code, "Cannot ask demo for event 17" in output) == (1, True)
