"""The sensor that sends price alerts, outside of any run: no tick waits for a mail server."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.database import Warehouse
from tickettape.price_alerts import AlertError, deliver_due, fill_price_hours, refresh_references, withdraw_corrected
from tickettape.settings import Settings

FOR_AT_MOST = timedelta(seconds=40)  # Dagster ends a sensor after a minute


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
    """Send what is due. Returns a sentence about the result."""
    with warehouse.connection() as connection:
        now = datetime.now(UTC)
        withdrawn = withdraw_corrected(connection, now)
        try:
            sent = deliver_due(connection, settings, lambda: datetime.now(UTC), for_at_most=FOR_AT_MOST)
            said = (
                f"{sent['delivered']} price alerts sent, {sent['postponed']} to be tried again, {sent['dead']} given up"
            )
        except AlertError as error:
            said = str(error).rstrip(".")
        refresh_references(connection, now)
        filled = fill_price_hours(connection, now, for_at_most=FOR_AT_MOST / 4)
    return f"{said}; {withdrawn} withdrawn; the past prices of {filled} new rules were read."
