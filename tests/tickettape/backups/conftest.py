"""What the tests of this folder share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.markets import TEN, Section, add_event, observe, observe_ranges, price_range
from tickettape.database import Connection, ensure_partitions
from tickettape.file_storage import Storage
from tickettape.observations.scraper_jobs import log_about_job, start_job

NOW = datetime(2026, 11, 21, 3, 33, tzinfo=UTC)
NOVEMBER, OCTOBER = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 10, 31, 23, 50, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "backups"))


@pytest.fixture
def market(connection: Connection) -> int:
    """An event with two captures on each side of a month's edge, a job with a log line, and an unread answer."""
    event = add_event(connection)
    for tick in (OCTOBER, OCTOBER + TEN, NOVEMBER, NOVEMBER + TEN):
        observe(connection, event, tick, Section("A", "101", [1000, 2001]), Section("B", "202", [999]))
    observe_ranges(connection, price_range(event, OCTOBER), price_range(event, NOVEMBER))
    job = start_job(connection, source="simulator", tick=NOVEMBER, run_id="run")
    log_about_job(connection, job, level="INFO", event_key=event, message="a line")
    ensure_partitions(connection, [NOW])
    connection.execute(
        "insert into market.captures (event_key, tick, status) values (%s, %s, 'received')", [event, NOW]
    )
    connection.execute(
        "insert into market.capture_payloads (event_key, tick, answer_zstd) values (%s, %s, 'x')", [event, NOW]
    )
    return event


@pytest.fixture
def target(database_url: str) -> Iterator[str]:
    """The name of a database that does not exist; whatever the test makes of it goes."""
    name = urlsplit(database_url).path.strip("/") + "_copy"
    yield name
    with psycopg.connect(database_url, autocommit=True) as connection:
        made = connection.execute("select datname from pg_database where starts_with(datname, %s)", [name]).fetchall()
        for (one,) in made:
            connection.execute(f'drop database "{one}" with (force)')
