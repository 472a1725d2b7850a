"""What a preview reads: the events that a rule is about, with their captures of the last days.

A rule may be about a thousand events, and a capture takes a thousandth of a second. So of events with many captures
only the first are tried: those that are watched before those that are not, and the next ones before later ones.

The statements are a tenant's: row-level security leaves out what it may not see. A command runs as
the database's owner, so its statement chooses the tenant's events itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from tickettape.database import Connection
from tickettape.listing_history import STATES_QUERY, states_of
from tickettape.price_alerts.decisions import Occasion, needs_history
from tickettape.price_alerts.event_sights import OfferTerms
from tickettape.price_alerts.preview import Past, preview, sights_of
from tickettape.price_alerts.rule_form import RuleForm
from tickettape.price_alerts.rules import Place

PREVIEW_OVER = timedelta(days=30)
MOST_CAPTURES = 9_000
"""Of all events that are tried. One event has 8,640 in the 60 days that the longest preview reads."""

MOST_EVENTS = 50  # whose captures are counted

_PAST_EVENTS: LiteralString = """
    with matching as materialized (
        select events.event_key, events.id, events.name, events.currency, count(*) over () as events,
            row_number() over (order by events.active desc, events.date, events.event_key) as place
        from {events} as events
        where %(event_id)s::uuid = events.id or (
            (events.active or events.last_scraped >= %(first)s::timestamptz) and price_alerts.is_about(
                %(scope)s, %(about)s, events.performer_id, events.performer_name, events.venue, events.name))
    ),
    counted as (
        select matching.*, sum(captures.captures) over (order by matching.place) as captures_so_far
        from matching
        cross join lateral (
            select count(*) as captures
            from market.captures
            where captures.event_key = matching.event_key and captures.status in ('ok', 'empty')
                and captures.tick >= %(begin)s::timestamptz and captures.tick <= %(last)s::timestamptz
        ) as captures
        where matching.place <= %(most_events)s
    )
    select event_key, id, name, currency, events from counted
    where place = 1 or captures_so_far <= %(most_captures)s
    order by place"""

PAST_EVENTS_QUERY: LiteralString = _PAST_EVENTS.format(events="market.events")
"""The rows of `PastEvent`. The first event is always among them."""

_OF_TENANT: LiteralString = _PAST_EVENTS.format(
    events="""(
            select events.* from market.events
            inner join access.tenants on tenants.tenant_id = %(tenant_id)s
            where tenants.sees_all or exists (
                select from access.tenant_events as watched
                where watched.tenant_id = tenants.tenant_id and watched.event_id = events.id)
        )"""
)

PLACES_QUERY: LiteralString = """
    select sections.event_key, sections.section_key, sections.zone_key, zones.name, sections.name
    from market.sections
    inner join market.zones on zones.event_key = sections.event_key and zones.zone_key = sections.zone_key
    where sections.event_key = any(%(event_keys)s)"""

TERMS_QUERY: LiteralString = "select offer_terms_key, quantity, buyable from market.offer_terms"


class PastEvent(NamedTuple):
    """An event that a rule is tried on. `events`: how many the rule is about."""

    event_key: int
    event_id: UUID
    name: str
    currency: str | None
    events: int


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a rule would have told of some events, the oldest first; `left_out`: how many listings as mistakes."""

    captures: int
    stated: bool
    told: list[tuple[PastEvent, Occasion, Place | None]]
    left_out: int


def preview_values(form: RuleForm, now: datetime) -> dict[str, Any]:
    """The values of PAST_EVENTS_QUERY: `begin` is that of what is read, `first` that of what is told."""
    first = now - PREVIEW_OVER
    return {
        "event_id": form.event_id,
        "scope": form.scope,
        "about": form.about,
        "begin": first - (needs_history(form.rule()) or timedelta()),
        "first": first,
        "last": now,
        "most_events": MOST_EVENTS,
        "most_captures": MOST_CAPTURES,
    }


def history_values(values: Mapping[str, Any], event: PastEvent) -> dict[str, Any]:
    """The values of STATES_QUERY for an event. `values`: those of `preview_values`."""
    return {"event_id": event.event_id, "first": values["begin"], "last": values["last"]}


def preview_events(
    form: RuleForm,
    values: Mapping[str, Any],
    events: Sequence[PastEvent],
    places: Sequence[Sequence[Any]],
    terms: Sequence[Sequence[Any]],
    changes: Sequence[Sequence[Sequence[Any]]],
) -> Previewed:
    """Try a rule on events. `places` and `terms`: rows of PLACES_QUERY and TERMS_QUERY; `changes`: those of
    STATES_QUERY, event by event."""
    offer_terms: OfferTerms = {key: (quantity, tuple(buyable)) for key, quantity, buyable in terms}
    names: dict[int, dict[int, Place]] = {one.event_key: {} for one in events}
    zone_of: dict[int, int] = {}
    for event_key, section_key, zone_key, zone, section in places:
        names[event_key][section_key] = Place(zone, section)
        zone_of[section_key] = zone_key
    pasts = [
        Past(names[one.event_key], sights_of(states_of(rows), offer_terms, zone_of.__getitem__, values["begin"]))
        for one, rows in zip(events, changes, strict=True)
    ]
    found = preview(form.rule(), pasts, values["first"])
    told = [
        (event, one, names[event.event_key][one.listing.section_key] if one.listing else None)
        for event, of_event in zip(events, found, strict=True)
        for one in of_event.told()
    ]
    return Previewed(
        sum(one.captures for one in found),
        any(one.stated for one in found),
        sorted(told, key=lambda one: one[1].tick),
        sum(len(one.left_out) for one in found),
    )


def preview_of_tenant(
    connection: Connection, tenant_id: UUID, form: RuleForm, now: datetime
) -> tuple[list[PastEvent], Previewed]:
    """Try a rule on the events that a tenant may see: which ones were tried, and what it would have told."""
    values = preview_values(form, now)
    rows = connection.execute(_OF_TENANT, values | {"tenant_id": tenant_id}).fetchall()
    events = [PastEvent(*row) for row in rows]
    places = connection.execute(PLACES_QUERY, {"event_keys": [one.event_key for one in events]}).fetchall()
    terms = connection.execute(TERMS_QUERY).fetchall()
    changes = [connection.execute(STATES_QUERY, history_values(values, one)).fetchall() for one in events]
    return events, preview_events(form, values, events, places, terms, changes)
