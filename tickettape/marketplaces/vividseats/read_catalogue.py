"""Read Vivid Seats productions: bytes in, `MarketplaceEvent` out. Pure."""

from datetime import UTC, datetime

from tickettape.marketplaces.protocol import MarketplaceEvent, NoDate
from tickettape.marketplaces.vividseats.wire_format import (
    PAGE,
    PRODUCTION,
    WirePage,
    WirePerformer,
    WireProduction,
    WireVenue,
    decode,
    refuse,
)


def read_production(body: bytes, production_id: str) -> MarketplaceEvent:
    """Read an answer of `/productions/{id}/details`. Raises Refused or NoDate."""
    what = f"The details of production {production_id}"
    item = decode(PRODUCTION, body, what)
    if str(item.id) != production_id:
        refuse(f"{what} were requested, but those of production {item.id} came")
    return event_of(item)


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of `/productions`; `what` names it in errors. Raises Refused."""
    return decode(PAGE, body, what)


def event_of(item: WireProduction) -> MarketplaceEvent:
    """Turn an item of `/productions` into a Production. Raises NoDate, and Refused for a broken date.

    A time to be determined is acceptable: the date is what decides when to look.
    """
    if item.dateTbd or not item.utcDate:
        raise NoDate(
            f"Production {item.id} ({item.name}) has no date yet, so it cannot be tracked. Track it again when the "
            "marketplace has set its date."
        )
    try:
        date = datetime.fromisoformat(item.utcDate)
    except ValueError:
        refuse(f"Production {item.id} ({item.name}) has the date {item.utcDate!r}, which is not valid")
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
        date=(date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC),
        category=next(filter(None, map(_category, [performer, *performers])), None) if performer else None,
        performer_id=str(performer.id) if performer else None,
        performer_name=(performer.name or None) if performer else None,
        image_url=None,
    )


def is_parking(item: WireProduction) -> bool:
    """Whether the production is a car park's: one of its own, also where `excludeParking` is ignored."""
    return item.name.casefold().startswith(("parking:", "parking -", "parking pass"))


def _category(performer: WirePerformer | None) -> str | None:
    if performer is None or performer.category is None:
        return None
    names = [sub.name for sub in performer.category.subCategories or []]
    return next(filter(None, [*names, performer.category.name]), None)
