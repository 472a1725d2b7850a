"""What whoever holds a signed link may do without a key: stop one rule, or read a tenant's feed."""

from datetime import datetime
from uuid import UUID

from tickettape.database import Connection
from tickettape.price_alerts.alert_rows import read_alert
from tickettape.price_alerts.feed import FEED_OCCASIONS, MOST_ENTRIES, feed_of
from tickettape.price_alerts.sealing import AlertError, Sealing
from tickettape.settings import Settings


def stop_rule(connection: Connection, settings: Settings, rule_id: UUID, signature: str) -> str:
    """Pause the rule of a link. Returns its name. Raises AlertError if the link is not one of ours."""
    _check(settings, rule_id, signature)
    row = connection.execute(
        "update price_alerts.rules set paused = true where rule_id = %s returning name", [rule_id]
    ).fetchone()
    if row is None:
        raise AlertError("The alert was removed already.")
    return str(row[0])


def name_of_rule(connection: Connection, settings: Settings, rule_id: UUID, signature: str) -> str:
    """The name of the rule of a link. Raises AlertError if the link is not one of ours."""
    _check(settings, rule_id, signature)
    row = connection.execute("select name from price_alerts.rules where rule_id = %s", [rule_id]).fetchone()
    if row is None:
        raise AlertError("The alert was removed already.")
    return str(row[0])


def feed_address(settings: Settings, tenant_id: UUID) -> str | None:
    """The address of a tenant's feed; None without PRICE_ALERTS_KEY."""
    if settings.price_alerts_key is None:
        return None
    return f"{settings.public_url}/alerts/feed/{tenant_id}?signature={Sealing.of(settings).signature(tenant_id)}"


def read_feed(connection: Connection, settings: Settings, tenant_id: UUID, signature: str, now: datetime) -> bytes:
    """A tenant's feed. Raises AlertError if the link is not one of ours."""
    _check(settings, tenant_id, signature)
    occasions = connection.execute(FEED_OCCASIONS, [tenant_id, MOST_ENTRIES]).fetchall()
    sealing = Sealing.of(settings)
    alerts = [read_alert(connection, settings, sealing, occasion_id) for (occasion_id,) in occasions]
    return feed_of(tenant_id, feed_address(settings, tenant_id) or "", alerts, now)


def _check(settings: Settings, about: UUID, signature: str) -> None:
    if not Sealing.of(settings).is_signed(about, signature):
        raise AlertError("This link is not valid. Copy the whole link from the message.")
