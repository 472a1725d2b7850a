"""The schema: up to date whatever starts first, and several at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from tickettape.database import SCHEMA_VERSION, migrations, with_database
from tickettape.database.migrations import upgrade_database


def test_the_newest_migration_is_the_one_that_processes_look_for() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [SCHEMA_VERSION]


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
