"""Read Ticketmaster's events: bytes in, `MarketplaceEvent` out. Pure."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from tickettape.marketplaces.passes import is_pass
from tickettape.marketplaces.prices import price_cents
from tickettape.marketplaces.protocol import DateStatus, MarketplaceEvent, Refused, SalesState, StatedPriceRange
from tickettape.marketplaces.reading import decode_answer, read_page_entries, refuse
from tickettape.marketplaces.ticketmaster.wire_format import (
    EVENT,
    EVENT_ID,
    MODULE,
    PAGE,
    WireDates,
    WireEvent,
    WireImage,
    WirePage,
    WirePriceRange,
    WireVenue,
)

STATES: dict[str, SalesState] = {
    "onsale": "onsale",
    "offsale": "offsale",  # not for sale now; not cancelled
    "cancelled": "cancelled",  # what answers say
    "canceled": "cancelled",  # what the documentation says
    "postponed": "postponed",
    "rescheduled": "rescheduled",
}
FILLERS = {"Undefined", "Other", "Miscellaneous", ""}
NOON = time(12)  # of the right day, where the time is not known
FIRST_SALE_YEAR = 1970  # an earlier start of sale means that it is not known
_CURRENCY = re.compile("[A-Z]{3}")


def read_event(body: bytes, event_id: str) -> MarketplaceEvent:
    """Read an answer of `events/{id}`. Raises Refused, also for a test and for a pass for parking."""
    what = f"The details of event {event_id}"
    event = decode_answer(EVENT, body, what, MODULE)
    if event.id != event_id:
        refuse(f"{what} were requested, but those of event {event.id} came")
    if is_hidden(event):
        refuse(f"Event {event.id} ({event.name}) is a test event or a parking pass: it has no seats")
    return event_of(event)


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of a search; `what` names it in errors. Raises Refused, also if its events are missing."""
    page = decode_answer(PAGE, body, what, MODULE)
    if page.embedded is None and page.page.totalElements and page.page.number < page.page.totalPages:
        refuse(f"{what} state {page.page.totalElements} events but have none")
    return page


def read_entries_of(page: WirePage, what: str) -> tuple[list[WireEvent], list[Refused]]:
    """The events of a page, and a Refused for each that cannot be read. Raises Refused if most cannot be read."""
    raw = page.embedded.events if page.embedded else []
    return read_page_entries(EVENT, raw, what, lambda one: f"Event {EVENT_ID.decode(one).id}")


def is_hidden(event: WireEvent) -> bool:
    """Whether the entry is a test, or a pass for parking."""
    kinds = {named.name for one in event.classifications or [] for named in (one.type, one.subType) if named}
    return event.test or "Parking" in kinds or is_pass(event.name, _venue(event).name)


def event_of(event: WireEvent) -> MarketplaceEvent:
    """An event of the catalogue. Raises Refused for a state or a date that cannot be read."""
    state = STATES.get(event.dates.status.code)
    if state is None:
        refuse(f"Event {event.id} ({event.name}) has the state {event.dates.status.code[:40]!r}, which is not known")
    venue = _venue(event)
    zone = venue.timezone or event.dates.timezone or None
    date, date_status = _date(event, state, zone)
    attraction = next(iter((event.embedded and event.embedded.attractions) or []), None)
    sale = event.sales.public if event.sales else None
    return MarketplaceEvent(
        external_id=event.id,
        name=event.name,
        venue=_text(venue.name),
        city=_text(venue.city.name if venue.city else None),
        state=_text(venue.state.stateCode if venue.state else None),
        country=_text(venue.country.countryCode if venue.country else None),
        venue_time_zone=zone,
        date=date,
        category=_category(event),
        performer_id=attraction.id if attraction else None,
        performer_name=_text(attraction.name) if attraction else None,
        image_url=_image(event.images or []),
        date_status=date_status,
        venue_id=venue.id,
        latitude=_degrees(venue.location.latitude if venue.location else None, 90),
        longitude=_degrees(venue.location.longitude if venue.location else None, 180),
        sales_state=state,
        on_sale_at=_instant_of_sale(sale.startDateTime if sale else None),
        off_sale_at=_instant_of_sale(sale.endDateTime if sale else None),
        price_range=_price_range(event.priceRanges or []),
        page_url=event.url,
    )


def _venue(event: WireEvent) -> WireVenue:
    venues = (event.embedded and event.embedded.venues) or []
    return venues[0] if venues else event.place or WireVenue()


def _date(event: WireEvent, state: SalesState, zone: str | None) -> tuple[datetime | None, DateStatus]:
    start = event.dates.start
    if start.dateTBD or start.dateTBA or not start.localDate:
        return None, "postponed" if state == "postponed" else "date_tbd"
    if start.timeTBA or start.noSpecificTime or not start.localTime:
        return _noon(event.dates, zone)
    name = f"Event {event.id} ({event.name})"
    try:
        date = datetime.fromisoformat(start.dateTime or "")
        local = datetime.fromisoformat(f"{start.localDate}T{start.localTime}")
        clock = date.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if zone else local
    except (ValueError, OverflowError, OSError, KeyError) as error:
        refuse(f"{name} has a date or a time zone that cannot be read ({error})")
    if date.tzinfo is None or clock != local:
        refuse(f"{name} begins at {local} local time, which is not {start.dateTime} in {zone}")
    return date.astimezone(UTC), "known"


def _noon(dates: WireDates, zone: str | None) -> tuple[datetime | None, DateStatus]:
    """Noon of the day at the venue: only the day of it is right."""
    try:
        day = datetime.fromisoformat(f"{dates.start.localDate}T{NOON}")
        return day.replace(tzinfo=ZoneInfo(zone or "")).astimezone(UTC), "time_tbd"
    except (ValueError, OverflowError, OSError, KeyError):
        return None, "date_tbd"


def _price_range(ranges: list[WirePriceRange]) -> StatedPriceRange | None:
    """The standard price range, if there is exactly one and it makes sense. Whether fees are in it is not stated."""
    standard = [one for one in ranges if one.type in (None, "standard")]
    if len(standard) != 1:
        return None
    (only,) = standard
    try:
        lowest, highest = _cents(only.min), _cents(only.max)
    except ValueError:
        return None
    if (lowest is None and highest is None) or (lowest and highest and lowest > highest):
        return None
    return StatedPriceRange("primary", "unknown", only.currency, lowest, highest) if _is_currency(only) else None


def _cents(raw: msgspec.Raw) -> int | None:
    text = bytes(memoryview(raw)).decode()
    return None if text in ("null", "0", "0.0", "0.00") else price_cents(text)


def _is_currency(one: WirePriceRange) -> bool:
    return _CURRENCY.fullmatch(one.currency) is not None


def _category(event: WireEvent) -> str | None:
    primary = next((one for one in event.classifications or [] if one.primary), None)
    name = (primary.segment.name if primary and primary.segment else None) or ""
    return None if name in FILLERS else name


def _image(images: list[WireImage]) -> str | None:
    wide = [one for one in images if one.ratio == "16_9" and not one.fallback]
    return max(wide, key=lambda one: one.width).url if wide else None


def _instant_of_sale(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo and at.year >= FIRST_SALE_YEAR else None


def _degrees(text: str | None, most: int) -> float | None:
    try:
        degrees = float(text or "")
    except ValueError:
        return None
    return degrees if -most <= degrees <= most and degrees else None  # 0 is what is not known


def _text(text: str | None) -> str | None:
    return (text or "").strip() or None
