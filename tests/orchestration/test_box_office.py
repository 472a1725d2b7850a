"""The box office in Dagster: nothing runs where nothing is sold, and each check fails if its books are wrong."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.assets.archive import EventRestore, archived_events, restore_event, restored_event
from orchestration.assets.box_office import KINDS, SUMMARY, tidied_orders, verdict
from orchestration.box_office_schedules import build_box_office_schedules
from orchestration.definitions import defs
from tests.support.box_office import BoxOffice
from tests.support.over_events import archive, over_event, rows_of
from tickettape.archive import RestoreError
from tickettape.box_office import discrepancies
from tickettape.box_office.bookings import confirm, hold
from tickettape.box_office.orders import cancel_order, purchase, reserve
from tickettape.box_office.waitlist import join_waitlist
from tickettape.database import Warehouse
from tickettape.settings import Settings


@pytest.fixture
def office(database_url: str) -> Iterator[BoxOffice]:
    with psycopg.connect(
        database_url, autocommit=True, options="-c timezone=UTC -c search_path=box_office"
    ) as connection:
        yield BoxOffice(database_url, connection)


def started(warehouse: Warehouse, at: datetime) -> dict[str, bool]:
    """The box office's schedules -> whether each starts a run at a time."""
    found = {}
    for schedule in build_box_office_schedules(Settings(), warehouse):
        with dg.build_schedule_context(scheduled_execution_time=at) as context:
            said = schedule(context)
        found[schedule.name] = isinstance(said, dg.RunRequest)
    return found


def test_nothing_runs_where_nothing_is_sold(office: BoxOffice, warehouse: Warehouse) -> None:
    at = datetime.now(UTC).replace(hour=20, minute=6)
    assert set(started(warehouse, at).values()) == {False}
    event = office.event()
    assert started(warehouse, at) == {
        "tidy_box_office": False,
        "summarize_sales": True,
        "audit_box_office_nightly": True,
        "archive_events_nightly": False,
    }
    office.do("delete from sales_marks")
    assert started(warehouse, at + timedelta(days=200))["archive_events_nightly"]
    office.do("update events set status = 'off_sale' where id = %s", event)
    assert not started(warehouse, at.replace(minute=21))["summarize_sales"]


def test_no_tick_builds_what_the_box_office_sold() -> None:
    jobs = {job.name: job for job in defs.get_repository_def().get_all_jobs()}
    of_tick = jobs["tick"].asset_layer.executable_asset_keys
    of_summary = jobs["box_office_summary"].asset_layer.executable_asset_keys
    assert SUMMARY in of_summary
    assert dg.AssetKey("primary_and_resale") in of_summary
    assert set(of_tick) & set(of_summary) == set()


def test_the_lineage_leads_from_both_markets_to_the_comparison() -> None:
    graph = defs.get_repository_def().asset_graph
    above, todo = set(), [dg.AssetKey("primary_and_resale")]
    while todo:
        key = todo.pop()
        if key not in above:
            above.add(key)
            todo += graph.get(key).parent_keys
    assert {dg.AssetKey(["box_office", "sales"]), dg.AssetKey("section_snapshots"), dg.AssetKey("captures")} <= above


BROKEN = {
    "counters_are_counts": [
        "update tier_stock set sold = sold + 1",
        "update seat_deltas set available = available + 1",
        "update stored_seats set status = 'AVAILABLE' where status = 'BOOKED'",
    ],
    "paid_means_tickets": [
        "update payments set status = 'failed', amount = 0 where order_id is not null",
        "delete from tickets",
        "update orders set status = 'cancelled'",
    ],
    "money_adds_up": ["update payments set amount = amount + 1"],
}


@pytest.mark.parametrize(("check", "change"), [(check, change) for check in BROKEN for change in BROKEN[check]])
def test_each_check_of_the_books_fails_if_a_row_is_broken(office: BoxOffice, check: str, change: str) -> None:
    event, user = office.event(), office.user()
    purchase(office.connection, user, event, {office.tier(event, 10): 2})
    confirm(office.connection, hold(office.connection, user, event, office.seats(event)[:2]))

    def passed() -> bool:
        faults = [one for one in discrepancies(office.connection) if one.fault.startswith(KINDS[check])]
        return verdict(dg.AssetCheckKey(SUMMARY, check), faults).passed

    assert passed()
    with office.connection.transaction(force_rollback=True):
        office.do("set local session_replication_role = replica")  # behind the triggers' back
        office.do(change)
        assert not passed()


def test_every_fault_is_of_one_check(office: BoxOffice) -> None:
    source = office.one("select pg_get_functiondef('discrepancies'::regproc)")
    found = re.findall(r"\bselect '((?:[^']|'')+)'", source)
    named = [fault.replace("''", "'") for fault in found if fault not in ("order", "booking")]
    assert len(named) >= 8
    for fault in named:
        assert len([check for check, begins in KINDS.items() if fault.startswith(begins)]) == 1, fault


def test_b11_the_schedule_serves_the_next_person_and_nobody_after_the_sale(
    office: BoxOffice, warehouse: Warehouse
) -> None:
    at = datetime(2026, 11, 29, 20, 7, tzinfo=UTC)
    event, taken_by, *users = office.event(), *(office.user() for _ in range(4))
    tier = office.tier(event, 2)
    taken = reserve(office.connection, taken_by, event, {tier: 2})
    for user in users:
        join_waitlist(office.connection, user, event, tier_id=tier, how_many=2)
    served = """select coalesce(orders.status, 'none') from waitlist
                left join offers on offers.waitlist_id = waitlist.id left join orders on orders.id = order_id
                order by waitlist.id"""

    def run() -> list[str]:
        """What the schedule starts, if anything; what became of the offer of each who waits."""
        if started(warehouse, at)["tidy_box_office"]:
            tidied_orders(warehouse=warehouse, settings=Settings())
        return [status for (status,) in office.all(served)]

    assert run() == ["none", "none", "none"]  # nothing is free
    cancel_order(office.connection, taken)
    assert run() == ["pending", "none", "none"]
    assert run() == ["pending", "none", "none"]  # the offer holds the tickets
    first = office.one("select max(id) from orders")
    cancel_order(office.connection, first)
    assert run() == ["cancelled", "pending", "none"]  # not to the same person again
    office.expire(order=office.one("select max(id) from orders"))
    office.do("update stored_tiers set sale_end_time = now() - interval '1 second'")
    assert run() == ["cancelled", "expired", "none"]
    assert not started(warehouse, at)["tidy_box_office"]  # nobody can be served, so nothing runs
    office.do("update stored_tiers set sale_end_time = null")
    assert run() == ["cancelled", "expired", "pending"]


def test_an_event_that_cannot_be_archived_fails_the_run_after_the_others(
    office: BoxOffice, warehouse: Warehouse, tmp_path: Path
) -> None:
    broken, good = over_event(office), over_event(office)
    office.do("update stored_events set start_time = now() - interval '200 days', doors_open_time = null")
    office.do("delete from sales_marks")
    office.do("insert into event_archives (event_id, step, manifest_sha256) values (%s, 'verified', 'x')", broken)
    settings = Settings(cold_storage_url=str(tmp_path))
    with (
        pytest.raises(dg.Failure, match=f"the files of event {broken} there were never verified") as failure,
        dg.build_asset_context() as context,
    ):
        archived_events(context, warehouse=warehouse, settings=settings)
    assert failure.value.metadata["events archived"].value == 1
    assert office.all("select id from stored_events where archived_at is not null") == [(good,)]


def test_an_archived_event_is_restored_by_a_job_that_fails_for_any_other(
    office: BoxOffice, warehouse: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    event = over_event(office)
    before = rows_of(office, event)
    archive(office, tmp_path, event)
    settings = Settings(cold_storage_url=str(tmp_path / "cold"), backup_url=str(tmp_path / "backups"))
    assert "restore_event" in {job.name for job in defs.get_repository_def().get_all_jobs()}

    def fails(error: type[Exception], why: str, **config: Any) -> None:
        with pytest.raises(error, match=why), dg.build_op_context(instance=instance) as context:
            restored_event(context, EventRestore(**config), warehouse=warehouse, settings=settings)

    fails(dg.Failure, "31 January is not a day. Write it like 2026-12-31.", event_id=event, until="31 January")
    assert rows_of(office, event)["bookings"] == []
    result = restore_event.execute_in_process(
        run_config={"ops": {"restored_event": {"config": {"event_id": event, "until": "2126-01-31"}}}},
        resources={"settings": settings, "warehouse": warehouse},
        instance=instance,
    )
    assert rows_of(office, event) == before
    [done] = [one for one in result.events_for_node("restored_event") if one.is_successful_output]
    figures = {name: value.value for name, value in done.step_output_data.metadata.items()}
    assert [figures[f"rows of {name}"] for name in before] == [12, 4, 8]
    assert figures["rows"] == 12 + 4 + 8
    assert figures["Parquet bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert 0 < float(str(figures["seconds"])) < 60
    assert figures["kept through"] == "2126-01-31"
    assert office.one("select pinned_until::text from event_archives where event_id = %s", event) == "2126-01-31"
    fails(RestoreError, f"Event {event} is not archived, so there is nothing to restore.", event_id=event)
    assert restore_event.run_config is not None  # what the UI offers, to be filled in
    offered = restore_event.run_config["ops"]["restored_event"]["config"]
    fails(RestoreError, "There is no event 0 at the box office.", **offered)
    assert rows_of(office, event) == before
