"""The box office's jobs as Dagster runs them: chores, what was sold, and the audit of the books."""

from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest

from orchestration.definitions import build_defs
from tests.support.box_office import BoxOffice
from tickettape.box_office.orders import purchase, reserve
from tickettape.box_office.waitlist import join_waitlist
from tickettape.database import Warehouse
from tickettape.settings import Settings


@pytest.fixture
def office(database_url: str) -> Iterator[BoxOffice]:
    with psycopg.connect(
        database_url, autocommit=True, options="-c timezone=UTC -c search_path=box_office"
    ) as connection:
        yield BoxOffice(database_url, connection)


@pytest.mark.processes
@pytest.mark.long
def test_what_expired_is_offered_and_what_was_bought_is_in_the_next_summary(
    office: BoxOffice, warehouse: Warehouse
) -> None:
    event, user, waits = office.event(), office.user(), office.user()
    tier = office.tier(event, 4)
    expired = reserve(office.connection, user, event, {tier: 4})
    join_waitlist(office.connection, waits, event, tier_id=tier, how_many=2)
    office.expire(order=expired)
    defs = build_defs(settings=Settings(), warehouse=warehouse)
    with dg.DagsterInstance.ephemeral() as instance:

        def run(job: str) -> dg.ExecuteInProcessResult:
            result = defs.resolve_job_def(job).execute_in_process(instance=instance)
            assert result.success
            return result

        run("box_office_upkeep")
        assert office.one("select status from orders where id = %s", expired) == "expired"
        assert office.all("select user_id, kind from notifications") == [(waits, "waitlist_offer")]
        purchase(office.connection, user, event, {tier: 1})
        run("box_office_summary")
        summary = "select tickets_sold, tickets_available, net from analytics.event_sales_summary where event_id = %s"
        assert office.all(summary, event) == [(1, 1, 10)]
        assert office.one("select sum(tickets_sold) from analytics.sales_by_hour where event_id = %s", event) == 1
        # before a first tick there is no resale market to compare with
        assert office.one("select to_regclass('analytics.primary_and_resale')") is None
        audited = run("box_office_audit")
        assert {check.check_name: check.passed for check in audited.get_asset_check_evaluations()} == {
            "counters_are_counts": True,
            "paid_means_tickets": True,
            "money_adds_up": True,
        }
