"""A backup holds who may ask, and a restored database serves them again."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg

from tests.support.served_market import LEFT, id_of, serving
from tickettape.api_schema import apply_api_schema, create_key
from tickettape.backups import make_backup, restore_backup
from tickettape.database import Connection, with_database
from tickettape.file_storage import Storage
from tickettape.settings import Settings


def test_tenants_keys_and_policies_come_back(
    connection: Connection, database_url: str, server_url: str, tmp_path: Path
) -> None:
    key, one, two = create_key(connection, LEFT), id_of(connection, "1"), id_of(connection, "2")
    storage, now = Storage(str(tmp_path), {}), datetime.now(UTC)
    made = make_backup(database_url, storage, now=now, say=lambda _: None)
    name = f"{psycopg.conninfo.conninfo_to_dict(database_url)['dbname']}_restored"
    restore_backup(database_url, storage, made, into=name, replace=False, now=now, say=lambda _: None)
    try:
        restored = with_database(server_url, name)
        with psycopg.connect(restored, autocommit=True) as connected:
            assert apply_api_schema(connected, Settings())
        with serving(restored) as url, httpx.Client(base_url=url, headers={"x-api-key": key}) as client:
            assert client.get(f"/api/events/{one}").status_code == 200
            assert client.get(f"/api/events/{two}").status_code == 404
    finally:
        connection.execute(f"drop database {name} with (force)")
