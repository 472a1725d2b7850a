"""A rollup that gains a column while older hours of it are in cold storage: they come back, or nothing is lost."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.added_columns import with_column
from tests.support.dbt_runs import PLACE, run_dbt
from tests.support.markets import TEN, Section, add_event, observe
from tickettape.archive import HourlyStorageError, bring_hours_back, move_hours_to_cold_storage
from tickettape.database import Connection
from tickettape.file_storage import Storage
from tickettape.rollups import HOURLY_ROLLUPS, ROLLUPS_ALONE
from tickettape.rollups.dbt import dbt_runner

MAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
JUNE = datetime(2026, 6, 2, 12, tzinfo=UTC)
UNTIL = date(2026, 12, 24)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "cold"))


@pytest.fixture
def old_hours(connection: Connection) -> None:
    """An hour of May, whose facts are archived, and one of June, whose facts are here."""
    event = add_event(connection)
    for tick in (NOON, NOON + TEN, JUNE):
        observe(connection, event, tick, Section("A", "101"))
    run_dbt(*ROLLUPS_ALONE)
    connection.execute("update market.months set state = 'archived' where month = %s", [MAY])


def hours(connection: Connection, columns: str = "*") -> list[tuple[Any, ...]]:
    return connection.execute(f"select {columns} from analytics.event_hours order by hour").fetchall()


def hours_of_may(storage: Storage) -> Path:
    (file,) = Path(storage.root).glob("event_hours/**/*.parquet")
    return file


@pytest.mark.usefixtures("old_hours")
def test_hours_that_are_older_than_a_column_come_back_with_its_default_or_null(
    connection: Connection, storage: Storage
) -> None:
    move_hours_to_cold_storage(connection, storage, MAY)
    tagged = with_column("tags", "text[]", "array['a', null]")  # a type that Arrow has no name for
    weighed = with_column("weight", "integer", "7", not_null="default 3", project=tagged)
    assert dbt_runner(weighed).invoke([*ROLLUPS_ALONE, *PLACE, "--quiet"]).success

    bring_hours_back(connection, storage, MAY, until=UNTIL)
    assert hours(connection, "hour, weight, tags") == [(NOON, 3, None), (JUNE, 7, ["a", None])]
    # and they go again, with the column
    connection.execute("update analytics.event_hours set tags = array['a', null], weight = 4 where hour = %s", [NOON])
    before = hours(connection)
    move_hours_to_cold_storage(connection, storage, MAY)
    assert len(hours(connection)) == 1
    assert pq.read_table(hours_of_may(storage)).select(["weight", "tags"]).to_pylist() == [
        {"weight": 4, "tags": "{a,NULL}"}
    ]
    bring_hours_back(connection, storage, MAY, until=UNTIL)
    assert hours(connection) == before


@pytest.mark.usefixtures("old_hours")
def test_a_column_of_any_type_goes_to_cold_storage_and_comes_back_as_it_was(
    connection: Connection, storage: Storage
) -> None:
    connection.execute("create type analytics.mood as enum ('calm', 'busy')")
    values = {
        "date": ["'2026-05-20'"],
        "smallint": ["-7"],
        "real": ["0.1"],
        "double precision": ["1 / 3.0", "'NaN'", "'-Infinity'"],
        "numeric": ["12345678901234567890.123456789012345678901234567890"],
        "numeric(60,30)": ["1 / 3.0"],
        "timestamp without time zone": ["'2026-05-20 12:00:00.000001'"],
        "interval": ["'1 day 02:03:04'"],
        "uuid": ["gen_random_uuid()"],
        "jsonb": ["""'{"a": [1, null, "\\\\ é"]}'"""],
        "json": ["""'{"b": 1,  "a": 2}'"""],  # which has no equality
        "integer[]": ["'{{1,2},{3,4}}'"],
        "bytea": [r"'\x00ff'"],
        "character(4)": ["'ab'"],
        "text": [r"E'\t\\N'", "''"],
        "analytics.mood": ["'calm'"],
    }
    columns = [(data_type, value) for data_type, several in values.items() for value in (*several, "null")]
    for number, (data_type, value) in enumerate(columns):
        connection.execute(f"alter table analytics.event_hours add column added_{number} {data_type}")
        connection.execute(f"update analytics.event_hours set added_{number} = {value}")
    before = hours(connection, "event_hours::text")
    move_hours_to_cold_storage(connection, storage, MAY)
    assert hours(connection, "event_hours::text") == before[1:]
    bring_hours_back(connection, storage, MAY, until=UNTIL)
    assert hours(connection, "event_hours::text") == before


@pytest.mark.usefixtures("old_hours")
@pytest.mark.parametrize(
    ("change", "reason", "mended"),
    [
        (
            "add column weight integer; update analytics.event_hours set weight = 7; "
            "alter table analytics.event_hours alter column weight set not null",
            "is older than weight, and its rows need a value there",
            "alter column weight set default 3",
        ),
        (
            "drop column voided_captures",
            "has a column that its table no longer has: voided_captures",
            "add column voided_captures integer",
        ),
    ],
)
def test_hours_that_the_table_cannot_hold_are_refused_with_what_to_do_and_nothing_is_lost(
    connection: Connection, storage: Storage, change: str, reason: str, mended: str
) -> None:
    move_hours_to_cold_storage(connection, storage, MAY)
    kept = hours_of_may(storage).read_bytes()
    connection.execute(f"alter table analytics.event_hours {change}")
    left = {table: connection.execute(f"select count(*) from analytics.{table}").fetchone() for table in HOURLY_ROLLUPS}

    with pytest.raises(HourlyStorageError, match=reason):
        bring_hours_back(connection, storage, MAY, until=UNTIL)
    # nor does what was made again in the database replace them
    with pytest.raises(HourlyStorageError, match=reason):
        move_hours_to_cold_storage(connection, storage, MAY)
    assert hours_of_may(storage).read_bytes() == kept
    assert left == {
        table: connection.execute(f"select count(*) from analytics.{table}").fetchone() for table in HOURLY_ROLLUPS
    }

    connection.execute(f"alter table analytics.event_hours {mended}")
    assert bring_hours_back(connection, storage, MAY, until=UNTIL)["event_hours"] == 1
    assert len(hours(connection)) == 2
