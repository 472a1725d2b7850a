"""Read Ticket Evolution's ticket groups: bytes in, `Inventory` out. Pure.

The exchange has no zones, so all sections are in one. The listings answer states no totals: the second reply does.
"""

from tickettape.marketplaces.one_by_one import UNREADABLE, emptied_by_leaving_out
from tickettape.marketplaces.prices import price_cents
from tickettape.marketplaces.protocol import Inventory, Listing, Section, Zone
from tickettape.marketplaces.reading import decode_answer, read_entries, refuse
from tickettape.marketplaces.ticketevolution.wire_format import (
    BODY,
    CURRENCY,
    GROUP,
    MODULE,
    PLACE,
    PRICE_BASES,
    WireGroup,
    WireStats,
)

ZONE = "all"  # an empty id would be shown as "Zone "
ZONE_NAME = "All sections"
ADMISSION, PARKING = "event", "parking"
MOST_TICKETS = 9_999  # no listing has 10,000 seats, and `buyable` lists quantities one by one


def read_listings(body: bytes, event_id: str, price_basis: str, tolerance: float) -> Inventory:
    """Read both replies about an event's listings, and check them against each other.

    Partial: a split above the quantity, counts that differ from the stated ones by more than `tolerance`, and an empty
    list that no second reply confirms. A ticket group with an impossible price, without splits or of an unknown type is
    left out. Raises Refused for another format, event or price basis, and if most groups cannot be read.
    """
    what = f"The listings of event {event_id}"
    answer = decode_answer(BODY, body, what, MODULE)
    if answer.price_basis not in PRICE_BASES or answer.price_basis != price_basis:
        refuse(f"{what} have the price basis {answer.price_basis!r}, but this source has {price_basis!r}")
    raw = answer.listings.ticket_groups
    entries = read_entries(GROUP, raw, lambda one: one.id, lambda one: (ZONE, one.section), _place)
    listings: list[Listing] = []
    contradictions: list[str] = []
    counted = tickets = 0
    for group in entries.read:
        if str(group.event.id) != event_id:
            refuse(f"{what} were requested, but a listing of event {group.event.id} came")
        if group.type == PARKING:
            continue
        try:
            listing = _listing(group, price_basis)
        except ValueError as reason:
            entries.leave_out(f"Listing {group.id} has {reason}.", (ZONE, group.section))
            continue
        counted += 1
        tickets += group.available_quantity
        if listing is None:
            continue
        listings.append(listing)
        if group.splits[-1] > listing.quantity:
            contradictions.append(
                f"Listing {group.id} can be bought in lots of {group.splits[-1]}, but has {listing.quantity} tickets."
            )
    entries.refuse_if_most(what, len(raw))
    contradictions += _against(answer.stats, counted, tickets, tolerance)
    contradictions += emptied_by_leaving_out(listings, entries.places)
    sections = list(dict.fromkeys(listing.section_id for listing in listings))
    return Inventory(
        external_id=event_id,
        status="partial" if contradictions else "ok" if listings else "empty",
        currency=CURRENCY,
        listings=listings,
        zones=[Zone(ZONE, ZONE_NAME, 0, None)],
        sections=[Section(section, ZONE, section, None) for section in sections],
        stated_listings=answer.stats.ticket_groups_count if answer.stats else None,
        stated_tickets=answer.stats.tickets_count if answer.stats else None,
        counted_listings=counted,
        counted_tickets=tickets,
        stated_zone_tickets=None,
        stated_section_tickets=None,
        contradictions=contradictions,
        left_out=entries.left_out,
    )


def _listing(group: WireGroup, price_basis: str) -> Listing | None:
    """The listing; None if nothing of it is for sale. Raises ValueError for a value without sense."""
    if group.type != ADMISSION:
        raise ValueError(f"the type {group.type[:40]!r}, which is not known")
    quantity = group.available_quantity
    if not 0 <= quantity <= MOST_TICKETS:
        raise ValueError(f"the quantity {quantity}")
    if not quantity:
        return None
    splits = group.splits
    if not splits or splits[0] < 1 or splits[-1] > MOST_TICKETS or splits != sorted(set(splits)):
        raise ValueError(f"the splits {str(splits)[:40]}, which are not ascending quantities")
    if splits[0] > quantity:
        raise ValueError(f"the splits {str(splits)[:40]}, none of which its {quantity} tickets allow")
    text = bytes(memoryview(group.retail_price if price_basis == "retail_price" else group.wholesale_price)).decode()
    try:
        cents = price_cents(text)
    except ValueError as reason:
        raise ValueError(f"the {price_basis} {text[:40]}, which {reason}") from None
    return Listing(
        listing_id=str(group.id),
        zone_id=ZONE,
        section_id=group.section,
        row=group.row or "",
        quantity=quantity,
        price_cents=cents,
        all_in_price_cents=None,  # the reseller's own shop adds its fees later
        buyable=tuple(split for split in splits if split <= quantity),
        deal_score=None,
    )


def _against(stats: WireStats | None, counted: int, tickets: int, tolerance: float) -> list[str]:
    """What the totals say against the listings."""
    if stats is None:
        return [] if counted else ["No listing arrived, and the totals that would confirm it did not either."]
    totals = ((stats.ticket_groups_count, counted, "listings"), (stats.tickets_count, tickets, "tickets"))
    for stated, _, unit in totals:
        if stated < 0:
            refuse(f"The totals state {stated} {unit}")
    return [
        f"The totals state {stated} {unit}, but {came} came."
        for stated, came, unit in totals
        if abs(came - stated) > tolerance * stated
    ]


def _place(entry: bytes) -> tuple[str, str] | None:
    try:
        return ZONE, PLACE.decode(entry).section
    except UNREADABLE:
        return None
