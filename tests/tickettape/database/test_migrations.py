"""The schema: up to date whatever starts first, and several at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from tickettape.database import SCHEMA_VERSION, UnavailableDatabaseError, lock_waits, migrations, with_database
from tickettape.database.migrations import upgrade_database


def test_the_newest_migration_is_the_one_that_processes_look_for() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [SCHEMA_VERSION]


@pytest.mark.race
def test_several_processes_that_start_at_once_migrate_once(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_migrations")
        try:
            url = with_database(server_url, "test_migrations")
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(upgrade_database, [url] * 6))
            with psycopg.connect(url) as migrated:
                assert migrated.execute("select version_num from market.alembic_version").fetchall() == [
                    (SCHEMA_VERSION,)
                ]
        finally:
            connection.execute("drop database test_migrations with (force)")


def test_a_migration_gives_up_on_a_table_that_somebody_holds_and_names_them(
    server_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock_waits, "LOCK_WAIT_SECONDS", 0.6)
    monkeypatch.setattr(migrations, "ATTEMPTS", 2)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_held")
        try:
            url = with_database(server_url, "test_held")
            migrations._run_alembic(url, "0014")
            with psycopg.connect(url, application_name="a notebook") as holder:
                holder.execute("lock table market.alembic_version in share mode")
                with pytest.raises(
                    UnavailableDatabaseError, match=r"gave up after 2 tries.*\(a notebook, idle in trans"
                ):
                    upgrade_database(url)
                assert "waits for a lock. Process" in caplog.text
                assert holder.execute("select version_num from market.alembic_version").fetchall() == [("0014",)]
                assert holder.execute("select to_regclass('market.price_ranges')").fetchall() == [(None,)]
            upgrade_database(url)
        finally:
            connection.execute("drop database test_held with (force)")


def test_a_process_that_waits_for_another_ones_migration_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrations, "QUIET_SECONDS", 0.1)
    with psycopg.connect(database_url, autocommit=True) as migrating, ThreadPoolExecutor(1) as pool:
        migrating.execute("select pg_advisory_lock(%s)", [migrations._LOCK])
        migrating.execute("update market.alembic_version set version_num = '0001'")
        waiting = pool.submit(upgrade_database, database_url)
        while "Waiting until another process has brought the database to version" not in caplog.text:
            assert not waiting.done()
        migrating.execute("update market.alembic_version set version_num = %s", [SCHEMA_VERSION])
        migrating.execute("select pg_advisory_unlock_all()")
        waiting.result()


def test_bare_table_names_find_the_analytics_schema(server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_search_path")
        try:
            url = with_database(server_url, "test_search_path")
            upgrade_database(url)
            with psycopg.connect(url) as migrated:
                row = migrated.execute("show search_path").fetchone()
                assert row is not None
                assert "analytics" in row[0]
        finally:
            connection.execute("drop database test_search_path with (force)")


@pytest.mark.parametrize("named_already", [False, True])
def test_a_database_made_before_the_new_names_has_them_after_and_one_that_had_them_keeps_them(
    server_url: str, named_already: bool
) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_names")
        try:
            url = with_database(server_url, "test_names")
            migrations._run_alembic(url, "0011")
            with psycopg.connect(url) as before:
                if named_already:
                    before.execute("alter table market.listing_heads rename column entries to offers")
                    before.execute("alter table market.remade_hours rename column remade_at to updated_at")
                offers = "offers" if named_already else "entries"
                before.execute(f"insert into market.listing_heads (event_key, tick, {offers}) values (1, now(), '')")
            upgrade_database(url)
            with psycopg.connect(url) as migrated:
                assert (
                    migrated.execute("select event_key, tick, offers from market.listing_latest_states").fetchall()
                    == []
                )
                assert migrated.execute("select updated_at from market.remade_hours").fetchall() == []
        finally:
            connection.execute("drop database test_names with (force)")


def test_a_database_of_the_schema_before_keeps_every_row_under_the_new_names(server_url: str) -> None:
    """What stands in the tables that were renamed in 0013 stands there afterwards, and the history can be read."""
    event = "(select event_key from market.events)"
    rows = {
        "poll_schedule": f"""insert into market.looks (event_key, decided_at, due_tick, looked_tick, interval_minutes,
                put_off, hurried, failures_in_a_row, views, reason)
            values ({event}, now(), now(), now(), 10, true, false, 0, 3, 'near')""",
        "incidents": """insert into market.alerts (about, title, message)
            values ('disk', 'The disk is full', 'Make room.')""",
        "offer_terms": "insert into market.lots (quantity, buyable) values (4, '{2,4}')",
        "listing_latest_states": f"""insert into market.listing_heads (event_key, tick, offers)
            values ({event}, now(), '')""",
        "tracked_rules": """insert into market.tracked_rules (source, kind, value)
            values ('vividseats', 'production', '7')""",
    }
    changes = """insert into market.listing_changes (
            tick, event_key, kept, born, partial, numbers, listing_ids, section_keys,
            seat_rows, lot_keys, prices_cents, all_in_prices_cents, deal_scores, since)
        select '2026-11-20 12:00Z', event_key, 1, 0, false, '{1}', '{VB1}', array[section_key], '{A}', array[lot_key],
            '{1000}', '{1250}', '{70}', '{0}'
        from market.events inner join market.sections using (event_key) cross join market.lots"""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_field_words")
        try:
            url = with_database(server_url, "test_field_words")
            migrations._run_alembic(url, "0012")
            with psycopg.connect(url, autocommit=True) as before:
                before.execute(
                    """insert into market.events (source, external_id, name, venue, date)
                           values ('vividseats', '7', 'An evening', 'The Hall', now());
                       insert into market.zones (event_key, external_id, name, display_name)
                           select event_key, 'z', 'Lower', 'Lower' from market.events;
                       insert into market.sections (event_key, zone_key, external_id, name)
                           select event_key, zone_key, 's', '101' from market.zones;
                       insert into market.months (month) values ('2026-11-01');
                       create table market.listing_changes_2026_11 partition of market.listing_changes
                           for values from ('2026-11-01 00:00Z') to ('2026-12-01 00:00Z')"""
                )
                for statement in (*rows.values(), changes):
                    before.execute(statement.encode())
            upgrade_database(url)
            with psycopg.connect(url) as after:
                for table in rows:
                    assert after.execute(f"select count(*) from market.{table}".encode()).fetchone() == (1,)
                assert after.execute("select kind, value from market.tracked_rules").fetchall() == [("event", "7")]
                assert after.execute("select deferred, advanced, views from market.poll_schedule").fetchall() == [
                    (True, False, 3)
                ]
                shown = after.execute(
                    """select listing_id, zone, section, quantity, buyable, price::text
                       from market.listings_at((select id from market.events), '2026-11-20 12:00Z')"""
                ).fetchall()
                assert shown == [("VB1", "Lower", "101", 4, [2, 4], "10.00")]
                states = after.execute(
                    "select quantity from market.listing_history((select id from market.events), 'VB1')"
                ).fetchall()
                assert states == [(4,)]
                assert after.execute("select offer_terms_key is not null from market.listing_offers").fetchall() == [
                    (True,)
                ]
        finally:
            connection.execute("drop database test_field_words with (force)")


def test_the_months_of_a_database_of_the_schema_before_take_price_ranges_unless_they_are_closed(
    server_url: str,
) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_price_ranges")
        try:
            url = with_database(server_url, "test_price_ranges")
            migrations._run_alembic(url, "0014")
            with psycopg.connect(url, autocommit=True) as before:
                before.execute(
                    """insert into market.events (source, external_id, name, venue, date)
                           values ('vividseats', '7', 'An evening', 'The Hall', now());
                       insert into market.voids (event_key, tick, reason, voided_by, capture_status)
                           select event_key, '2026-11-20 12:00Z', 'wrong', 'me', 'ok' from market.events;
                       insert into market.months (month, state) values
                           ('2026-09-01', 'archived'), ('2026-10-01', 'closed'), ('2026-11-01', 'open')"""
                )
            upgrade_database(url)
            with psycopg.connect(url, autocommit=True) as after:
                assert after.execute(
                    "select inhrelid::regclass::text from pg_inherits"
                    " where inhparent = 'market.price_ranges'::regclass order by 1"
                ).fetchall() == [("market.price_ranges_2026_10",), ("market.price_ranges_2026_11",)]
                stores = """insert into market.price_ranges (tick, event_key, market, price_basis, currency, listings)
                            select %s, event_key, 'resale', 'unknown', 'USD', 3 from market.events"""
                after.execute(stores, ["2026-11-20 12:00Z"])
                after.execute(stores.replace("price_ranges", "price_ranges_2026_11"), ["2026-11-20 13:00Z"])
                marks = "select rollup, count(*), count(distinct bucket) from market.dirty_buckets group by rollup"
                assert after.execute(marks).fetchall() == [("range_hours", 2, 2)]
                with pytest.raises(psycopg.errors.RaiseException, match="closed"):
                    after.execute(stores, ["2026-10-20 12:00Z"])
                assert after.execute("select kind, capture_status from market.voids").fetchall() == [("listings", "ok")]
        finally:
            connection.execute("drop database test_price_ranges with (force)")


def test_a_database_of_the_schema_before_keeps_its_rows_and_packs_its_months_unless_they_are_closed(
    server_url: str,
) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database test_packed_days")
        try:
            url = with_database(server_url, "test_packed_days")
            migrations._run_alembic(url, "0020")
            with psycopg.connect(url, autocommit=True) as before:
                before.execute(
                    """insert into market.months (month, state) values
                           ('2026-07-01', 'archived'), ('2026-08-01', 'closed'), ('2026-09-01', 'restored'),
                           ('2026-10-01', 'open')"""
                )
                for month, after_it in (("08", "09"), ("09", "10"), ("10", "11")):
                    before.execute(
                        f"""create table market.section_snapshots_2026_{month} partition of market.section_snapshots
                                for values from ('2026-{month}-01 00:00Z') to ('2026-{after_it}-01 00:00Z');
                            insert into market.section_snapshots
                            select '2026-{month}-15 12:00Z', 300, 7, section, 100, 200, null, 100, null, 125, 4, 2
                            from generate_series(1, 3) as section""".encode()
                    )
                rows = before.execute(
                    "select to_jsonb(s) from market.section_snapshots as s order by tick, section_key"
                )
                kept = rows.fetchall()
            upgrade_database(url)
            with psycopg.connect(url, autocommit=True) as after:
                assert after.execute(
                    "select inhrelid::regclass::text from pg_inherits"
                    " where inhparent = 'market.packed_days'::regclass order by 1"
                ).fetchall() == [(f"market.packed_days_2026_{month}",) for month in ("08", "09", "10")]
                after.execute("delete from market.dirty_buckets")
                packing = "select packed, skipped from market.pack_day(7, %s)"
                packed = [after.execute(packing, [f"2026-{month}-15"]).fetchone() for month in ("08", "09", "10")]
                assert packed == [(0, "its month takes no writes"), (3, None), (3, None)]
                assert (
                    after.execute(
                        "select to_jsonb(s) - 'date' from market.all_snapshots as s order by tick, section_key"
                    ).fetchall()
                    == kept
                )
                with pytest.raises(psycopg.errors.RaiseException, match="closed"):
                    after.execute(
                        """create temporary table copied as select * from market.packed_days where date = '2026-10-15';
                           update copied set date = '2026-08-15';
                           insert into market.packed_days select * from copied"""
                    )
        finally:
            connection.execute("drop database test_packed_days with (force)")
