"""Forecasts, their record, comparables and trends over HTTP, and who sees which."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.reader_questions import as_postgrest, claims_of
from tests.support.said_forecasts import add_comparables, keep_record, say_forecasts, say_zones_forecast
from tests.support.served_market import EVERYONE, LEFT, RIGHT, Ask, id_of
from tickettape.database import Connection

ORIGIN = datetime(2026, 11, 20, tzinfo=UTC)


def key_of(connection: Connection, external_id: str) -> int:
    row = connection.execute("select event_key from market.events where external_id = %s", [external_id]).fetchone()
    assert row
    return int(row[0])


@pytest.fixture
def said(connection: Connection) -> None:
    """Event 1 has forecasts of two days, and all have a record."""
    for origin in (ORIGIN - timedelta(days=1), ORIGIN):
        say_forecasts(connection, key_of(connection, "1"), origin)
    keep_record(connection, ORIGIN)


@pytest.mark.usefixtures("said")
def test_the_newest_forecast_has_its_record_and_base_rates_beside_it(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    event = id_of(connection, "1")
    rows: list[dict[str, Any]] = ask(LEFT)(f"/api/events/{event}/forecast").json()["data"]
    assert [row["horizon_days"] for row in rows] == [1, 3, 7, 14]
    assert {row["origin"] for row in rows} == {"2026-11-20T00:00:00+00:00"}
    first, *_, last = rows
    assert (first["mid"], first["gate_open"], first["origin_price"]) == (78.4, True, 80.0)
    assert (last["low"], last["mid"], last["high"], last["gate_open"]) == (64.0, 80.0, 96.0, False)
    assert (last["target"], last["days_to_event"], last["phase"]) == ("2026-12-04T00:00:00+00:00", 6, "4-7")
    assert (last["error_ratio"], last["scored_forecasts"]) == (None, 0)  # nothing of this phase was scored yet
    assert (first["phase"], first["error_ratio"], first["coverage_80"], first["scored_events"]) == (
        "15-30",
        0.93,
        0.79,
        120,
    )
    assert (first["cheaper_5"], first["dearer_10"], first["base_events"]) == (0.41, 0.18, 150)


@pytest.mark.usefixtures("said")
def test_a_zone_has_a_forecast_of_its_own_where_zones_are_forecast(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    say_zones_forecast(connection, key_of(connection, "1"), "Lower", ORIGIN)
    path = f"/api/events/{id_of(connection, '1')}/forecast"
    (row,) = ask(LEFT)(path, zone="Lower").json()["data"]
    assert (row["zone"], row["low"], row["mid"], row["base_events"]) == ("Lower", 40.0, 50.0, 0)
    assert row["error_ratio"] is None  # the record of get-in prices is not that of zones
    assert ask(LEFT)(path, zone="Upper").json() == {"data": []}
    assert {row["zone"] for row in ask(LEFT)(path).json()["data"]} == {None}


@pytest.mark.usefixtures("said")
def test_a_tenant_sees_forecasts_of_its_own_events_and_the_record_of_all(
    ask: Callable[[str], Ask], connection: Connection
) -> None:
    event = id_of(connection, "1")
    assert ask(RIGHT)(f"/api/events/{event}/forecast").status_code == 404
    assert ask(RIGHT)(f"/api/events/{id_of(connection, '2')}/forecast").json() == {"data": []}
    skill = ask(RIGHT)("/api/forecast-skill").json()["data"]
    assert [(row["horizon_days"], row["phase"]) for row in skill][:6] == [
        (1, "0-3"), (1, "4-7"), (1, "8-14"), (1, "15-30"), (1, "over 30"), (3, "0-3"),
    ]  # fmt: skip
    assert (skill[3]["error_ratio"], skill[3]["weeks"], skill[3]["left_out"], skill[3]["gate_open"]) == (
        0.93,
        14,
        2,
        True,
    )
    assert (skill[0]["error_ratio"], skill[0]["first_origin"]) == (None, None)
    assert ask(RIGHT)("/api/market/trends").json()["data"][0]["trend"] == "down"
    assert ask(RIGHT)("/api/forecast-skill", {"accept": "text/csv"}).text.startswith("measure,horizon_days,phase,")


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("view", ["forecast_skill", "base_rates", "market_trends"])
def test_the_record_of_the_market_is_for_tenants_alone(connection: Connection, view: str) -> None:
    rows = f"select * from api.{view}"
    assert as_postgrest(connection, rows, jwt_claims=claims_of(connection, RIGHT))
    for nobody in ({}, {"jwt_claims": json.dumps({"tenant": str(uuid4())})}):
        assert as_postgrest(connection, rows, **nobody) == []


def test_before_the_first_night_there_is_no_record(ask: Callable[[str], Ask]) -> None:
    for path in ("forecast-skill", "market/trends"):
        assert ask(LEFT)(f"/api/{path}").json() == {"data": []}


def test_comparables_are_the_tenants_own_and_at_least_8(ask: Callable[[str], Ask], connection: Connection) -> None:
    others = add_comparables(connection)
    event = id_of(connection, "new")
    found = ask(EVERYONE)(f"/api/events/{event}/comparables").json()["data"]
    assert [row["name"] for row in found] == others
    assert {(row["comparables"], row["percentile"], row["price"]) for row in found} == {(8, 0.0, 50.0)}
    connection.execute("delete from analytics.get_in_hours where event_id = %s", [id_of(connection, "like 3")])
    assert ask(EVERYONE)(f"/api/events/{event}/comparables").json() == {"data": []}
    connection.execute(
        "insert into access.tenant_events select tenant_id, %s from access.tenants where name = %s", [event, LEFT]
    )
    assert ask(LEFT)(f"/api/events/{event}/comparables").json() == {"data": []}
