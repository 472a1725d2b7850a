"""Read Gametime's events: bytes in, `MarketplaceEvent` out. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tickettape.marketplaces.gametime.wire_format import (
    ENTRY,
    ENTRY_ID,
    MODULE,
    PAGE,
    WireEntry,
    WireEvent,
    WirePage,
)
from tickettape.marketplaces.one_by_one import UNREADABLE
from tickettape.marketplaces.passes import is_pass
from tickettape.marketplaces.protocol import DateStatus, MarketplaceEvent, Missing, Refused
from tickettape.marketplaces.reading import decode_answer, read_page_entries, refuse


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of `/v1/events`; `what` names it in errors. Raises Refused."""
    return decode_answer(PAGE, body, what, MODULE)


def read_event(body: bytes, event_id: str) -> MarketplaceEvent:
    """Read an answer of `/v1/events?id=`. Raises Missing if the event is not in it, and Refused."""
    return event_of(entry_of(read_page(body, f"Event {event_id}"), event_id))


def entry_of(page: WirePage, event_id: str) -> WireEntry:
    """The entry with this id, because its neighbours may be in the answer too. Raises Missing, and Refused."""
    for raw in page.events:
        try:
            known = ENTRY_ID.decode(raw).event.id
        except UNREADABLE:
            continue
        if known == event_id:
            return decode_answer(ENTRY, bytes(memoryview(raw)), f"Event {event_id}", MODULE)
    raise Missing(f"Event {event_id} is not among the events of its own answer: the marketplace does not know it.")


def read_entries_of(page: WirePage, what: str) -> tuple[list[WireEntry], list[Refused]]:
    """The entries of a page, and a Refused for each that cannot be read. Raises Refused if most cannot be read."""
    return read_page_entries(ENTRY, page.events, what, lambda raw: f"Event {ENTRY_ID.decode(raw).event.id}")


def is_parking(entry: WireEntry) -> bool:
    """Whether the entry is a pass. None was ever seen: parking comes as rows of an event."""
    return is_pass(entry.event.name, entry.venue.name)


def event_of(entry: WireEntry) -> MarketplaceEvent:
    """An event of the catalogue. Raises Refused for a date that cannot be read, or contradicts itself."""
    event, venue = entry.event, entry.venue
    date, date_status = _date(event, venue.timezone)
    primary = next((one.id for one in event.performers or [] if one.primary), None)
    performer = next((one for one in entry.performers or [] if one.id == primary), None)
    return MarketplaceEvent(
        external_id=event.id,
        name=event.name.strip(),
        venue=venue.name or None,
        city=venue.city or None,
        state=venue.state or None,
        country=None,  # not stated
        venue_time_zone=venue.timezone,
        date=date,
        category=event.category or None,
        performer_id=performer.id if performer else None,
        performer_name=(performer.name or None) if performer else None,
        image_url=(performer.hero_image_url or None) if performer else None,
        date_status=date_status,
        page_url=event.seo_url if isinstance(event.seo_url, str) else None,
        venue_id=venue.id or None,
        latitude=venue.location.lat if venue.location else None,
        longitude=venue.location.lon if venue.location else None,
    )


def _date(event: WireEvent, zone: str) -> tuple[datetime | None, DateStatus]:
    if event.tbd or event.date_tbd:
        return None, "date_tbd"  # 03:30 stands in both times
    try:
        utc = datetime.fromisoformat(event.datetime_utc).replace(tzinfo=UTC)
        local = datetime.fromisoformat(event.datetime_local)
        clock = utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError, KeyError) as error:
        refuse(f"Event {event.id} ({event.name.strip()}) has dates or a time zone that cannot be read ({error})")
    if clock != local:
        refuse(f"Event {event.id} ({event.name.strip()}) begins at {local} local time, which is not {utc} in {zone}")
    return utc, "time_tbd" if event.time_tbd else "known"
