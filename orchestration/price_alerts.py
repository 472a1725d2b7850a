"""The sensor that sends price alerts, outside of any run: no tick waits for a mail server."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.database import Connection, Warehouse
from tickettape.price_alerts import AlertError, deliver_due, fill_price_hours, refresh_references, withdraw_corrected
from tickettape.settings import Settings

FOR_AT_MOST = timedelta(seconds=40)  # Dagster ends a sensor after a minute

log = logging.getLogger(__name__)


def build_price_alert_sensor(settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """The sensor that sends what was decided, twice a minute."""

    @dg.sensor(name="send_price_alerts", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
    def send_price_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Send price alerts, note which were withdrawn, and read the past prices of new rules."""
        try:
            return dg.SkipReason(send_alerts(settings, warehouse))
        except Exception as error:  # whatever failed, the sensor must run again
            context.log.exception("Price alerts could not be sent.")
            return dg.SkipReason(f"Sending price alerts failed: {type(error).__name__}.")

    return send_price_alerts


def send_alerts(settings: Settings, warehouse: Warehouse) -> str:
    """Send what is due. Returns a sentence about the result. Each part is done on its own, so one that fails does
    not stop the others."""
    with warehouse.connection() as connection:
        now = datetime.now(UTC)
        withdrawn = _part("noting corrections", "{} withdrawn", lambda: withdraw_corrected(connection, now))
        sent = _part("sending", "{}", lambda: _deliver(settings, connection))
        compared = _part(
            "preparing comparisons", "{} comparisons prepared", lambda: refresh_references(connection, now)
        )
        filled = _part(
            "reading past prices",
            "the past prices of {} new rules were read",
            lambda: fill_price_hours(connection, now, for_at_most=FOR_AT_MOST / 4),
        )
    return f"{sent}; {withdrawn}; {compared}; {filled}."


def _part(what: str, said: str, work: Callable[[], object]) -> str:
    try:
        return said.format(work())
    except Exception as error:
        log.exception("Price alerts: %s failed.", what)
        return f"{what} failed ({type(error).__name__})"


def _deliver(settings: Settings, connection: Connection) -> str:
    try:
        sent = deliver_due(connection, settings, lambda: datetime.now(UTC), for_at_most=FOR_AT_MOST)
    except AlertError as error:
        return str(error).rstrip(".")
    return f"{sent['delivered']} price alerts sent, {sent['postponed']} to be tried again, {sent['dead']} given up"
