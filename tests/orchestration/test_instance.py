"""Dagster's storage on a database that it never saw: processes that start at once make its tables once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from dagster_postgres.event_log import PostgresEventLogStorage

from orchestration.instance import SCHEMA, PostgresStorage
from tickettape.database import Connection, sqlalchemy_url


def makers(monkeypatch: pytest.MonkeyPatch, open_storage: Callable[[], PostgresStorage]) -> int:
    """How many of two that open the storage at once find no tables, where making them waits for the other."""
    found_none = []
    make = PostgresEventLogStorage._init_db

    def make_slowly(storage: PostgresEventLogStorage) -> None:
        found_none.append(storage)
        until = time.monotonic() + 3
        while len({id(one) for one in found_none}) < 2 and time.monotonic() < until:
            time.sleep(0.01)  # for the other, which comes where nothing holds it back
        make(storage)

    monkeypatch.setattr(PostgresEventLogStorage, "_init_db", make_slowly)
    with ThreadPoolExecutor(2) as pool:
        for opening in [pool.submit(open_storage) for _ in range(2)]:
            opened = opening.result(30)
            for storage in (opened.run_storage, opened.event_log_storage, opened.schedule_storage):
                storage.dispose()
    return len({id(storage) for storage in found_none})


@pytest.mark.race
def test_one_of_those_that_start_at_once_makes_the_tables(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert makers(monkeypatch, lambda: PostgresStorage.from_config_value(None, {})) == 1


def test_control_without_taking_turns_both_make_them(
    connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(f"create schema {SCHEMA}")
    url = sqlalchemy_url(database_url, driver="psycopg2", search_path=SCHEMA)
    assert makers(monkeypatch, lambda: PostgresStorage(postgres_url=url)) == 2
