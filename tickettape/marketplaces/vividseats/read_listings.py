"""Read Vivid Seats answers about listings: bytes in, `Inventory` out. Pure.

An answer is checked against itself; requests belong in `client`, single values in `wire_values`.
"""

from collections import Counter
from operator import attrgetter
from typing import TypeVar

from tickettape.marketplaces.one_by_one import UNREADABLE, decode_json, emptied_by_leaving_out
from tickettape.marketplaces.prices import price_cents
from tickettape.marketplaces.protocol import Inventory, Listing, Missing, Refused, Section, Zone
from tickettape.marketplaces.reading import ANYTHING, Entries, decode_answer, read_entries, refuse
from tickettape.marketplaces.storable import LONGEST_NAME
from tickettape.marketplaces.vividseats.wire_format import (
    CURRENCY,
    LISTINGS,
    MODULE,
    PLACE,
    RAW_LISTINGS,
    TICKET,
    UNKNOWN,
    WireGroup,
    WireListings,
    WireRawListings,
    WireSection,
    WireTicket,
)
from tickettape.marketplaces.vividseats.wire_values import (
    LONGEST_QUANTITY,
    buyable_quantities,
    deal_score,
    stated_count,
)

Listed = TypeVar("Listed", WireGroup, WireSection)
LONGEST_SHOWN = 40  # characters of a value that makes no sense
_id_of = attrgetter("i")
_place_of = attrgetter("c", "d")  # group, section


def read_listings(body: bytes, production_id: str, tolerance: float) -> Inventory:
    """Read an answer of `/listings` and check it against itself.

    An answer that contradicts itself is "partial": a group with tickets and nothing to buy, a section
    with tickets and no listing, a listing outside its section's group, or totals that differ from what
    is listed by more than `tolerance` (relative to what is stated, both ways). A listing with an impossible
    price or count, or that occurs twice with different values, is left out. Raises Missing for `global: []`, and
    Refused if the answer cannot be trusted at all: another format, production or currency, an impossible total,
    or most listings impossible.
    """
    what = f"The listings of production {production_id}"
    answer, entries = _listings(body, what)
    if len(answer.globals_) != 1:
        refuse(f"{what} came with {len(answer.globals_)} totals instead of 1")
    stated = answer.globals_[0]
    if stated.productionId != production_id:
        refuse(f"{what} were requested, but those of production {stated.productionId} came")
    currency = answer.i18n
    if currency.target != CURRENCY:
        refuse(f"{what} came in {currency.target} instead of {CURRENCY}")
    if currency.source != CURRENCY and currency.applyCurrencyConversion is False:
        refuse(f"{what} came in {currency.source} and were not converted to {CURRENCY}")

    sections = {section.i: section for section in _distinct(answer.sections, "section", what)}
    groups = {group.i: group for group in _distinct(answer.groups, "group", what)}
    tickets: list[WireTicket] = []
    listings: list[Listing] = []
    counted_tickets = 0
    for ticket in entries.read:
        try:
            listing, quantity = _listing(ticket)
        except ValueError as reason:
            entries.leave_out(f"Listing {ticket.i} has {reason}.", (ticket.c, ticket.d))
            continue
        tickets.append(ticket)
        counted_tickets += quantity
        if listing is not None:
            listings.append(listing)
    entries.refuse_if_most(what, len(tickets) + len(entries.left_out))

    zones, blocks = _zones(groups, sections, tickets, what), _sections(sections, tickets, what)
    inventory = Inventory(
        external_id=production_id,
        status="ok" if listings else "empty",
        currency=CURRENCY,
        listings=listings,
        zones=zones,
        sections=blocks,
        stated_listings=stated_count(stated.listingCount, f"{what} state a listing count"),
        stated_tickets=stated_count(stated.ticketCount, f"{what} state a ticket count"),
        counted_listings=len(tickets),
        counted_tickets=counted_tickets,
        stated_zone_tickets=sum(zone.tickets or 0 for zone in zones) if groups else None,
        stated_section_tickets=sum(block.tickets or 0 for block in blocks) if sections else None,
        left_out=entries.left_out,
    )
    inventory.contradictions = _contradictions(inventory, tickets, tolerance)
    inventory.contradictions += emptied_by_leaving_out(listings, entries.places)
    if inventory.contradictions:
        inventory.status = "partial"
    return inventory


def answer_fields(body: bytes) -> set[str]:
    """The names of all fields of an answer's parts, such as "tickets.aip"; none if it is not JSON.

    Decoding everything takes as long as reading the answer.
    """
    try:
        answer = decode_json(ANYTHING, body)
    except UNREADABLE:
        return set()
    found: set[str] = set()
    for part, content in answer.items() if isinstance(answer, dict) else ():
        found.add(part)
        items = [one for one in (content if isinstance(content, list) else [content]) if isinstance(one, dict)]
        found.update(f"{part}.{name}" for name in set().union(*items))
    return {name for name in found if len(name) <= LONGEST_NAME and name.isprintable()}


def _listings(body: bytes, what: str) -> tuple[WireListings | WireRawListings, Entries[WireTicket]]:
    answer: WireListings | WireRawListings
    try:
        answer = decode_answer(LISTINGS, body, what, MODULE)
        entries = Entries(answer.tickets)
        entries.leave_out_told_twice(_id_of, _place_of)
    except Refused:
        # We have no complete answer about an unknown production. It may lack all other parts.
        if _is_unknown(body):
            raise _missing(what) from None
        answer = decode_answer(RAW_LISTINGS, body, what, MODULE)
        entries = read_entries(TICKET, answer.tickets, _id_of, _place_of, _place_in)
    if not answer.globals_:
        raise _missing(what)
    return answer, entries


def _place_in(entry: bytes) -> tuple[str, str] | None:
    try:
        place = PLACE.decode(entry)
    except UNREADABLE:
        return None
    return place.c, place.d


def _is_unknown(body: bytes) -> bool:
    try:
        return not decode_json(UNKNOWN, body).globals_
    except UNREADABLE:
        return False


def _missing(what: str) -> Missing:
    return Missing(
        f"{what} came with `global: []`: the marketplace does not know the production, or a limit was reached. It "
        "counts as a miss."
    )


def _distinct(items: list[Listed], kind: str, what: str) -> list[Listed]:
    by_id = {item.i: item for item in items}
    if len(by_id) == len(items):
        return items
    for item in items:
        if by_id[item.i] != item:
            refuse(f"{what} have {kind} {item.i} twice, with different values")
    return list(by_id.values())


def _listing(ticket: WireTicket) -> tuple[Listing | None, int]:
    """The listing (None: nothing of it is for sale) and its tickets. Raises ValueError for a value without sense."""
    quantity_text = ticket.q
    quantity = 0
    if quantity_text:
        if len(quantity_text) > LONGEST_QUANTITY or not (quantity_text.isascii() and quantity_text.isdigit()):
            raise ValueError(f"the quantity {quantity_text[:LONGEST_SHOWN]!r}")
        quantity = int(quantity_text)
    if not ticket.p:
        return None, quantity
    try:
        field = text = ticket.p
        cents = price_cents(text)
        field = text = ticket.aip or ""
        all_in_cents = price_cents(text) if text else None
        if not quantity:
            return None, 0
        field, text = "m", ticket.m or ""
        buy = buyable_quantities(ticket.m, ticket.t, quantity)
    except ValueError as reason:
        name = "set of quantities" if field == "m" else "price"
        raise ValueError(f"the {name} {text[:LONGEST_SHOWN]!r}, which {reason}") from None
    listing = Listing(
        ticket.i,
        ticket.c,
        ticket.d,
        ticket.r or "",
        quantity,
        cents,
        all_in_cents,
        buy,
        deal_score(ticket.vs),
    )
    return listing, quantity


def _zones(
    groups: dict[str, WireGroup], sections: dict[str, WireSection], tickets: list[WireTicket], what: str
) -> list[Zone]:
    zones = [
        Zone(group.i, group.n, order, stated_count(group.q, f"{what} state for group {group.i} a number"))
        for order, group in enumerate(groups.values())
    ]
    named = dict.fromkeys([section.g for section in sections.values()] + [ticket.c for ticket in tickets])
    unlisted = [zone_id for zone_id in named if zone_id not in groups]
    return zones + [Zone(zone_id, "", len(zones) + order, 0) for order, zone_id in enumerate(unlisted)]


def _sections(sections: dict[str, WireSection], tickets: list[WireTicket], what: str) -> list[Section]:
    """The listed sections, then those that only listings name: sections that are not listed, or in another group."""
    named: dict[tuple[str, str], WireTicket] = {}
    for ticket in tickets:
        named.setdefault((ticket.d, ticket.c), ticket)
    listed = []
    for section in sections.values():
        first = named.pop((section.i, section.g), None)
        count = stated_count(section.q, f"{what} state for section {section.i} a number")
        listed.append(Section(section.i, section.g, _section_name(first, section), count))
    return listed + [
        Section(ticket.d, ticket.c, _section_name(ticket, sections.get(ticket.d)), 0) for ticket in named.values()
    ]


def _section_name(ticket: WireTicket | None, section: WireSection | None) -> str:
    """The name in the list of sections, else the one in a listing."""
    of_ticket = (ticket.l or ticket.s or ticket.d) if ticket else ""
    return (section.n if section else "") or of_ticket


def _contradictions(inventory: Inventory, tickets: list[WireTicket], tolerance: float) -> list[str]:
    found: list[str] = []
    # A zone without a row at an ok capture counts as sold out, so only listings that are for sale count here.
    for_sale = {listing.zone_id for listing in inventory.listings}
    listed = {ticket.d for ticket in tickets}
    for zone in inventory.zones:
        if zone.tickets and zone.zone_id not in for_sale:
            found.append(f"Group {zone.zone_id} ({zone.name}) states {zone.tickets} tickets, but has nothing for sale.")
    for section in inventory.sections:
        if section.tickets and section.section_id not in listed:
            found.append(
                f"Section {section.section_id} ({section.name}) states {section.tickets} tickets, but has no listing."
            )
    homes = {section.section_id: section.zone_id for section in reversed(inventory.sections)}
    strays = Counter((ticket.d, ticket.c) for ticket in tickets if homes[ticket.d] != ticket.c)
    found.extend(
        f"Section {section_id} belongs to group {homes[section_id]}, but {count} of its listings name group {zone_id}."
        for (section_id, zone_id), count in strays.items()
    )
    totals = [
        ("The answer", inventory.stated_listings, inventory.counted_listings, "listings"),
        ("The answer", inventory.stated_tickets, inventory.counted_tickets, "tickets"),
    ]
    for who, of_parts in (("groups", inventory.stated_zone_tickets), ("sections", inventory.stated_section_tickets)):
        totals.append((f"The sum of all {who}", of_parts, inventory.counted_tickets, "tickets"))
    found.extend(
        f"{who} states {stated} {unit}, but {counted} came."
        for who, stated, counted, unit in totals
        if stated is not None and abs(counted - stated) > tolerance * stated
    )
    return found
