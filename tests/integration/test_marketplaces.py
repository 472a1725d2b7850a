"""Several marketplaces in one database: each in its own time, and a new one by a folder and a line."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orchestration.definitions import build_defs
from orchestration.incidents import Watched, find_incidents
from orchestration.partitions import partition_of
from orchestration.run_plan import SOURCE_TAG, TICK_TAG
from tests.support.loopback_servers import served
from tests.support.oracle import assert_exact
from tests.support.served_market import serving
from tests.support.slow_simulator import answering
from tests.support.toy_marketplace import Billetterie
from tickettape.api_schema import create_key, create_tenant
from tickettape.catalogue import find_event, track_rule
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces import FORMATS, load_breaker, open_marketplaces
from tickettape.marketplaces.registry import MarketplaceFormat
from tickettape.marketplaces.simulator import Market, build_app
from tickettape.observations import capture_tick, floor_to_grid, read_tick, stale_events
from tickettape.rollups import pending_buckets
from tickettape.settings import Settings

TEN = timedelta(minutes=10)
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
EVENTS = 40


class Door:
    """A simulated marketplace behind a door that may be closed; remembers when each request came."""

    def __init__(self, seed: int) -> None:
        self.app, self.closed = build_app(Market(seed=seed, events=EVENTS)), False
        self.asked_at: list[datetime] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked_at.append(datetime.now(UTC))
        await (Response(status_code=403) if self.closed else self.app)(scope, receive, send)

    def most_in(self, seconds: float) -> int:
        """Most requests within any time of this length."""
        times = [at.timestamp() for at in self.asked_at]
        return max((sum(at <= other < at + seconds for other in times) for at in times), default=0)


def running_tick() -> datetime:
    """The running tick; the next one where this ends too soon to capture anything in it."""
    left = (floor_to_grid(TEN, datetime.now(UTC)) + TEN - datetime.now(UTC)).total_seconds()
    if left < 60:
        time.sleep(left + 1)
    return floor_to_grid(TEN, datetime.now(UTC))


def tick(defs: dg.Definitions, instance: dg.DagsterInstance, source: str, at: datetime) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("tick").execute_in_process(
        instance=instance,
        partition_key=partition_of(at),
        tags={TICK_TAG: at.isoformat(), SOURCE_TAG: source},
        run_config=QUIET,
    )


def statuses(connection: Connection, source: str, at: datetime) -> Counter[str]:
    rows = connection.execute(
        """select status from market.captures inner join market.events using (event_key)
           where source = %s and tick = %s""",
        [source, at],
    ).fetchall()
    return Counter(str(status) for (status,) in rows)


def test_of_two_marketplaces_one_is_blocked_and_the_other_is_fresh_each_within_its_own_budget(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    fair, foul = Door(seed=1), Door(seed=2)
    with served(fair) as fair_url, served(foul) as foul_url:
        settings = Settings(
            marketplaces={
                "fair": {"format": "simulator", "url": fair_url, "requests_per_second": 20},
                "foul": {"format": "simulator", "url": foul_url, "requests_per_second": 5},
            }
        )
        marketplaces = open_marketplaces(settings, warehouse)
        defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=marketplaces)
        now = running_tick()
        assert all(tick(defs, instance, source, now - TEN).success for source in marketplaces)
        foul.closed = True
        results = {source: tick(defs, instance, source, now) for source in marketplaces}

    assert all(result.success for result in results.values())
    assert statuses(connection, "fair", now - TEN) == statuses(connection, "foul", now - TEN) == {"ok": EVENTS}
    assert set(statuses(connection, "fair", now)) == {"ok"}
    assert "ok" not in statuses(connection, "foul", now)
    assert statuses(connection, "foul", now)["blocked"] >= 5  # then its breaker opened, and nothing more was asked
    assert load_breaker(connection, "fair").state == "closed"
    assert load_breaker(connection, "foul").state == "open"
    later = datetime.now(UTC) + timedelta(hours=3)  # past twice the longest interval
    assert stale_events(connection, "fair", now + TEN) == []
    about = {one.about for one in find_incidents(settings, warehouse, instance, Watched(), later)}
    assert "breaker foul" in about
    assert "breaker fair" not in about
    assert "freshness foul" in about
    # each has its own budget, seen where the requests arrive; a control: the faster one needed more than the other's
    assert fair.most_in(1.0) <= 20
    assert foul.most_in(1.0) <= 5
    assert fair.most_in(1.0) > 5
    assert pending_buckets(connection) == {}
    assert_exact(connection)


@pytest.mark.whole_program
def test_a_marketplace_of_euros_without_totals_is_a_folder_and_a_line(
    warehouse: Warehouse,
    connection: Connection,
    instance: dg.DagsterInstance,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FORMATS, "billetterie", MarketplaceFormat(Billetterie))  # the line
    show: dict[str, Any] = {
        "code": "S1",
        "titre": "Une soirée",
        "debut": f"{datetime.now(UTC).year + 1}-06-01T19:00:00+02:00",
        "offres": [
            {"numero": "a", "categorie": "Parterre", "bloc": "P1", "places": 2, "prix": 61.5},
            {"numero": "b", "categorie": "Parterre", "bloc": "P2", "places": 1, "prix": 48.25},
            {"numero": "c", "categorie": "Balcon", "bloc": "B1", "places": 4, "prix": 20.0},
        ],
    }
    now = running_tick()
    with served(answering({"/spectacles": [show], "/spectacles/S1": show})) as url:
        settings = Settings(marketplaces={"billetterie": {"url": url}, "simulator": {"events": 2}})
        defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=open_marketplaces(settings, warehouse))
        track_rule(connection, "billetterie", "search", "soir")
        results = [tick(defs, instance, source, now) for source in settings.sources]
    assert all(result.success for result in results)
    assert all(check.passed for result in results for check in result.get_asset_check_evaluations())
    assert statuses(connection, "billetterie", now) == {"ok": 1}
    assert connection.execute("select source, currency from market.events group by 1, 2 order by 1").fetchall() == [
        ("billetterie", "EUR"),
        ("simulator", "USD"),
    ]
    rows = connection.execute(
        """select zone, min_price::text, total_tickets, total_listings from analytics.aggregated_analytics
           inner join analytics.events on events.id = event_id where source = 'billetterie' order by zone"""
    ).fetchall()
    assert rows == [("Balcon", "20.00", 4, 1), ("Parterre", "48.25", 3, 2)]
    assert pending_buckets(connection) == {}
    assert_exact(connection)

    create_tenant(connection, "everyone", sees_all=True)
    key = create_key(connection, "everyone")
    event = connection.execute("select id from market.events where source = 'billetterie'").fetchone()
    assert event is not None
    with serving(database_url) as url, httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
        assert client.get(f"/api/events/{event[0]}").json()["currency"] == "EUR"
        answer = client.get(
            "/api/analytics/price-trends",
            params={"event_id": str(event[0]), "zone": "Balcon", "granularity": "hour",
                    "start_date": (now - TEN * 6).isoformat(), "end_date": (now + TEN * 6).isoformat()},
        ).json()  # fmt: skip
    assert answer["currency"] == "EUR"
    assert [row["min_price"] for row in answer["data"]] == [20.0]


@pytest.mark.whole_program
def test_an_answer_in_another_currency_than_the_events_is_refused_and_kept(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "billetterie", MarketplaceFormat(Billetterie))
    now = running_tick()
    offer = {"numero": "a", "categorie": "Parterre", "bloc": "P1", "places": 2, "prix": 61.5}
    soon = now + timedelta(hours=20)  # polled at every tick
    show: dict[str, Any] = {"code": "S1", "titre": "Une soirée", "debut": soon, "offres": [offer]}
    with served(answering({"/spectacles": [show], "/spectacles/S1": show})) as url:
        settings = Settings(marketplaces={"billetterie": {"url": url}})
        marketplaces = open_marketplaces(settings, warehouse)
        defs = build_defs(settings=settings, warehouse=warehouse, marketplaces=marketplaces)
        track_rule(connection, "billetterie", "search", "soir")
        assert tick(defs, instance, "billetterie", now).success
        assert find_event(connection, "billetterie", "S1") is not None
        connection.execute("update market.events set currency = 'CHF'")
        market = marketplaces["billetterie"].marketplace
        ensure_partitions(connection, [now + TEN])
        capture_tick(
            connection, market, now + TEN, None, "a run"
        )  # the next tick may be in an hour without a partition
        read_tick(connection, market, now + TEN, 0.05, "a run", only_received=True)
    assert statuses(connection, "billetterie", now) == {"ok": 1}
    assert statuses(connection, "billetterie", now + TEN) == {"rejected": 1}
    reasons = connection.execute("select reason from market.quarantine").fetchall()
    assert len(reasons) == 1
    assert "has prices in CHF, and these are in EUR" in reasons[0][0]
