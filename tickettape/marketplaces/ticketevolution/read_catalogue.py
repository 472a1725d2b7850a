"""Read Ticket Evolution's events: bytes in, `MarketplaceEvent` out. Pure."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tickettape.marketplaces.passes import is_pass
from tickettape.marketplaces.protocol import DateStatus, MarketplaceEvent, Missing, Refused
from tickettape.marketplaces.reading import decode_answer, read_page_entries, refuse
from tickettape.marketplaces.ticketevolution.wire_format import (
    EVENT,
    EVENT_ID,
    MODULE,
    PAGE,
    WireEvent,
    WirePage,
    WireVenue,
)

SHOWN, POSTPONED, CANCELED = "shown", "postponed", "canceled"
_TIME_TBD = re.compile(r"\btime\s+tb[da]\b", re.IGNORECASE)
_TBD = re.compile(r"\btb[da]\b", re.IGNORECASE)


def read_event(body: bytes, event_id: str) -> MarketplaceEvent:
    """Read an answer of `/events/{id}`. Raises Missing for a cancelled event, and Refused."""
    what = f"The details of event {event_id}"
    event = decode_answer(EVENT, body, what, MODULE)
    if str(event.id) != event_id:
        refuse(f"{what} were requested, but those of event {event.id} came")
    if is_hidden(event):
        raise Missing(f"Event {event.id} ({event.name}) is cancelled, or is a parking pass: there is nothing to watch.")
    return event_of(event)


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of `/events`; `what` names it in errors. Raises Refused."""
    return decode_answer(PAGE, body, what, MODULE)


def read_entries_of(page: WirePage, what: str) -> tuple[list[WireEvent], list[Refused]]:
    """The events of a page, and a Refused for each that cannot be read. Raises Refused if most cannot be read."""
    return read_page_entries(EVENT, page.events, what, lambda raw: f"Event {EVENT_ID.decode(raw).id}")


def is_hidden(event: WireEvent) -> bool:
    """Whether there is nothing to watch: it is cancelled, or a pass for parking."""
    return event.state == CANCELED or is_pass(event.name, event.venue.name if event.venue else None)


def event_of(event: WireEvent) -> MarketplaceEvent:
    """An event of the catalogue. Raises Refused for a state or a date that cannot be read."""
    if event.state not in (SHOWN, POSTPONED):
        refuse(f"Event {event.id} ({event.name}) has the state {event.state[:40]!r}, which is not known")
    date, date_status = _date(event)
    venue = event.venue or WireVenue()
    city, state = _place(venue)
    performances = event.performances or []
    performer = next((one.performer for one in performances if one.primary), None)
    return MarketplaceEvent(
        external_id=str(event.id),
        name=event.name,
        venue=venue.name or None,
        city=city,
        state=state,
        country=(venue.address.country_code if venue.address else None) or None,
        venue_time_zone=venue.time_zone or None,
        date=date,
        category=(event.category.name if event.category else None) or None,
        performer_id=str(performer.id) if performer else None,
        performer_name=(performer.name or None) if performer else None,
        image_url=None,
        date_status=date_status,
        venue_id=None if venue.id is None else str(venue.id),
        latitude=venue.address.latitude if venue.address else None,
        longitude=venue.address.longitude if venue.address else None,
    )


def _date(event: WireEvent) -> tuple[datetime | None, DateStatus]:
    if event.state == POSTPONED:
        return None, "postponed"
    if _TBD.search(_TIME_TBD.sub("", event.name)):
        return None, "date_tbd"
    local = _local_time(event)
    try:
        date = local.astimezone(UTC)
    except OverflowError:  # the first or the last possible day is a placeholder
        return None, "date_tbd"
    # Midnight stands for an unknown time. A show that truly begins then is taken for one of unknown time too.
    unknown = _TIME_TBD.search(event.name) or (local.hour, local.minute, local.second) == (0, 0, 0)
    return date, "time_tbd" if unknown else "known"


def _local_time(event: WireEvent) -> datetime:
    """When it begins, by the clock of its venue, with the offset. `occurs_at` is local too: its Z is wrong."""
    zone = _zone(event.venue.time_zone if event.venue else None)
    name = f"Event {event.id} ({event.name})"
    if event.occurs_at_local:
        local = _parsed(event.occurs_at_local, name)
        if local.tzinfo is None:
            refuse(f"{name} begins at {event.occurs_at_local!r}, which has no offset")
        if zone is not None and local.year > 1 and local.replace(tzinfo=zone).utcoffset() != local.utcoffset():
            refuse(f"{name} begins at {event.occurs_at_local!r}, which is not the time of {zone.key}")
        return local
    if not event.occurs_at or zone is None:
        refuse(f"{name} has no local date, and no time zone for its other date")
    return _parsed(event.occurs_at, name).replace(tzinfo=zone)


def _parsed(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        refuse(f"{name} has the date {text[:40]!r}, which is not a date")


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def _place(venue: WireVenue) -> tuple[str | None, str | None]:
    if venue.address is not None:
        return venue.address.locality or None, venue.address.region or None
    city, comma, state = (venue.location or "").partition(", ")
    return (city, state) if comma and city and len(state) == 2 else (None, None)
