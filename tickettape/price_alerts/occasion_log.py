"""Occasions as they are stored: each once, with what its rule remembers, in the transaction that decides."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from tickettape.database import Connection
from tickettape.price_alerts.decisions import Decision, LeftOut, Occasion, State
from tickettape.price_alerts.event_sights import EventSights
from tickettape.price_alerts.price_hours import hour_of
from tickettape.price_alerts.rules import Rule
from tickettape.price_alerts.sights import Listing

_states = msgspec.json.Decoder(State)

_DECIDE = """
    with decided as (
        insert into price_alerts.occasions (
            rule_id, tenant_id, event_id, occasion, outcome, tick, listing_id, zone, section, seat_row, quantity, price,
            all_in_price, compared_with, tickets_left)
        select rule_id, tenant_id, event_id, occasion, outcome, tick, listing_id, zone, section, seat_row, quantity,
            price_cents / 100.0, all_in_price_cents / 100.0, compared_with_cents / 100.0, tickets_left
        from jsonb_to_recordset(%s::jsonb) as rows (
            rule_id uuid, tenant_id uuid, event_id uuid, occasion text, outcome text, tick timestamptz, listing_id text,
            zone text, section text, seat_row text, quantity integer, price_cents integer, all_in_price_cents integer,
            compared_with_cents integer, tickets_left integer)
        where exists (select from price_alerts.rules where rules.rule_id = rows.rule_id)
        on conflict (rule_id, occasion) do nothing
        returning occasion_id, rule_id, outcome
    ),
    told as (
        insert into price_alerts.deliveries (occasion_id, destination_id)
        select decided.occasion_id, rules.destination_id
        from decided
        inner join price_alerts.rules on rules.rule_id = decided.rule_id
        inner join price_alerts.destinations on destinations.destination_id = rules.destination_id
        where decided.outcome = 'tell' and destinations.verified_at is not null
    )
    select outcome, count(*) from decided group by outcome"""

_REMEMBER = """
    insert into price_alerts.rule_events as own (rule_id, event_key, state, holder_id, holder_number)
    select rows.rule_id, rows.event_key, rows.state, rows.holder_id, rows.holder_number
    from jsonb_to_recordset(%s::jsonb) as rows (
        rule_id uuid, event_key integer, state jsonb, holder_id text, holder_number integer)
    where exists (select from price_alerts.rules where rules.rule_id = rows.rule_id)
    on conflict (rule_id, event_key) do update set state = excluded.state, holder_id = excluded.holder_id,
        holder_number = excluded.holder_number"""

# where a rule's past prices are not known yet, nothing is kept: `fill_price_hours` reads them all
_PRICE = """
    update price_alerts.rule_events as own
    set lowest_cents = price_alerts.with_price(own.first_hour, own.lowest_cents, rows.hour, rows.cents),
        priced_hour = rows.hour
    from jsonb_to_recordset(%s::jsonb) as rows (rule_id uuid, event_key integer, hour timestamptz, cents integer)
    where own.rule_id = rows.rule_id and own.event_key = rows.event_key and own.first_hour is not null"""


def load_state(stored: str | None) -> State:
    """A state as price_alerts.rule_events has it; None: the rule has seen nothing yet."""
    return _states.decode(stored) if stored else State()


def dump_state(state: State) -> Any:
    """A state as `load_state` reads it."""
    return msgspec.to_builtins(state)


def occasion_key(rule: Rule, event_key: int, occasion: Occasion) -> str:
    """What makes an occasion one: a rule tells once of an event at a tick, and notes once a day what not."""
    if occasion.outcome in ("tell", "capped"):
        return f"{event_key}:{occasion.tick.astimezone(UTC):%Y-%m-%dT%H:%M}"
    day = occasion.tick.astimezone(ZoneInfo(rule.time_zone)).date()
    return f"{occasion.outcome}:{event_key}:{occasion.listing.listing_id if occasion.listing else ''}:{day}"


class OccasionRows:
    """What an evaluation decided, on its way into the database."""

    def __init__(self, sights: EventSights) -> None:
        self._sights = sights
        self._occasions: list[dict[str, Any]] = []
        self._remembered: dict[tuple[UUID, int], dict[str, Any]] = {}
        self._prices: list[dict[str, Any]] = []

    def add(
        self, rule: Rule, tenant_id: UUID, event_key: int, event_id: UUID, tick: datetime, decision: Decision
    ) -> None:
        """Take what a rule decided at a capture of an event."""
        about = {"rule_id": rule.rule_id, "tenant_id": tenant_id, "event_id": event_id}
        occasion = decision.occasion
        if occasion:
            self._occasions.append(
                about
                | self._seats(event_key, occasion.listing)
                | {
                    "occasion": occasion_key(rule, event_key, occasion),
                    "outcome": occasion.outcome,
                    "tick": occasion.tick,
                    "compared_with_cents": occasion.reference_cents,
                    "tickets_left": occasion.tickets,
                }
            )
        self._occasions += [about | self._left_out(event_key, tick, one) for one in decision.left_out]

    def remember(self, rule: Rule, event_key: int, state: State, holder: Listing | None) -> None:
        """Take what a rule remembers of an event from now on."""
        self._remembered[rule.rule_id, event_key] = {
            "rule_id": rule.rule_id,
            "event_key": event_key,
            "state": dump_state(state),
            "holder_id": holder.listing_id if holder else None,
            "holder_number": holder.number if holder else None,
        }

    def price(self, rule: Rule, event_key: int, tick: datetime, cents: int) -> None:
        """Take the lowest price that counted for a rule at a capture."""
        self._prices.append({"rule_id": rule.rule_id, "event_key": event_key, "hour": hour_of(tick), "cents": cents})

    def write(self, connection: Connection) -> Counter[str]:
        """Write what was taken. Returns how many occasions are new, by outcome."""
        outcomes: Counter[str] = Counter()
        if self._occasions:
            outcomes.update(dict(connection.execute(_DECIDE, [_json(self._occasions)]).fetchall()))
        if self._remembered:
            connection.execute(_REMEMBER, [_json(list(self._remembered.values()))])
        if self._prices:
            connection.execute(_PRICE, [_json(self._prices)])
        return outcomes

    def _left_out(self, event_key: int, tick: datetime, one: LeftOut) -> dict[str, Any]:
        return self._seats(event_key, one.listing) | {
            "occasion": f"left_out:{event_key}:{one.listing.listing_id}",
            "outcome": "left_out",
            "tick": tick,
            "compared_with_cents": one.next_cents,
        }

    def _seats(self, event_key: int, listing: Listing | None) -> dict[str, Any]:
        if listing is None:
            return {}
        place = self._sights.place(event_key, listing.section_key)
        return {
            "listing_id": listing.listing_id,
            "zone": place.zone,
            "section": place.section,
            "seat_row": listing.row,
            "quantity": listing.quantity,
            "price_cents": listing.price_cents,
            "all_in_price_cents": listing.all_in_cents or None,
        }


def _json(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
