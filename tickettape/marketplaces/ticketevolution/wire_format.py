"""What Ticket Evolution sends (API v9), as typed structs: the fields we depend on, by the wire's own names.

Built from its documentation and the mock data of its own libraries, never tried on the live API. The fields that we
depend on are typed, and an answer is refused if they differ. All others are ignored.
"""

import msgspec

CURRENCY = "USD"
"""No answer states a currency. The exchange is American, and every price seen was in dollars."""

PRICE_BASES = ("retail_price", "wholesale_price")
"""The two prices of a ticket group. The operator chooses one; there is no default, and never both in one source."""

MODULE = "ticketevolution/wire_format.py"


class WireEventOfGroup(msgspec.Struct):
    """`event` of a ticket group: it must be the event that was asked for."""

    id: int


class WireGroup(msgspec.Struct, gc=False):
    """`ticket_groups[]` of `/listings`. A price is a JSON number in dollars; it is read from its text, as a decimal."""

    id: int
    type: str
    event: WireEventOfGroup
    section: str
    available_quantity: int
    splits: list[int]
    row: str | None = None
    retail_price: msgspec.Raw = msgspec.Raw(b"null")
    wholesale_price: msgspec.Raw = msgspec.Raw(b"null")


class WirePlace(msgspec.Struct):
    """The place of a ticket group of which nothing else may be readable."""

    section: str


class WireListings(msgspec.Struct):
    """The answer of `/listings`. It has no pages."""

    ticket_groups: list[msgspec.Raw]


class WireStats(msgspec.Struct):
    """The answer of `/events/{id}/stats`."""

    ticket_groups_count: int
    tickets_count: int


class WireBody(msgspec.Struct):
    """The body of an `Answer`: both replies, and the price that the operator had chosen when it was asked for."""

    price_basis: str
    listings: WireListings
    stats: WireStats | None


class WireAddress(msgspec.Struct):
    """`venue.address`."""

    locality: str | None = None
    region: str | None = None
    country_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class WireVenue(msgspec.Struct):
    """`venue` of an event."""

    id: int | None = None
    name: str | None = None
    location: str | None = None  # "Phoenix, AZ"
    time_zone: str | None = None
    address: WireAddress | None = None


class WirePerformer(msgspec.Struct):
    """Who performs."""

    id: int
    name: str | None = None


class WirePerformance(msgspec.Struct):
    """`performances[]` of an event; the primary one may be the support act."""

    performer: WirePerformer
    primary: bool = False


class WireCategory(msgspec.Struct):
    """`category` of an event."""

    name: str | None = None


class WireEvent(msgspec.Struct):
    """The answer of `/events/{id}`, and an entry of `/events`."""

    id: int
    name: str
    state: str = "shown"
    occurs_at: str | None = None  # the venue's local time, although it ends in Z
    occurs_at_local: str | None = None  # the same with its true offset
    venue: WireVenue | None = None
    performances: list[WirePerformance] | None = None
    category: WireCategory | None = None


class WireId(msgspec.Struct):
    """The id of an entry of which nothing else may be readable."""

    id: int


class WirePage(msgspec.Struct):
    """A page of `/events`, counted from 1."""

    total_entries: int
    events: list[msgspec.Raw]


GROUP = msgspec.json.Decoder(WireGroup)
PLACE = msgspec.json.Decoder(WirePlace)
BODY = msgspec.json.Decoder(WireBody)
EVENT = msgspec.json.Decoder(WireEvent)
EVENT_ID = msgspec.json.Decoder(WireId)
PAGE = msgspec.json.Decoder(WirePage)
