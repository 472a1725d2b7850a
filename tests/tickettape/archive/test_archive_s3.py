"""Cold storage over the S3 protocol: a real server that fails, dawdles and truncates."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest

from tests.support.box_office import BoxOffice
from tests.support.object_store import BUCKET, ObjectStore, running_object_store
from tests.support.old_months import FACTS, JULY, copies, differences, fill, run_archive, run_restore, state
from tests.support.over_events import LATER, over_event
from tickettape.archive.event_archive import EVENT_TABLES, archive_event
from tickettape.archive.event_restore import restore_event
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


def archive_sold(office: BoxOffice, storage: Storage, event: int, say: Callable[[str], None] = lambda _: None) -> None:
    archive_event(office.connection, storage, event, now=LATER, days=30, say=say)


def restore_sold(office: BoxOffice, storage: Storage, event: int) -> None:
    restore_event(office.connection, storage, storage, event, until=LATER.date(), say=lambda _: None)


TABLES = {name: f"box_office.{table}" for name, (table, _) in EVENT_TABLES.items()}


@pytest.fixture
def sold(office: BoxOffice) -> Iterator[int]:
    """An event of the box office that is over. Its rows, and those of all others, are remembered."""
    event = over_event(office)
    copies(office.connection, *TABLES.values())
    yield event
    for table in TABLES.values():
        office.do(f"drop table remembered_{table.replace('.', '_')}")


def changes(office: BoxOffice) -> dict[str, int]:
    """How many rows of each table are not what they were."""
    return {name: len(differences(office.connection, table)) for name, table in TABLES.items()}


UNCHANGED = dict.fromkeys(TABLES, 0)
REMOVED = {"event_seats": 12, "bookings": 4, "booking_seats": 8}


def test_a_sold_event_goes_to_an_object_store_and_comes_back_equal(
    office: BoxOffice, store: ObjectStore, sold: int
) -> None:
    storage = storage_of(store, "sold")
    archive_sold(office, storage, sold)
    assert changes(office) == REMOVED
    keys = [item["Key"] for item in store.client.list_objects_v2(Bucket=BUCKET, Prefix="sold")["Contents"]]
    assert sorted(keys) == [
        f"sold/booking_seats/event={sold}/part-0.parquet",
        f"sold/bookings/event={sold}/part-0.parquet",
        f"sold/event_seats/event={sold}/part-0.parquet",
        f"sold/manifests/event={sold}/manifest.json",
    ]
    restore_sold(office, storage, sold)
    assert changes(office) == UNCHANGED


def test_a_damaged_or_missing_object_of_a_sold_event_blocks_its_removal_and_its_restore(
    office: BoxOffice, store: ObjectStore, sold: int
) -> None:
    storage = storage_of(store, "harmed")
    at = {"Bucket": BUCKET, "Key": f"harmed/bookings/event={sold}/part-0.parquet"}

    def stop(text: str) -> None:
        if text == "verified: done":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        archive_sold(office, storage, sold, say=stop)
    whole = store.client.get_object(**at)["Body"].read()
    for attempt, left, done in ((archive_sold, UNCHANGED, REMOVED), (restore_sold, REMOVED, UNCHANGED)):
        for harm in ("damaged", "missing"):
            if harm == "damaged":
                store.client.put_object(**at, Body=whole[:-1] + b"x")
            else:
                store.client.delete_object(**at)
            with pytest.raises(DamagedError, match=rf"bookings/event={sold}/part-0\.parquet .*is {harm}"):
                attempt(office, storage, sold)
            assert changes(office) == left
        store.client.put_object(**at, Body=whole)
        attempt(office, storage, sold)
        assert changes(office) == done
