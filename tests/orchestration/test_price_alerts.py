"""Price alerts in the program: decided in a tick without its failing, sent by a sensor."""

from datetime import UTC, datetime

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from orchestration.assets.price_alerts import price_alerts
from orchestration.price_alerts import build_price_alert_sensor, send_alerts
from orchestration.run_plan import TICK_TAG
from tests.support.markets import TEN
from tests.support.priced_listings import Show, add_rule, history, tenant_of
from tickettape.database import Connection, Warehouse
from tickettape.observations import floor_to_grid
from tickettape.price_alerts.sealing import new_key
from tickettape.settings import Settings


def materialize(warehouse: Warehouse, instance: dg.DagsterInstance, tick: datetime | None) -> dg.AssetCheckEvaluation:
    result = dg.materialize(
        [price_alerts, dg.AssetSpec("latest_prices")],
        instance=instance,
        tags={TICK_TAG: tick.isoformat()} if tick else {},
        resources={"warehouse": warehouse, "settings": Settings()},
    )
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    return check


def test_a_live_tick_decides_and_a_backfill_does_not(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    show = Show(connection)
    add_rule(connection, tenant_of(connection), show, captures=1)
    tick = floor_to_grid(TEN, datetime.now(UTC))
    show.shows(tick, "VB1:95")
    assert materialize(warehouse, instance, None).passed
    assert history(connection) == []
    assert materialize(warehouse, instance, tick).passed
    assert [outcome for outcome, *_ in history(connection)] == ["tell"]


def test_a_tick_does_not_fail_with_its_alerts(
    warehouse: Warehouse, connection: Connection, instance: dg.DagsterInstance
) -> None:
    connection.execute("alter table price_alerts.watermarks rename to lost")
    check = materialize(warehouse, instance, datetime.now(UTC))
    assert not check.passed
    assert check.description is not None
    assert "The next tick tries again" in check.description


def test_the_sensor_says_what_it_did(
    warehouse: Warehouse, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "PRICE_ALERTS_KEY is not set" in send_alerts(Settings(), warehouse)
    with_key = Settings(price_alerts_key=SecretStr(new_key()))
    assert send_alerts(with_key, warehouse).startswith("0 price alerts sent")

    def gone() -> psycopg.Connection[tuple[object, ...]]:
        raise psycopg.OperationalError("a secret host")

    sensor = build_price_alert_sensor(with_key, Warehouse(gone))
    skipped = sensor(dg.build_sensor_context())
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "Sending price alerts failed: OperationalError."


def test_a_part_that_fails_keeps_no_other(warehouse: Warehouse, connection: Connection) -> None:
    connection.execute("alter table price_alerts.rules rename column tell_withdrawn to lost")
    said = send_alerts(Settings(price_alerts_key=SecretStr(new_key())), warehouse)
    assert said.startswith("0 price alerts sent")
    assert "noting corrections failed (UndefinedColumn)" in said
    assert "the past prices of 0 new rules were read" in said
