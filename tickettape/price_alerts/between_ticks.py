"""What rules need beside the evaluation, and no tick waits for: the prices before a rule was made, and corrections."""

import time
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from tickettape.database import Connection
from tickettape.listing_history import observation_at, states_between
from tickettape.price_alerts.decisions import limit_of, needs_history, reference_of
from tickettape.price_alerts.event_sights import EventSights
from tickettape.price_alerts.preview import Past, preview, sights_of
from tickettape.price_alerts.price_hours import KEPT_HOURS, PriceHours, hour_of
from tickettape.price_alerts.rule_store import RULE_COLUMNS, rule_from_row

PREPARED_BEFORE = timedelta(minutes=5)
CORRECTED_WITHIN = timedelta(days=1)
"""How long after it was told a price may be withdrawn: later, nobody waits for it any more."""

_WITHOUT_PRICES: LiteralString = """
    select matched.event_key, :rule_columns
    from price_alerts.rules_of_events as matched
    inner join price_alerts.rules on rules.rule_id = matched.rule_id
    left join price_alerts.rule_events as own
        on own.rule_id = matched.rule_id and own.event_key = matched.event_key
    where rules.condition in ('below_median', 'cheapest', 'fell', 'rose') and own.first_hour is null
    order by matched.event_key limit 1""".replace(":rule_columns", RULE_COLUMNS)

_REFERENCES: LiteralString = """
    select own.event_key, own.first_hour, own.lowest_cents, :rule_columns
    from price_alerts.rule_events as own
    inner join price_alerts.rules on rules.rule_id = own.rule_id
    where own.first_hour is not null and not rules.paused
        and (own.reference_hour is null or own.reference_hour < %(hour)s)
    limit %(most)s""".replace(":rule_columns", RULE_COLUMNS)

_TOLD: LiteralString = """
    select told.occasion_id, events.event_key, told.tick, told.listing_id, told.price
    from price_alerts.occasions as told
    inner join price_alerts.rules on rules.rule_id = told.rule_id and rules.tell_withdrawn
    inner join market.events on events.id = told.event_id
    where told.outcome = 'tell' and told.tick > %(now)s - %(within)s::interval
        and (events.date is null or events.date > %(now)s)
        and not exists (
            select from price_alerts.occasions as withdrawn where withdrawn.about_occasion = told.occasion_id)"""

_WITHDRAW: LiteralString = """
    with withdrawn as (
        insert into price_alerts.occasions (
            rule_id, tenant_id, event_id, occasion, outcome, tick, listing_id, zone, section, seat_row, quantity, price,
            all_in_price, about_occasion)
        select rule_id, tenant_id, event_id, 'withdrawn:' || occasion_id, 'withdrawn', tick, listing_id, zone, section,
            seat_row, quantity, price, all_in_price, occasion_id
        from price_alerts.occasions where occasion_id = any(%(occasions)s)
        on conflict (rule_id, occasion) do nothing
        returning occasion_id, about_occasion
    )
    insert into price_alerts.deliveries (occasion_id, destination_id)
    select withdrawn.occasion_id, sent.destination_id
    from withdrawn
    inner join price_alerts.deliveries as sent on sent.occasion_id = withdrawn.about_occasion
    where sent.delivered_at is not null"""


def fill_price_hours(connection: Connection, now: datetime, *, for_at_most: timedelta) -> int:
    """Give new rules on history the prices before they were made. Returns for how many rules and events."""
    until, filled = time.monotonic() + for_at_most.total_seconds(), 0
    while time.monotonic() < until:
        row = connection.execute(_WITHOUT_PRICES).fetchone()
        if row is None:
            break
        event_key, *columns = row
        rule, sights = rule_from_row(columns), EventSights(connection, [event_key])
        first = hour_of(now - (needs_history(rule) or timedelta()) - timedelta(hours=2))
        # one capture at a time: a month of them does not fit into memory
        captures = sights_of(states_between(connection, event_key, first, now), sights.terms, sights.zone_of, first)
        (found,) = preview(rule, [Past(sights.places(event_key), captures)], now)
        hours = found.hours or PriceHours(hour_of(now), [])
        _store_hours(connection, rule.rule_id, event_key, hours)
        filled += 1
    return filled


def _store_hours(connection: Connection, rule_id: UUID, event_key: int, hours: PriceHours) -> None:
    connection.execute(
        """insert into price_alerts.rule_events (rule_id, event_key, first_hour, lowest_cents)
           select rule_id, %s, %s, %s::integer[] from price_alerts.rules where rule_id = %s
           on conflict (rule_id, event_key) do update set first_hour = excluded.first_hour,
               lowest_cents = excluded.lowest_cents, reference_hour = null""",
        [event_key, hours.first, list(hours.lowest_cents), rule_id],
    )


def refresh_references(connection: Connection, now: datetime, *, most: int = 1_000) -> int:
    """Compute what rules on history compare with in the coming hour. Returns for how many rules and events.

    In the last minutes of an hour this is for the next one, so that no tick has to.
    """
    hour = hour_of(now + PREPARED_BEFORE)
    rows = connection.execute(_REFERENCES, {"hour": hour, "most": most}).fetchall()
    known = []
    for event_key, first_hour, lowest_cents, *columns in rows:
        rule = rule_from_row(columns)
        hours = PriceHours(first_hour, lowest_cents or [])
        reference = reference_of(rule, hours.before(hour), hour)
        limit = limit_of(rule, reference)
        known.append((reference, limit[0] if limit else None, hour, rule.rule_id, event_key))
    with connection.cursor() as cursor:
        cursor.executemany(
            """update price_alerts.rule_events
               set reference_cents = %s, limit_cents = %s, reference_hour = %s where rule_id = %s and event_key = %s""",
            known,
        )
    # what is older than any rule looks goes
    connection.execute(
        """update price_alerts.rule_events
           set first_hour = first_hour + (cardinality(lowest_cents) - %(kept)s) * interval '1 hour',
               lowest_cents = lowest_cents[cardinality(lowest_cents) - %(kept)s + 1 :]
           where cardinality(lowest_cents) > %(kept)s + 24""",
        {"kept": KEPT_HOURS},
    )
    return len(known)


def withdraw_corrected(connection: Connection, now: datetime) -> int:
    """Note which prices that were told are no longer what the capture showed: it was voided, or read again otherwise.

    Only for rules that want to be told so. Returns how many.
    """
    corrected = []
    for occasion_id, event_key, tick, listing_id, price in connection.execute(
        _TOLD, {"now": now, "within": CORRECTED_WITHIN}
    ).fetchall():
        seen = observation_at(connection, event_key, tick)
        stands = seen is not None and (
            listing_id is None
            or any(offer[0] == listing_id and cents <= price * 100 for offer, (cents, *_) in seen.offers.items())
        )
        if not stands:
            corrected.append(occasion_id)
    if corrected:
        connection.execute(_WITHDRAW, {"occasions": corrected})
    return len(corrected)
