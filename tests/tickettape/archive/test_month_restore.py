"""A month that comes back is the month that went."""

from datetime import UTC, date, datetime

import msgspec
import psycopg
import pytest

from tests.support.databases import fresh_database
from tests.support.markets import Section, observe, observe_ranges, price_range
from tests.support.old_months import (
    AUGUST,
    FACTS,
    JULY,
    NOW,
    copies,
    differences,
    fill,
    run_archive,
    run_restore,
    state,
)
from tickettape.archive import RestoreError, release_month
from tickettape.archive.month_manifest import month_manifest_name, read_month_manifest
from tickettape.database import Connection
from tickettape.file_storage import Storage


def test_a4_a_month_archived_and_restored_is_equal_to_itself(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))

    outcome = run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")
    assert outcome.figures["rows exported"] == 15 + 28 + 15 + 28
    for table in FACTS:
        assert connection.execute(f"select count(*) from market.{table}").fetchone() == (0,)
        assert connection.execute(f"select to_regclass('market.{table}_2026_07')").fetchone() == (None,)

    figures = run_restore(connection, storage, JULY)
    assert figures["rows restored"] == 15 + 28 + 15 + 28
    assert state(connection, JULY)[0] == "restored"
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []
    assert connection.execute("select count(*) from market.dirty_buckets").fetchone() == (0,)


def test_a_restored_month_takes_late_rows_marks_them_and_is_archived_again_with_them(
    connection: Connection, storage: Storage
) -> None:
    [event, _] = fill(connection, JULY)
    run_archive(connection, storage, JULY)
    before = read_month_manifest(storage, JULY)
    run_restore(connection, storage, JULY)

    late = datetime(2026, 7, 9, 12, tzinfo=UTC)
    observe(connection, event, late, Section("Lower", "101"))
    marked = "select distinct bucket from market.dirty_buckets where rollup = 'event_hours'"
    assert connection.execute(marked).fetchall() == [(late,)]
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    after = read_month_manifest(storage, JULY)
    assert after.rows == before.rows + 3
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


def test_a_month_archived_before_there_were_price_ranges_comes_back_and_takes_some(
    connection: Connection, storage: Storage
) -> None:
    [event, _] = fill(connection, JULY)
    connection.execute("delete from market.price_ranges")
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    manifest = read_month_manifest(storage, JULY)
    before = {name: table for name, table in manifest.tables.items() if name != "price_ranges"}
    storage.write_json(month_manifest_name(JULY), msgspec.structs.replace(manifest, tables=before))
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []
    late = datetime(2026, 7, 9, 12, tzinfo=UTC)
    observe_ranges(connection, price_range(event, late))
    assert connection.execute("select rollup, bucket from market.dirty_buckets").fetchall() == [("range_hours", late)]
    run_archive(connection, storage, JULY)
    assert read_month_manifest(storage, JULY).tables["price_ranges"].content.rows == 1


def test_a_month_understood_alone_is_restored_into_an_empty_database_and_refused_by_anothers(
    connection: Connection, storage: Storage, server_url: str, template: str
) -> None:
    connection.execute("select setval('market.events_event_key_seq', 41)")
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as elsewhere:
        figures = run_restore(elsewhere, storage, JULY)
        assert figures["dimension rows new"] == 3 + 4 + 4 + 1
        assert elsewhere.execute("select event_key from market.events order by 1").fetchall() == [(42,), (43,), (44,)]
        observe(elsewhere, 42, NOW, Section("Lower", "101"), Section("New", "1"))  # keys go on after the restored ones
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as elsewhere:
        elsewhere.execute("select setval('market.events_event_key_seq', 41)")
        fill(elsewhere, AUGUST)
        elsewhere.execute("update market.events set external_id = 'other' where event_key = 43")
        with pytest.raises(RestoreError, match="another database"):
            run_restore(elsewhere, storage, JULY)
        assert state(elsewhere, JULY) == (None, None)


def test_a_restore_pinned_until_a_day_and_released(connection: Connection, storage: Storage) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY)
    run_restore(connection, storage, JULY, until=date(2026, 12, 31))
    assert run_restore(connection, storage, JULY, until=date(2027, 1, 31)) == {
        "rows restored": 0,
        "already restored": True,
    }
    assert connection.execute("select pinned_until from market.months").fetchone() == (date(2027, 1, 31),)
    release_month(connection, JULY)
    assert connection.execute("select pinned_until from market.months").fetchone() == (None,)
    with pytest.raises(RestoreError, match="not a restored month"):
        release_month(connection, AUGUST)
