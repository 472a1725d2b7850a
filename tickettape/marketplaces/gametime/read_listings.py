"""Read Gametime's listings: bytes in, `Inventory` out. Pure.

Nothing states a total, so an answer that was cut cannot be told by counting. It is checked against the lowest price
that the event states, and a zone counts as sold out only after two answers without it (`zones_need_two_answers`).
"""

import re

from tickettape.marketplaces.gametime.read_catalogue import entry_of
from tickettape.marketplaces.gametime.wire_format import BODY, CURRENCY, LISTING, MODULE, PLACE, WireListing
from tickettape.marketplaces.one_by_one import UNREADABLE, emptied_by_leaving_out
from tickettape.marketplaces.protocol import HIGHEST_PRICE_CENTS, Inventory, Listing, Section, Zone
from tickettape.marketplaces.reading import decode_answer, read_entries, refuse

NO_GROUP = "(no group)"  # the id of the zone whose label is empty
LARGEST_LOT = 9_999
_PARKING = re.compile(r"\b(?:parking|garage|valet|lot)\b", re.IGNORECASE)  # "G" and "GA" are not parking


def read_listings(body: bytes, event_id: str, tolerance: float) -> Inventory:
    """Read the event and its listings, and check them against each other.

    Partial: the event states a lower price than any listing has (by more than `tolerance`), nothing came though it
    states a price or none of both, or all listings have one and the same lot, as the answer for one quantity has. A
    listing without lots, or with an impossible price, is left out. Raises Missing if the event is not known, and
    Refused for another format or event, at a venue whose currency is not certain, and if most cannot be read.
    """
    what = f"The listings of event {event_id}"
    answer = decode_answer(BODY, body, what, MODULE)
    entry = entry_of(answer.event, event_id)
    if entry.venue.show_currency is not False:
        refuse(
            f"{what} are for a venue that shows a currency, or does not say whether it does: nobody knows which "
            "currency its prices are in"
        )
    raw = answer.listings.listings
    entries = read_entries(LISTING, raw, lambda one: one.id, _place_of, _place)
    listings: list[Listing] = []
    totals: list[int] = []
    lots: set[tuple[int, ...]] = set()
    tickets = 0
    for row in entries.read:
        if row.event_id != event_id:
            refuse(f"{what} were requested, but a listing of event {row.event_id} came")
        try:
            listing = _listing(row)
        except ValueError as reason:
            entries.leave_out(f"Listing {row.id[:40]} has {reason}.", _place_of(row))
            continue
        totals.append(row.price.total)
        if _PARKING.search(row.section) or _PARKING.search(row.section_group):
            continue
        listings.append(listing)
        lots.add(listing.buyable)
        tickets += listing.quantity
    entries.refuse_if_most(what, len(raw))
    contradictions = _against(entry.event.min_price.total if entry.event.min_price else None, totals, tolerance)
    if len(listings) > 1 and len(lots) == 1 and len(next(iter(lots))) == 1:
        contradictions.append(
            f"All {len(listings)} listings are sold in {next(iter(lots))[0]} only, as in an answer for one quantity."
        )
    contradictions += emptied_by_leaving_out(listings, entries.places)
    places = list(dict.fromkeys((one.zone_id, one.section_id) for one in listings))
    zones = list(dict.fromkeys(zone for zone, _ in places))
    return Inventory(
        external_id=event_id,
        status="partial" if contradictions else "ok" if listings else "empty",
        currency=CURRENCY,
        listings=listings,
        zones=[Zone(zone, "" if zone == NO_GROUP else zone, order, None) for order, zone in enumerate(zones)],
        sections=[Section(section, zone, section, None) for zone, section in places],
        stated_listings=None,
        stated_tickets=None,
        counted_listings=len(listings),
        counted_tickets=tickets,
        stated_zone_tickets=None,
        stated_section_tickets=None,
        contradictions=contradictions,
        left_out=entries.left_out,
    )


def _listing(row: WireListing) -> Listing:
    """The listing. Raises ValueError for a value without sense.

    Its quantity is the largest lot: what can be bought at once. How many the seller has is not stated in `/v1`.
    """
    lots, price = row.lots, row.price
    if not lots or lots[0] < 1 or lots[-1] > LARGEST_LOT or lots != sorted(set(lots)):
        raise ValueError(f"the lots {str(lots)[:40]}, which are not ascending quantities")
    if not 0 < price.prefee <= HIGHEST_PRICE_CENTS:
        raise ValueError(f"the price {price.prefee}, which is not a valid price")
    if not price.prefee <= price.total <= HIGHEST_PRICE_CENTS:
        raise ValueError(
            f"the price {price.total} with fees, which is below {price.prefee} without fees, or not a valid price"
        )
    zone, section = _place_of(row)
    return Listing(
        listing_id=row.id,
        zone_id=zone,
        section_id=section,
        row=row.row,
        quantity=lots[-1],
        price_cents=price.prefee,
        all_in_price_cents=price.total,
        buyable=tuple(lots),
        deal_score=None,  # `score` is none: it is lower for better offers
    )


def _against(stated: int | None, totals: list[int], tolerance: float) -> list[str]:
    """What the event's lowest price says against the listings."""
    lowest = min(totals, default=None)
    if lowest is None:
        return [] if stated == 0 else ["No listing arrived, and the event does not state that nothing is for sale."]
    if stated and stated < lowest * (1 - tolerance):
        return [f"The event states a lowest price of {stated} cents, but the cheapest listing costs {lowest}."]
    return []


def _place_of(row: WireListing) -> tuple[str, str]:
    return row.section_group or NO_GROUP, row.section


def _place(entry: bytes) -> tuple[str, str] | None:
    try:
        place = PLACE.decode(entry)
    except UNREADABLE:
        return None
    return place.section_group or NO_GROUP, place.section
