"""Mend, leave out or refuse values that no column or index can hold, so that one value does not fail a tick.

It is the same for every marketplace. A name is shortened, and characters that no text column takes are removed. An id
is never changed, because it would name something else.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from tickettape.marketplaces.one_by_one import emptied_by_leaving_out, most_are
from tickettape.marketplaces.protocol import (
    HIGHEST_COUNT,
    HIGHEST_PRICE_CENTS,
    Inventory,
    Listing,
    MarketplaceEvent,
    Refused,
    Section,
    Zone,
)

LONGEST_NAME = 255  # of zones, sections and ids; some are indexed, and an index cannot hold a kilobyte or two
LONGEST_TEXTS = {"name": 500, "venue": 255, "city": 100, "state": 50, "country": 100, "category": 100,
                 "performer_name": 255}  # fmt: skip
LONGEST_URL = 1000
SHOWN = 40  # characters of a refused value in a message
EARLIEST = datetime(
    2000, 1, 1, tzinfo=UTC
)  # 0001, 1900 and 1970 stand for "unknown", and no catalogue goes back so far
FURTHEST = timedelta(days=5 * 366)  # ahead: 9999 and 2099 stand for it too, and no ticket is sold so early
Part = TypeVar("Part", Zone, Section)
_CURRENCY = re.compile("[A-Z]{3}")
_NOT_IN_LINKS = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of a character


def storable_event(event: MarketplaceEvent, now: datetime) -> MarketplaceEvent:
    """An event with values that columns can hold. Raises Refused if its name or id cannot be used.

    A date that is a placeholder becomes None, with the status "date_tbd".
    """
    if not _is_id(event.external_id):
        raise Refused(f"An event ({event.name[:SHOWN]!r}) has the id {event.external_id[:SHOWN]!r}, which is none")
    texts: dict[str, Any] = {field: _short(getattr(event, field), longest) for field, longest in LONGEST_TEXTS.items()}
    if texts["name"] is None:
        raise Refused(f"Event {event.external_id} has no name")
    event = replace(
        event,
        **texts,
        performer_id=_id_or_none(event.performer_id),
        venue_id=_id_or_none(event.venue_id),
        latitude=_within(event.latitude, 90),
        longitude=_within(event.longitude, 180),
        venue_time_zone=_time_zone(event.venue_time_zone),
    )
    if event.page_url is not None and not _is_page(event.page_url):
        event = replace(event, page_url=None)
    if event.image_url is not None and _UNSTORABLE.search(event.image_url):
        event = replace(event, image_url=None)
    if event.date is not None and not EARLIEST <= event.date <= now + FURTHEST:
        return replace(event, date=None, date_status="date_tbd")
    return event


def _is_page(url: str) -> bool:
    """Whether an address can be a link: of the web, without a login, and without what a page or a mail misreads."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and (len(url) <= LONGEST_URL and _NOT_IN_LINKS.search(url) is None)
        )
    except ValueError:
        return False


def storable_inventory(inventory: Inventory, body: bytes, tolerance: float) -> Inventory:
    """An inventory, read from `body`, with values that columns can hold. Raises Refused if it cannot be stored at all.

    Listings with an impossible price, quantity or id are left out. That is a contradiction if a part of the venue
    would look sold out without them, or if they are more than `tolerance` of all.
    """
    what = f"The listings of {inventory.external_id}"
    if _CURRENCY.fullmatch(inventory.currency) is None:
        raise Refused(f"{what} are in {inventory.currency[:SHOWN]!r}, which is no currency (ISO 4217)")
    # the texts are checked one by one only if the answer may have characters that no column takes
    suspicious = b"\\u" in body or b"\0" in body
    if inventory.listings and (suspicious or _beyond_columns(inventory.listings)):
        inventory = _of_storable_listings(inventory, what, tolerance)
    counts = (
        inventory.counted_listings, inventory.counted_tickets, inventory.stated_listings or 0,
        inventory.stated_tickets or 0, inventory.stated_zone_tickets or 0, inventory.stated_section_tickets or 0,
    )  # fmt: skip
    if max(counts) > HIGHEST_COUNT:
        raise Refused(f"{what} add up to {max(counts)} tickets, more than {HIGHEST_COUNT}")
    return _of_storable_names(inventory, what, suspicious)


def _beyond_columns(listings: Sequence[Listing]) -> bool:
    """Whether any of the listings has a number or an id that no column holds. It is fast, because hardly any has."""
    prices = [listing.price_cents for listing in listings]
    prices += [listing.all_in_price_cents for listing in listings if listing.all_in_price_cents is not None]
    quantities = [listing.quantity for listing in listings]
    return (
        min(prices) <= 0
        or max(prices) > HIGHEST_PRICE_CENTS
        or min(quantities) < 1
        or max(quantities) > HIGHEST_COUNT
        or max([len(listing.listing_id) for listing in listings]) > LONGEST_NAME
    )


def _of_storable_listings(inventory: Inventory, what: str, tolerance: float) -> Inventory:
    found = [(listing, _why_unstorable(listing)) for listing in inventory.listings]
    bad = [(listing, why) for listing, why in found if why is not None]
    if not bad:
        return inventory
    reasons = [f"Listing {listing.listing_id[:SHOWN]!r} has {why}." for listing, why in bad]
    if most_are(len(bad), len(found)):
        raise Refused(f"{what} cannot be stored, most of them: {reasons[0]}")
    kept = [listing for listing, why in found if why is None]
    contradictions = inventory.contradictions + emptied_by_leaving_out(
        kept, [(listing.zone_id, listing.section_id) for listing, _ in bad]
    )
    if len(bad) > tolerance * len(found):
        contradictions.append(f"{len(bad)} of {len(found)} listings were left out.")
    return replace(
        inventory,
        status="partial" if contradictions else inventory.status,
        listings=kept,
        counted_listings=inventory.counted_listings - len(bad),
        counted_tickets=inventory.counted_tickets - sum(listing.quantity for listing, _ in bad),
        contradictions=contradictions,
        left_out=inventory.left_out + reasons,
    )


def _why_unstorable(listing: Listing) -> str | None:
    for cents in (listing.price_cents, listing.all_in_price_cents):
        if cents is not None and not 0 < cents <= HIGHEST_PRICE_CENTS:
            return f"a price of {cents} cents, which no price is"
    if not 1 <= listing.quantity <= HIGHEST_COUNT:
        return f"{listing.quantity} tickets"
    return None if _is_id(listing.listing_id) else "an id that no column can hold"


def _of_storable_names(inventory: Inventory, what: str, suspicious: bool) -> Inventory:
    ids = [zone.zone_id for zone in inventory.zones]
    ids += [one for section in inventory.sections for one in (section.zone_id, section.section_id)]
    for one in ids:
        if one and not _is_id(one):
            raise Refused(
                f"{what} have a zone or section with the id {one[:SHOWN]!r} ({len(one)} characters), which is none"
            )
    listings = inventory.listings
    if suspicious:
        listings = [msgspec.structs.replace(one, row=_UNSTORABLE.sub("", one.row)) for one in listings]
    return replace(
        inventory,
        listings=listings,
        zones=[_named(zone) for zone in inventory.zones],
        sections=[_named(section) for section in inventory.sections],
    )


def _named(part: Part) -> Part:
    name = _short(part.name, LONGEST_NAME) or ""
    return part if name == part.name else replace(part, name=name)


def _short(text: str | None, longest: int) -> str | None:
    """A text shortened for a column of `longest` characters; None if nothing is left."""
    if text is None:
        return None
    clean = _UNSTORABLE.sub("", text)
    return (clean if len(clean) <= longest else f"{clean[: longest - 1]}…") if clean.strip() else None


def _id_or_none(text: str | None) -> str | None:
    return text if text and _is_id(text) else None


def _within(degrees: float | None, most: float) -> float | None:
    return degrees if degrees is not None and -most <= degrees <= most else None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and _UNSTORABLE.search(text) is None


def _time_zone(name: str | None) -> str | None:
    """The name, if there is such a time zone; otherwise None."""
    try:
        return ZoneInfo(name).key if name else None
    except (ValueError, OSError, KeyError):  # not a file name, or not a zone (ZoneInfoNotFoundError is a KeyError)
        return None
