"""Read Vivid Seats answers: bytes in, `Inventory` and `Production` out.

Pure functions of bytes; requests belong in `client`. The wire is the website's own, undocumented and
unversioned: what we depend on is typed and refused when it changes, everything else is ignored.
Struct fields keep the wire's names, so that a recorded answer can be read beside them.
"""

import math
import re
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import msgspec

from tickettape.marketplaces.protocol import (
    HIGHEST_COUNT,
    HIGHEST_PRICE_CENTS,
    Inventory,
    Listing,
    Missing,
    NoDate,
    Production,
    Refused,
    Section,
    Zone,
)

CURRENCY = "USD"
LONGEST_COUNT = 9  # digits: below HIGHEST_COUNT, far above any venue
LONGEST_NAME = 255  # of zones, sections and fields: some of it is indexed, which a kilobyte or two would overflow
LONGEST_QUANTITY = 4  # digits: 10,000 seats are no listing, and `buyable` counts them one by one
CACHED_PRICES = 65_536  # distinct price strings of a tick of a hundred events, about 10 MB

_PRICE = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")
_COUNT = re.compile(rf"[0-9]{{1,{LONGEST_COUNT}}}")

Wire = TypeVar("Wire")


class WireTicket(msgspec.Struct, gc=False):
    """`tickets[]` of `/listings`; an unknown key is absent."""

    i: str
    d: str
    c: str
    q: str | None = None
    p: str | None = None
    aip: str | None = None
    m: str | None = None
    t: str | None = None
    r: str | None = None
    l: str | None = None  # noqa: E741 - the wire's name
    s: str | None = None
    vs: str | None = None


class WireGroup(msgspec.Struct, gc=False):
    """`groups[]` of `/listings`: the zones."""

    i: str
    q: str
    n: str = ""


class WireSection(msgspec.Struct, gc=False):
    """`sections[]` of `/listings`; the empty ones are listed with q "0"."""

    i: str
    g: str
    q: str
    n: str = ""


class WireGlobal(msgspec.Struct, gc=False):
    """`global[0]` of `/listings`: the totals, as strings."""

    productionId: str  # noqa: N815 - the wire's name
    listingCount: str  # noqa: N815
    ticketCount: str  # noqa: N815


class WireCurrency(msgspec.Struct, gc=False, rename={"source": "from", "target": "to"}):
    """`i18n` of `/listings`: which currency the prices are in."""

    target: str
    source: str = CURRENCY
    applyCurrencyConversion: bool | None = None  # noqa: N815


class WireListings(msgspec.Struct, rename={"globals_": "global"}):
    """The answer of `/listings`."""

    globals_: list[WireGlobal]
    tickets: list[WireTicket]
    groups: list[WireGroup]
    sections: list[WireSection]
    i18n: WireCurrency


class _WireUnknown(msgspec.Struct, rename={"globals_": "global"}):
    globals_: list[msgspec.Raw]


class WireSubCategory(msgspec.Struct):
    """A sub-category such as "NBA Basketball"."""

    name: str | None = None


class WireCategory(msgspec.Struct):
    """A category such as "Sports", with the performer's sub-categories."""

    name: str | None = None
    subCategories: list[WireSubCategory] | None = None  # noqa: N815


class WirePerformer(msgspec.Struct):
    """`performers[]` of a production; the master one is whom the event is listed under."""

    id: int
    name: str | None = None
    master: bool = False
    category: WireCategory | None = None


class WireVenue(msgspec.Struct):
    """`venue` of a production."""

    name: str | None = None
    city: str | None = None
    state: str | None = None
    countryCode: str | None = None  # noqa: N815
    timezone: str | None = None


class WireProduction(msgspec.Struct):
    """An item of `/productions`, and the answer of `/productions/{id}/details`."""

    id: int
    name: str
    utcDate: str | None = None  # noqa: N815
    dateTbd: bool | None = None  # noqa: N815
    hidden: bool | None = None
    venue: WireVenue | None = None
    performers: list[WirePerformer] | None = None


class WirePage(msgspec.Struct):
    """A page of `/productions`. Pages are counted from 1."""

    items: list[WireProduction]
    numberOfPages: int  # noqa: N815


_LISTINGS = msgspec.json.Decoder(WireListings)
_UNKNOWN = msgspec.json.Decoder(_WireUnknown)
_PRODUCTION = msgspec.json.Decoder(WireProduction)
_PAGE = msgspec.json.Decoder(WirePage)
_ANYTHING = msgspec.json.Decoder()


def read_listings(body: bytes, production_id: str, tolerance: float) -> Inventory:
    """Read an answer of `/listings` and check it against itself.

    An answer that contradicts itself is "partial": a group with tickets and nothing to buy, a section
    with tickets and no listing, a listing outside its section's group, or totals that differ from what
    is listed by more than `tolerance` (relative to what is stated, both ways). Raises Missing for
    `global: []`, and Refused for what cannot be trusted at all: not this format, another production,
    another currency, an impossible price or count.
    """
    what = f"The listings of production {production_id}"
    answer = _listings(body, what)
    if len(answer.globals_) != 1:
        _refuse(f"{what} came with {len(answer.globals_)} totals instead of 1")
    stated = answer.globals_[0]
    if stated.productionId != production_id:
        _refuse(f"{what} were asked for, and those of production {stated.productionId} came")
    currency = answer.i18n
    if currency.target != CURRENCY:
        _refuse(f"{what} came in {currency.target} instead of {CURRENCY}")
    if currency.source != CURRENCY and currency.applyCurrencyConversion is False:
        _refuse(f"{what} came in {currency.source}, not converted to {CURRENCY}")

    sections = {section.i: section for section in _distinct(answer.sections, "section", what)}
    groups = {group.i: group for group in _distinct(answer.groups, "group", what)}
    tickets = _distinct(answer.tickets, "listing", what)
    listings: list[Listing] = []
    counted_tickets = 0
    for ticket in tickets:
        listing, quantity = _listing(ticket, production_id)
        counted_tickets += quantity
        if listing is not None:
            listings.append(listing)

    zones, blocks = _zones(groups, sections, tickets, what), _sections(sections, tickets, what)
    inventory = Inventory(
        production_id=production_id,
        status="ok" if listings else "empty",
        listings=listings,
        zones=zones,
        sections=blocks,
        stated_listings=_count(stated.listingCount, f"{what} state a listing count"),
        stated_tickets=_count(stated.ticketCount, f"{what} state a ticket count"),
        counted_listings=len(tickets),
        counted_tickets=counted_tickets,
        stated_group_tickets=sum(zone.tickets for zone in zones) if groups else None,
        stated_section_tickets=sum(block.tickets for block in blocks) if sections else None,
    )
    _refuse_unstorable(inventory, what)
    inventory.contradictions = _contradictions(inventory, tickets, tolerance)
    if inventory.contradictions:
        inventory.status = "partial"
    if b"\\u0000" in body and _has_nul(inventory):
        _refuse(f"{what} have a name with a NUL character, which no text column can hold")
    return inventory


def fields(body: bytes) -> set[str]:
    """The names of all fields of an answer's parts, such as "tickets.aip"; none where it is not JSON.

    Decoding everything takes as long as reading the answer.
    """
    try:
        answer = _ANYTHING.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return set()
    found: set[str] = set()
    for part, content in answer.items() if isinstance(answer, dict) else ():
        found.add(part)
        items = [one for one in (content if isinstance(content, list) else [content]) if isinstance(one, dict)]
        found.update(f"{part}.{name}" for name in set().union(*items))
    return {name for name in found if len(name) <= LONGEST_NAME and name.isprintable()}


def read_production(body: bytes, production_id: str) -> Production:
    """Read an answer of `/productions/{id}/details`. Raises Refused or NoDate."""
    what = f"The details of production {production_id}"
    item = _decoded(_PRODUCTION, body, what)
    if str(item.id) != production_id:
        _refuse(f"{what} were asked for, and those of production {item.id} came")
    return production_of(item)


def read_page(body: bytes, what: str) -> WirePage:
    """Read one page of `/productions`; `what` names it in errors. Raises Refused."""
    return _decoded(_PAGE, body, what)


def production_of(item: WireProduction) -> Production:
    """Turn an item of `/productions` into a Production. Raises NoDate, and Refused for a broken date.

    A time to be determined is acceptable: the date is what decides when to look.
    """
    if item.dateTbd or not item.utcDate:
        raise NoDate(
            f"Production {item.id} ({item.name}) has no date yet, so it cannot be tracked; "
            "track it again when the marketplace has fixed its date."
        )
    try:
        date = datetime.fromisoformat(item.utcDate)
    except ValueError:
        _refuse(f"Production {item.id} ({item.name}) has the date {item.utcDate!r}, which is none")
    venue = item.venue or WireVenue()
    performers = item.performers or []
    performer = next((one for one in performers if one.master), performers[0] if performers else None)
    return Production(
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


@lru_cache(maxsize=CACHED_PRICES)
def price_cents(text: str) -> int:
    """Exact cents of a price such as "220.35", "220.3" or "220". Raises ValueError saying why not."""
    match = _PRICE.fullmatch(text)
    if match is None:
        raise ValueError("is not a number with at most two decimals")
    whole, decimals = match.groups()
    if len(whole) <= len(str(HIGHEST_PRICE_CENTS)):  # int() of a megabyte of digits would take minutes
        cents = int(whole) * 100 + int((decimals or "0").ljust(2, "0"))
        if cents == 0:
            raise ValueError("is not above 0")
        if cents <= HIGHEST_PRICE_CENTS:
            return cents
    raise ValueError(f"is above {HIGHEST_PRICE_CENTS / 100:.2f}, the most that is stored")


@lru_cache(maxsize=8_192)
def buyable(stated: str | None, rule: str | None, quantity: int) -> tuple[int, ...]:
    """The quantities one may buy of a listing, ascending, from `m`, else from split rule `t` and `q`.

    Rules: 0 even numbers, 1 any, 2 custom (sells only the whole without `m`), 3 never leaves one.
    An unknown rule sells only the whole too. Raises ValueError where `m` is not a list of numbers.
    """
    if stated:
        parts = [part.strip() for part in stated.split(",")]
        if not all(_COUNT.fullmatch(part) for part in parts):
            raise ValueError("is not a list of numbers")
        offered = tuple(sorted({n for n in map(int, parts) if 1 <= n <= quantity}))
        if offered:
            return offered
    everything = range(1, quantity + 1)
    if rule == "1":
        return tuple(everything)
    if rule == "3":
        return tuple(n for n in everything if n != quantity - 1)
    if rule == "0" and quantity > 1:
        return tuple(n for n in everything if n % 2 == 0)
    return (quantity,)


@lru_cache(maxsize=8_192)
def _deal_score(text: str | None) -> float | None:
    try:
        score = float(text) if text else None
    except ValueError:
        return None
    return score if score is not None and math.isfinite(score) else None


def _listings(body: bytes, what: str) -> WireListings:
    try:
        answer = _decoded(_LISTINGS, body, what)
    except Refused:
        # The answer about an unknown production was never recorded whole: it may lack all the rest.
        if _is_unknown(body):
            raise _missing(what) from None
        raise
    if not answer.globals_:
        raise _missing(what)
    return answer


def _is_unknown(body: bytes) -> bool:
    try:
        return not _UNKNOWN.decode(body).globals_
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _missing(what: str) -> Missing:
    return Missing(
        f"{what} came with `global: []`: the marketplace does not know the production, or a limit was hit; "
        "it counts as a miss."
    )


def _decoded(decoder: msgspec.json.Decoder[Wire], body: bytes, what: str) -> Wire:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(
            f"{what} are not in the expected format: {error}. If the marketplace has changed it, mend "
            "vividseats/wire.py, then replay the quarantine.",
            payload=body,
        ) from error


def _refuse(finding: str) -> NoReturn:
    raise Refused(f"{finding}; the answer was refused, look at it in the quarantine.")


def _count(text: str, subject: str) -> int:
    if _COUNT.fullmatch(text) is None:
        _refuse(f"{subject} of {text!r}, which is no count of at most {LONGEST_COUNT} digits")
    return int(text)


Listed = TypeVar("Listed", WireTicket, WireGroup, WireSection)


def _distinct(items: list[Listed], kind: str, what: str) -> list[Listed]:
    by_id = {item.i: item for item in items}
    if len(by_id) == len(items):
        return items
    for item in items:
        if by_id[item.i] != item:
            _refuse(f"{what} have {kind} {item.i} twice, with different values")
    return list(by_id.values())


def _listing(ticket: WireTicket, production_id: str) -> tuple[Listing | None, int]:
    quantity_text = ticket.q
    quantity = 0
    if quantity_text:
        if len(quantity_text) > LONGEST_QUANTITY or not (quantity_text.isascii() and quantity_text.isdigit()):
            _refuse(f"Listing {ticket.i} of production {production_id} has the quantity {quantity_text!r}")
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
        buy = buyable(ticket.m, ticket.t, quantity)
    except ValueError as reason:
        name = "set of quantities" if field == "m" else "price"
        _refuse(f"Listing {ticket.i} of production {production_id} has the {name} {text!r}, which {reason}")
    listing = Listing(
        ticket.i,
        ticket.c,
        ticket.d,
        ticket.r or "",
        quantity,
        cents,
        all_in_cents,
        buy,
        _deal_score(ticket.vs),
    )
    return listing, quantity


def _zones(
    groups: dict[str, WireGroup], sections: dict[str, WireSection], tickets: list[WireTicket], what: str
) -> list[Zone]:
    zones = [
        Zone(group.i, group.n, order, _count(group.q, f"{what} state for group {group.i} a number"))
        for order, group in enumerate(groups.values())
    ]
    named = dict.fromkeys([section.g for section in sections.values()] + [ticket.c for ticket in tickets])
    unlisted = [zone_id for zone_id in named if zone_id not in groups]
    return zones + [Zone(zone_id, "", len(zones) + order, 0) for order, zone_id in enumerate(unlisted)]


def _sections(sections: dict[str, WireSection], tickets: list[WireTicket], what: str) -> list[Section]:
    """Those that are listed, then those that only listings name: in no group's list, or in another group."""
    named: dict[tuple[str, str], WireTicket] = {}
    for ticket in tickets:
        named.setdefault((ticket.d, ticket.c), ticket)
    listed = []
    for section in sections.values():
        first = named.pop((section.i, section.g), None)
        count = _count(section.q, f"{what} state for section {section.i} a number")
        listed.append(Section(section.i, section.g, _section_name(first, section), count))
    return listed + [
        Section(ticket.d, ticket.c, _section_name(ticket, sections.get(ticket.d)), 0) for ticket in named.values()
    ]


def _section_name(ticket: WireTicket | None, section: WireSection | None) -> str:
    """As the list of sections has it, else as a listing."""
    of_ticket = (ticket.l or ticket.s or ticket.d) if ticket else ""
    return (section.n if section else "") or of_ticket


def _refuse_unstorable(inventory: Inventory, what: str) -> None:
    """What no column or index holds: one answer must not fail the tick of all the others."""
    counts = (inventory.counted_tickets, inventory.stated_group_tickets or 0, inventory.stated_section_tickets or 0)
    if max(counts) > HIGHEST_COUNT:
        _refuse(f"{what} add up to {max(counts)} tickets, more than {HIGHEST_COUNT}")
    names = [text for zone in inventory.zones for text in (zone.zone_id, zone.name)]
    names += [text for section in inventory.sections for text in (section.section_id, section.name)]
    if names and len(longest := max(names, key=len)) > LONGEST_NAME:
        _refuse(f"{what} name a zone or section {longest[:40]!r}… of {len(longest)} characters")


def _contradictions(inventory: Inventory, tickets: list[WireTicket], tolerance: float) -> list[str]:
    found: list[str] = []
    # A zone without a row at an ok capture counts as sold out, so here a listing must be inventory.
    for_sale = {listing.zone_id for listing in inventory.listings}
    listed = {ticket.d for ticket in tickets}
    for zone in inventory.zones:
        if zone.tickets and zone.zone_id not in for_sale:
            found.append(f"Group {zone.zone_id} ({zone.name}) states {zone.tickets} tickets and has nothing for sale.")
    for section in inventory.sections:
        if section.tickets and section.section_id not in listed:
            found.append(
                f"Section {section.section_id} ({section.name}) states {section.tickets} tickets and has no listing."
            )
    homes = {section.section_id: section.zone_id for section in reversed(inventory.sections)}
    strays = Counter((ticket.d, ticket.c) for ticket in tickets if homes[ticket.d] != ticket.c)
    found.extend(
        f"Section {section_id} belongs to group {homes[section_id]}, and {count} of its listings name group {zone_id}."
        for (section_id, zone_id), count in strays.items()
    )
    totals = [
        ("The answer", inventory.stated_listings, inventory.counted_listings, "listings"),
        ("The answer", inventory.stated_tickets, inventory.counted_tickets, "tickets"),
    ]
    for who, of_parts in (("groups", inventory.stated_group_tickets), ("sections", inventory.stated_section_tickets)):
        if of_parts is not None:
            totals.append((f"The sum of all {who}", of_parts, inventory.counted_tickets, "tickets"))
    found.extend(
        f"{who} states {stated} {unit} and {counted} came."
        for who, stated, counted, unit in totals
        if abs(counted - stated) > tolerance * stated
    )
    return found


def _category(performer: WirePerformer | None) -> str | None:
    if performer is None or performer.category is None:
        return None
    names = [sub.name for sub in performer.category.subCategories or []]
    return next(filter(None, [*names, performer.category.name]), None)


def _has_nul(inventory: Inventory) -> bool:
    texts: list[Any] = [msgspec.structs.astuple(listing) for listing in inventory.listings]
    texts += [(zone.zone_id, zone.name) for zone in inventory.zones]
    texts += [(section.section_id, section.zone_id, section.name) for section in inventory.sections]
    return any(isinstance(text, str) and "\0" in text for row in texts for text in row)
