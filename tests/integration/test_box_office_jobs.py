"""The box office's jobs as Dagster runs them: chores, what was sold, both markets, and the audit of the books."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.definitions import build_defs
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from orchestration.simulated_history import JOB, build_history_sensor
from orchestration.simulated_sales import build_comparison_sensor, sales_of
from tests.support.box_office import BoxOffice
from tickettape.box_office import open_demo, simulated_event
from tickettape.box_office.bookings import confirm, hold_best_available
from tickettape.box_office.orders import purchase, reserve
from tickettape.box_office.waitlist import join_waitlist
from tickettape.database import Warehouse
from tickettape.marketplaces import Marketplaces, WatchedMarketplace
from tickettape.marketplaces.simulator import FedMarket, SimulatedMarketplace
from tickettape.marketplaces.simulator.first_hand import resales
from tickettape.marketplaces.simulator.market import Outcome
from tickettape.observations import floor_to_grid
from tickettape.settings import Settings


@pytest.fixture
def office(database_url: str) -> Iterator[BoxOffice]:
    with psycopg.connect(
        database_url, autocommit=True, options="-c timezone=UTC -c search_path=box_office"
    ) as connection:
        yield BoxOffice(database_url, connection)


@pytest.mark.processes
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


@pytest.mark.processes
@pytest.mark.whole_program
def test_both_markets_of_the_demo_are_measured_against_what_truly_happened(
    office: BoxOffice, warehouse: Warehouse
) -> None:
    settings = Settings(simulator_events=9, simulator_history_hours=48)
    now, interval = datetime.now(UTC), timedelta(minutes=settings.scraper_interval_minutes)
    market, tick = FedMarket(settings.simulator_seed, settings.simulator_events), floor_to_grid(interval, now)
    watched = WatchedMarketplace(settings, SimulatedMarketplace(market=market))
    sale = sales_of(watched).following(now)
    production = sale.production
    open_demo(office.connection, sales_of(watched), now)
    defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=Marketplaces({watched.source: watched}))
    sensor = build_comparison_sensor(watched, warehouse)
    with dg.DagsterInstance.ephemeral() as instance:

        def run(job: str, **more: Any) -> None:
            assert defs.resolve_job_def(job).execute_in_process(instance=instance, **more).success

        tags = {TICK_TAG: tick.isoformat(), SOURCE_TAG: watched.source}
        run("tick", tags=tags, partition_key=partition_of(tick))
        assert isinstance(
            build_history_sensor(watched, warehouse)(dg.build_sensor_context(instance=instance)), dg.RunRequest
        )
        run(JOB)
        assert isinstance(sensor(), dg.RunRequest)
        run("box_office_summary")
        assert isinstance(sensor(), dg.SkipReason)
        event = simulated_event(office.connection, now)
        assert event is not None

        # what was sold first-hand, to the ticket, by day
        by_day = "select date, tickets_sold, house from analytics.primary_and_resale where zone is null order by date"
        days = office.all(by_day)
        assert len(days) >= 3
        for date, sold, house in days:
            end = min(now, datetime(date.year, date.month, date.day, tzinfo=UTC) + timedelta(days=1))
            assert sold == sum(one.quantity for one in sale.bought(None, end))
            assert house == sum(place.seats for place in sale.places)
        # what is resold: the prices of the last tick
        shelf = market.shelf(production, tick)
        resold = office.one("select id from market.events where external_id = %s", sale.external_id)
        get_in = """select (min(lowest_price) * 100)::integer, sum(total_tickets)::integer
                    from analytics.latest_prices where available and event_id = %s"""
        assert office.all(get_in, resold) == [(shelf.price_cents.min(), shelf.quantity.sum())]
        # what was resold: the departures that were seen are those that there were
        start = office.one("select min(tick) from market.captures")
        shown: dict[int, int] = {}
        (ticks,) = zip(*office.all("select distinct tick from market.captures order by tick"), strict=True)
        for at in ticks:
            seen = market.shelf(production, at)
            for number, quantity in zip(seen.listing_number.tolist(), seen.quantity.tolist(), strict=True):
                shown.setdefault(number, quantity)
        gone = sum(shown.values()) - int(shelf.quantity.sum())
        departed = "select coalesce(sum(tickets), 0) from analytics.listing_departures where event_id = %s"
        assert office.one(departed, resold) == gone
        lives, _ = resales(settings.simulator_seed, production)
        since, until = ((at - production.on_sale_at).total_seconds() for at in (start, tick))
        whole = (lives.outcome == Outcome.SOLD) & (since < lives.ends) & (lives.ends <= until)
        parts = (since < lives.partial_at) & (lives.partial_at <= until) & lives.occupied[:, None]
        truly_sold = (lives.quantity - lives.partial_sold.sum(axis=1))[whole].sum() + lives.partial_sold[parts].sum()
        estimated = office.one("select sum(estimated_sales) from analytics.primary_and_resale where zone is null")
        assert 0 <= truly_sold <= gone
        assert 0 <= estimated <= gone

        # what a person buys is in the next summary
        summed = "select sum(tickets_sold - tickets_returned) from analytics.sales_by_hour where event_id = %s"
        before = office.one(summed, event.event_id)
        confirm(office.connection, hold_best_available(office.connection, office.user(), event.event_id, 2))
        run("box_office_summary")
        after = office.one(summed, event.event_id)
        assert after == office.one("select count(*) from tickets where event_id = %s", event.event_id) >= before + 2
        # the tables are served as soon as there are any
        assert office.one("select to_regclass('api.primary_and_resale')") is not None
