"""Read Vivid Seats productions: bytes in, `MarketplaceEvent` out. Pure."""

import re
from datetime import UTC, datetime

from tickettape.marketplaces.passes import is_pass
from tickettape.marketplaces.protocol import DateStatus, MarketplaceEvent, Refused
from tickettape.marketplaces.reading import decode_answer, read_page_entries, refuse
from tickettape.marketplaces.vividseats.wire_format import (
    MODULE,
    PAGE,
    PRODUCTION,
    PRODUCTION_ID,
    WirePage,
    WirePerformer,
    WireProduction,
    WireVenue,
)

_POSTPONED = re.compile(r"^postponed\b\s*[:–—|(-]|[:–—|(\[-]\s*postponed\b|^\W*postponed\W*$", re.IGNORECASE)
_UNDATED = re.compile(r"\b(?:date|day)\s+(?:tbd|tba|to be (?:determined|announced))\b", re.IGNORECASE)


def read_production(body: bytes, production_id: str) -> MarketplaceEvent:
    """Read an answer of `/productions/{id}/details`. Raises Refused, also for a pass for parking."""
    what = f"The details of production {production_id}"
    item = decode_answer(PRODUCTION, body, what, MODULE)
    if str(item.id) != production_id:
        refuse(f"{what} were asked for, and those of production {item.id} came")
    if is_parking(item):
        refuse(f"Production {item.id} ({item.name}) is a pass for parking or a shuttle: it has no seats")
    return event_of(item)


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of `/productions`; `what` names it in errors. Raises Refused."""
    return decode_answer(PAGE, body, what, MODULE)


def read_items(page: WirePage, what: str) -> tuple[list[WireProduction], list[Refused]]:
    """The items of a page, and a Refused for each that cannot be read. Raises Refused if most cannot be read."""
    return read_page_entries(PRODUCTION, page.items, what, lambda raw: f"Production {PRODUCTION_ID.decode(raw).id}")


def event_of(item: WireProduction) -> MarketplaceEvent:
    """Turn an item of `/productions` into an event. Raises Refused for a date that cannot be read.

    Its `page_url` is a path, as Vivid Seats states it.
    """
    date, date_status = _date(item)
    venue = item.venue or WireVenue()
    performers = item.performers or []
    performer = next((one for one in performers if one.master), performers[0] if performers else None)
    return MarketplaceEvent(
        external_id=str(item.id),
        name=item.name,
        venue=venue.name or None,
        city=venue.city or None,
        state=venue.state or None,
        country=venue.countryCode or None,
        venue_time_zone=venue.timezone or None,
        date=date,
        category=next(filter(None, map(_category, [performer, *performers])), None) if performer else None,
        performer_id=str(performer.id) if performer else None,
        performer_name=(performer.name or None) if performer else None,
        image_url=None,
        date_status=date_status,
        venue_id=None if venue.id is None else str(venue.id),
        page_url=item.webPath,
    )


def is_parking(item: WireProduction) -> bool:
    """Whether the production is a pass. Its name is checked too, because `excludeParking` may be ignored."""
    return is_pass(item.name, item.venue.name if item.venue else None)


def _date(item: WireProduction) -> tuple[datetime | None, DateStatus]:
    if _POSTPONED.search(item.name):
        return None, "postponed"
    text = item.utcDate or (item.localDate or "").partition("[")[0]
    if item.dateTbd or not text or _UNDATED.search(item.name):
        return None, "date_tbd"
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"Production {item.id} ({item.name}) has the date {text[:40]!r}, which is none")
    try:
        date = (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # the first or the last possible day is a placeholder
        return None, "date_tbd"
    return date, "time_tbd" if item.timeTbd else "known"


def _category(performer: WirePerformer | None) -> str | None:
    if performer is None or performer.category is None:
        return None
    names = [sub.name for sub in performer.category.subCategories or []]
    return next(filter(None, [*names, performer.category.name]), None)
