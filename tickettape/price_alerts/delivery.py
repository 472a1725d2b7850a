"""Deliver what was decided: at least once, with one message id in every attempt.

An attempt is claimed before it is sent. Only if the program ends between the receiver's acceptance and our note of it
is a message sent again, and such attempts are counted.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from tickettape.database import Connection, try_lock
from tickettape.price_alerts.alert_rows import note_cheaper_share, read_alert
from tickettape.price_alerts.destinations import addressed, count_message
from tickettape.price_alerts.messages import Alert, text_of, title_of
from tickettape.price_alerts.sealing import AlertError, Sealing
from tickettape.price_alerts.senders import Message, SendError, send
from tickettape.settings import Settings

CLAIMED_FOR = timedelta(minutes=5)  # longer than any attempt takes
MOST_ATTEMPTS = 9  # over some four hours: after that, a price is history
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_RETRY_AFTER = timedelta(hours=2)

log = logging.getLogger(__name__)

_CLAIM: LiteralString = """
    update price_alerts.deliveries as claimed
    set attempts = claimed.attempts + 1, claimed_at = %(now)s,
        next_attempt_at = %(now)s + %(claimed_for)s::interval,
        unknown_outcomes = claimed.unknown_outcomes + (claimed.claimed_at is not null)::integer
    where occasion_id = (
        select due.occasion_id from price_alerts.deliveries as due
        where due.delivered_at is null and due.dead_at is null and due.next_attempt_at <= %(now)s
        order by due.next_attempt_at, due.occasion_id limit 1 for update skip locked
    )
    returning occasion_id, destination_id, attempts"""


def deliver_due(
    connection: Connection, settings: Settings, clock: Callable[[], datetime], *, for_at_most: timedelta
) -> Counter[str]:
    """Send what is due, until nothing is or the time is over. Returns counts: delivered, postponed, dead.

    Raises AlertError if PRICE_ALERTS_KEY is not set.
    """
    outcomes: Counter[str] = Counter()
    sealing = Sealing.of(settings)
    until = time.monotonic() + for_at_most.total_seconds()
    with try_lock(connection, "deliver price alerts") as alone:
        while alone and time.monotonic() < until:
            now = clock()
            claim = connection.execute(_CLAIM, {"now": now, "claimed_for": CLAIMED_FOR}).fetchone()
            if claim is None:
                break
            outcomes[_attempt(connection, settings, sealing, *claim, now=now)] += 1
    return outcomes


def send_test(connection: Connection, settings: Settings, tenant_id: UUID, rule_id: UUID, *, now: datetime) -> None:
    """Send a test of a tenant's rule at once. Raises AlertError, with the reason, if it was not taken."""
    sealing = Sealing.of(settings)
    with connection.transaction():
        count_message(connection, tenant_id, now)
        row = connection.execute(
            """with tested as (
                   insert into price_alerts.occasions (rule_id, tenant_id, event_id, occasion, outcome, tick)
                   select rules.rule_id, rules.tenant_id, matched.event_id, 'test:' || gen_random_uuid(),
                       'test', %(now)s
                   from price_alerts.rules
                   inner join price_alerts.destinations on destinations.destination_id = rules.destination_id
                       and destinations.verified_at is not null
                   cross join lateral (
                       select coalesce(rules.event_id, (
                           select of_rule.event_id from price_alerts.rules_of_events as of_rule
                           where of_rule.rule_id = rules.rule_id limit 1)) as event_id
                   ) as matched
                   where rules.rule_id = %(rule)s and rules.tenant_id = %(tenant)s and matched.event_id is not null
                   returning occasion_id, rule_id
               )
               insert into price_alerts.deliveries (occasion_id, destination_id, attempts, claimed_at, next_attempt_at)
               select tested.occasion_id, rules.destination_id, %(last)s, %(now)s, 'infinity'
               from tested inner join price_alerts.rules on rules.rule_id = tested.rule_id
               returning occasion_id, destination_id""",
            {"rule": rule_id, "tenant": tenant_id, "now": now, "last": MOST_ATTEMPTS},
        ).fetchone()
    if row is None:
        raise AlertError("The rule has no verified destination, or no event matches it yet.")
    if _attempt(connection, settings, sealing, row[0], row[1], MOST_ATTEMPTS, now=now) != "delivered":
        why = connection.execute("select error from price_alerts.deliveries where occasion_id = %s", row[:1]).fetchone()
        raise AlertError(f"The test was not delivered. {why[0] if why else ''}".rstrip())


def message_of(alert: Alert, now: datetime) -> Message:
    """The message about an occasion."""
    facts = {
        "outcome": alert.outcome,
        "rule": {"id": alert.rule_id, "name": alert.rule, "condition": alert.condition},
        "event": {"id": alert.event_id, "name": alert.event, "venue": alert.venue, "date": alert.event_date},
        "seen_at": alert.tick,
        "listing": {
            "id": alert.listing_id,
            "zone": alert.zone,
            "section": alert.section,
            "row": alert.row,
            "quantity": alert.quantity,
            "all_in_price": alert.all_in_price,
            "price": alert.price,
        },
        "compared_with": alert.compared_with,
        "tickets_left": alert.tickets_left,
        "page": alert.page,
        "marketplace_page": alert.page_url,
        "stop": alert.stop,
    }
    message_id = f"price-alert-{alert.occasion_id}"
    return Message(message_id, title_of(alert), text_of(alert, now), now, stop=alert.stop, facts=facts)


def pause_after(attempts: int, retry_after: float | None) -> timedelta:
    """How long to wait after so many attempts that failed: a minute, doubled each time, or what was asked for."""
    pause = min(LONGEST_PAUSE, timedelta(minutes=2.0 ** min(attempts - 1, 10)))
    return max(pause, min(LONGEST_RETRY_AFTER, timedelta(seconds=retry_after or 0)))


def _attempt(
    connection: Connection,
    settings: Settings,
    sealing: Sealing,
    occasion_id: int,
    destination_id: UUID,
    attempts: int,
    *,
    now: datetime,
) -> str:
    try:
        kind, address, secret = addressed(connection, sealing, destination_id)
        note_cheaper_share(connection, occasion_id)
        alert = read_alert(connection, settings, sealing, occasion_id)
        send(kind, address, secret, message_of(alert, now), settings)
    except Exception as error:  # one message must not keep the others
        # the words of other errors may hold the address
        why = str(error) if isinstance(error, SendError | AlertError) else f"It failed: {type(error).__name__}."
        dead = getattr(error, "final", False) or attempts >= MOST_ATTEMPTS
        wait = pause_after(attempts, getattr(error, "retry_after", None))
        return _note_failure(connection, occasion_id, why, now, None if dead else wait)
    connection.execute(
        """update price_alerts.deliveries set delivered_at = %s, claimed_at = null, error = null
           where occasion_id = %s""",
        [now, occasion_id],
    )
    return "delivered"


def _note_failure(connection: Connection, occasion_id: int, why: str, now: datetime, pause: timedelta | None) -> str:
    """Note why an attempt failed. `pause` None: it was the last one."""
    log.warning("Price alert %d was not delivered: %s", occasion_id, why)
    connection.execute(
        """update price_alerts.deliveries
           set claimed_at = null, error = %s, next_attempt_at = %s, dead_at = %s where occasion_id = %s""",
        [why[:500], now + (pause or timedelta()), None if pause else now, occasion_id],
    )
    return "postponed" if pause else "dead"


def retry_dead(connection: Connection, now: datetime, tenant_id: UUID | None = None) -> int:
    """Try again what was given up. Returns how many messages that are."""
    return connection.execute(
        """update price_alerts.deliveries as dead
           set dead_at = null, attempts = 0, next_attempt_at = %(now)s
           from price_alerts.occasions as about
           where about.occasion_id = dead.occasion_id and dead.dead_at is not null
               and (%(tenant)s::uuid is null or about.tenant_id = %(tenant)s)""",
        {"now": now, "tenant": tenant_id},
    ).rowcount
