"""What Vivid Seats sends, as typed structs: the fields we depend on, by the wire's own names.

The format is the website's own, without documentation or versions. The fields that we depend on are typed, and an
answer is refused if they change. All others are ignored. `read_listings` and `read_catalogue` read the structs.
"""

import msgspec

CURRENCY = "USD"
MODULE = "vividseats/wire_format.py"


class WireTicket(msgspec.Struct, gc=False):
    """`tickets[]` of `/listings`; a value that is not known is absent."""

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


class WireRawListings(msgspec.Struct, rename={"globals_": "global"}):
    """The same with undecoded listings, so that one that cannot be read does not affect the others."""

    globals_: list[WireGlobal]
    tickets: list[msgspec.Raw]
    groups: list[WireGroup]
    sections: list[WireSection]
    i18n: WireCurrency


class WirePlace(msgspec.Struct):
    """The place of a listing of which nothing else may be readable."""

    d: str
    c: str


class WireUnknown(msgspec.Struct, rename={"globals_": "global"}):
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

    id: int | None = None
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
    localDate: str | None = None  # noqa: N815 - with a time zone's name in brackets at its end
    dateTbd: bool | None = None  # noqa: N815
    timeTbd: bool | None = None  # noqa: N815
    hidden: bool | None = None
    webPath: str | None = None  # noqa: N815 - of the page for people, on the same host
    venue: WireVenue | None = None
    performers: list[WirePerformer] | None = None


class WireId(msgspec.Struct):
    """The id of an item of which nothing else may be readable."""

    id: int


class WirePage(msgspec.Struct):
    """A page of `/productions` with undecoded items. Pages are counted from 1."""

    items: list[msgspec.Raw]
    numberOfPages: int  # noqa: N815


LISTINGS = msgspec.json.Decoder(WireListings)
RAW_LISTINGS = msgspec.json.Decoder(WireRawListings)
TICKET = msgspec.json.Decoder(WireTicket)
PLACE = msgspec.json.Decoder(WirePlace)
UNKNOWN = msgspec.json.Decoder(WireUnknown)
PRODUCTION = msgspec.json.Decoder(WireProduction)
PRODUCTION_ID = msgspec.json.Decoder(WireId)
PAGE = msgspec.json.Decoder(WirePage)
