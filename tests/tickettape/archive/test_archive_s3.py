"""Cold storage over the S3 protocol: a real server that fails, dawdles and truncates."""

import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.support.object_store import BUCKET, ObjectStore, running_object_store
from tests.support.old_months import FACTS, JULY, copies, differences, fill, run_archive, run_restore, state
from tickettape.archive.month_archive import marked_buckets_in
from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage

IMPATIENT = {"config_kwargs": {"connect_timeout": 2, "read_timeout": 1, "retries": {"max_attempts": 2}}}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with running_object_store() as store:
        yield store


@pytest.fixture
def store(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    monkeypatch.setattr(logging.getLogger("werkzeug"), "level", logging.WARNING)
    server.fault = lambda _method, _path: None
    return server


def storage_of(store: ObjectStore, prefix: str, **more: Any) -> Storage:
    return Storage(f"s3://{BUCKET}/{prefix}", store.options | more)


def test_a_month_goes_to_an_object_store_and_comes_back_equal(connection: Connection, store: ObjectStore) -> None:
    storage = storage_of(store, "plain")
    fill(connection, JULY)
    copies(connection, *(f"market.{table}" for table in FACTS))
    run_archive(connection, storage, JULY)
    keys = [item["Key"] for item in store.client.list_objects_v2(Bucket=BUCKET, Prefix="plain")["Contents"]]
    assert sorted(keys) == [
        "plain/captures/year=2026/month=07/part-0.parquet",
        "plain/events/year=2026/month=07/part-0.parquet",
        "plain/listing_changes/year=2026/month=07/part-0.parquet",
        "plain/manifests/year=2026/month=07/manifest.json",
        "plain/offer_terms/year=2026/month=07/part-0.parquet",
        "plain/price_ranges/year=2026/month=07/part-0.parquet",
        "plain/section_snapshots/year=2026/month=07/part-0.parquet",
        "plain/sections/year=2026/month=07/part-0.parquet",
        "plain/zones/year=2026/month=07/part-0.parquet",
    ]
    run_restore(connection, storage, JULY)
    for table in FACTS:
        assert differences(connection, f"market.{table}") == []


def test_an_upload_that_fails_for_good_leaves_the_month_in_the_database_and_the_next_run_goes_on(
    connection: Connection, store: ObjectStore
) -> None:
    storage = storage_of(store, "failing", **IMPATIENT)
    fill(connection, JULY)
    store.fault = lambda method, path: "fail" if method == "PUT" and "section_snapshots" in path else None
    with pytest.raises(OSError, match=r"(?i)slow down|503|service unavailable"):
        run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("closed", "refreshed")
    assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (28,)
    store.fault = lambda _method, _path: None
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")


def test_an_upload_that_fails_once_is_tried_again(connection: Connection, store: ObjectStore) -> None:
    storage = storage_of(store, "once")
    fill(connection, JULY)
    failed: list[str] = []

    def once(method: str, path: str) -> str | None:
        if method == "PUT" and "captures" in path and not failed:
            failed.append(path)
            return "fail"
        return None

    store.fault = once
    run_archive(connection, storage, JULY)
    assert failed
    assert state(connection, JULY) == ("archived", "dropped")


def test_an_upload_slower_than_its_time_out_ends_in_an_error_not_in_waiting(
    connection: Connection, store: ObjectStore
) -> None:
    storage = storage_of(store, "slow", **IMPATIENT)
    fill(connection, JULY)
    store.fault = lambda method, path: "slow" if method == "PUT" and "captures" in path else None
    with pytest.raises((OSError, TimeoutError)):
        run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("closed", "refreshed")
    store.fault = lambda _method, _path: None
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")


def test_a4_a_truncated_object_blocks_the_drop_and_the_restore(connection: Connection, store: ObjectStore) -> None:
    storage = storage_of(store, "truncated")
    fill(connection, JULY)
    run_archive(connection, storage, JULY, keep=7)
    key = "truncated/section_snapshots/year=2026/month=07/part-0.parquet"
    whole = store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    store.client.put_object(Bucket=BUCKET, Key=key, Body=whole[: len(whole) // 2])
    for attempt in (run_archive, run_restore):
        with pytest.raises(DamagedError, match=r"part-0\.parquet"):
            attempt(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "detached")
    store.client.put_object(Bucket=BUCKET, Key=key, Body=whole)
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")


def test_an_object_that_arrives_cut_when_read_back_is_not_trusted(connection: Connection, store: ObjectStore) -> None:
    storage = storage_of(store, "cut", **IMPATIENT)
    fill(connection, JULY)
    read_back = "captures/year=2026/month=07/part-0.parquet"
    store.fault = lambda method, path: "cut" if method == "GET" and path.endswith(read_back) else None
    with pytest.raises((DamagedError, OSError, aiohttp.ClientError)):
        run_archive(connection, storage, JULY)
    assert state(connection, JULY)[0] == "closed"
    assert marked_buckets_in(connection, JULY) == 0
    store.fault = lambda _method, _path: None
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")
