"""What no column or index can hold, refused before it is stored: one answer must not fail a tick of all others."""

import re
from typing import Any

import msgspec

from tickettape.marketplaces.protocol import HIGHEST_COUNT, HIGHEST_PRICE_CENTS, Inventory, Refused

LONGEST_NAME = 255  # of zones and sections: some of it is indexed, which a kilobyte or two would overflow
_CURRENCY = re.compile("[A-Z]{3}")


def refuse_unstorable(inventory: Inventory, body: bytes) -> None:
    """Raise Refused where an inventory, read from `body`, cannot be stored. The same for every marketplace."""
    what = f"The listings of {inventory.external_id}"
    if _CURRENCY.fullmatch(inventory.currency) is None:
        raise Refused(f"{what} are in {inventory.currency!r}, which is not a currency (ISO 4217)")
    counts = (
        inventory.counted_listings, inventory.counted_tickets, inventory.stated_listings or 0,
        inventory.stated_tickets or 0, inventory.stated_zone_tickets or 0, inventory.stated_section_tickets or 0,
        max((listing.quantity for listing in inventory.listings), default=0),
    )  # fmt: skip
    if max(counts) > HIGHEST_COUNT:
        raise Refused(f"{what} add up to {max(counts)} tickets, more than {HIGHEST_COUNT}")
    _refuse_prices(inventory, what)
    names = [text for zone in inventory.zones for text in (zone.zone_id, zone.name)]
    names += [text for section in inventory.sections for text in (section.section_id, section.name)]
    if names and len(longest := max(names, key=len)) > LONGEST_NAME:
        raise Refused(f"{what} name a zone or section {longest[:40]!r}… of {len(longest)} characters")
    if (b"\\u0000" in body or b"\0" in body) and _has_nul(inventory):
        raise Refused(f"{what} contain a name with a NUL character, which a text column cannot hold")


def _refuse_prices(inventory: Inventory, what: str) -> None:
    if not inventory.listings:
        return
    prices = [listing.price_cents for listing in inventory.listings]
    prices += [listing.all_in_price_cents for listing in inventory.listings if listing.all_in_price_cents is not None]
    if min(prices) <= 0 or max(prices) > HIGHEST_PRICE_CENTS:
        raise Refused(f"{what} have prices from {min(prices)} to {max(prices)} cents, which cannot be right")
    if min(listing.quantity for listing in inventory.listings) < 1:
        raise Refused(f"{what} include a listing without tickets")


def _has_nul(inventory: Inventory) -> bool:
    texts: list[Any] = [msgspec.structs.astuple(listing) for listing in inventory.listings]
    texts += [(zone.zone_id, zone.name) for zone in inventory.zones]
    texts += [(section.section_id, section.zone_id, section.name) for section in inventory.sections]
    return any(isinstance(text, str) and "\0" in text for row in texts for text in row)
