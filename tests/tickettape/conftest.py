"""What the tests of this folder share."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from tests.support.corrected_history import History, moments, succeeds
from tests.support.databases import fresh_database, use_database
from tests.support.markets import TEN
from tests.support.oracle import assert_exact
from tickettape.database import Warehouse, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.marketplaces.vividseats import read_listings
from tickettape.observations import capture_tick, read_tick


@pytest.fixture
def misread(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A parser with a fault, which refuses everything until it is mended with `.undo()`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_listings, "CURRENCY", "EUR")
        yield patch


HOUR = timedelta(hours=1)


START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR


TICKS = [START + hour * HOUR + 2 * step * TEN for hour in range(3) for step in range(3)]


@pytest.fixture(scope="module")
def written(server_url: str, template: str) -> Iterator[str]:
    """The name of a database with that history, to copy: made once, since it takes seconds."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        marketplace = SimulatedMarketplace()  # that of the settings, which the commands read answers with
        succeeds("track", "--search", "simulated")
        with Warehouse().connection() as connection:
            connection.execute(
                """update market.events set active = event_key in (
                       select event_key from market.events where date > now() order by date desc, event_key limit 2)"""
            )
            ensure_partitions(connection, TICKS)
            for tick in TICKS:
                capture_tick(connection, marketplace, tick, None, "test")
                read_tick(connection, marketplace, tick, 0.05, "test", only_received=True)
        succeeds("rebuild", *moments(START, START + 3 * HOUR))
        yield urlsplit(url).path[1:]


@pytest.fixture
def history(server_url: str, written: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    with fresh_database(server_url, written) as url:
        use_database(monkeypatch, url)
        with Warehouse().connection() as connection:
            assert_exact(connection)
            events = connection.execute("select external_id, event_key from market.events where active order by 1")
            ids, keys = zip(*events.fetchall(), strict=True)
            yield History(connection, list(ids), list(keys), TICKS)
