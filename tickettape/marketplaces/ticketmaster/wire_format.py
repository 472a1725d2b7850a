"""What Ticketmaster's Discovery API sends (v2), as typed structs: the fields we depend on, by the wire's own names.

The fields that we depend on are typed, and an entry is refused if they differ. All others are ignored.
"""

import msgspec

MODULE = "ticketmaster/wire_format.py"


class WireStart(msgspec.Struct):
    """`dates.start`. `dateTime` is the UTC instant; it is absent if the date or the time is not known."""

    localDate: str | None = None  # noqa: N815 - the wire's name
    localTime: str | None = None  # noqa: N815
    dateTime: str | None = None  # noqa: N815
    dateTBD: bool = False  # noqa: N815
    dateTBA: bool = False  # noqa: N815
    timeTBA: bool = False  # noqa: N815
    noSpecificTime: bool = False  # noqa: N815


class WireStatus(msgspec.Struct):
    """`dates.status`."""

    code: str


class WireDates(msgspec.Struct):
    """`dates`. `initialStartDate`, the first date of a postponed event, is never read."""

    start: WireStart
    status: WireStatus
    timezone: str | None = None


class WirePublicSale(msgspec.Struct):
    """`sales.public`. A start in 1900 means that it is not known."""

    startDateTime: str | None = None  # noqa: N815
    endDateTime: str | None = None  # noqa: N815


class WireSales(msgspec.Struct):
    """`sales`."""

    public: WirePublicSale | None = None


class WirePriceRange(msgspec.Struct):
    """`priceRanges[]`: of the primary market, in units of the currency; both ends may be absent."""

    currency: str
    type: str | None = None
    min: msgspec.Raw = msgspec.Raw(b"null")
    max: msgspec.Raw = msgspec.Raw(b"null")


class WireNamed(msgspec.Struct):
    """Something with a name."""

    name: str | None = None


class WireClassification(msgspec.Struct):
    """`classifications[]`."""

    primary: bool = False
    segment: WireNamed | None = None
    type: WireNamed | None = None
    subType: WireNamed | None = None  # noqa: N815


class WireImage(msgspec.Struct):
    """`images[]`."""

    url: str
    ratio: str | None = None
    width: int = 0
    fallback: bool = False


class WireState(msgspec.Struct):
    """`state` of a venue."""

    stateCode: str | None = None  # noqa: N815


class WireCountry(msgspec.Struct):
    """`country` of a venue."""

    countryCode: str | None = None  # noqa: N815


class WireLocation(msgspec.Struct):
    """`location` of a venue: strings."""

    latitude: str | None = None
    longitude: str | None = None


class WireVenue(msgspec.Struct):
    """`_embedded.venues[]`, and the nameless `place` of an event of Universe."""

    id: str | None = None
    name: str | None = None
    timezone: str | None = None
    city: WireNamed | None = None
    state: WireState | None = None
    country: WireCountry | None = None
    location: WireLocation | None = None


class WireAttraction(msgspec.Struct):
    """`_embedded.attractions[]`: the first one is the headliner or the home team, by custom."""

    id: str
    name: str | None = None


class WireOfEvent(msgspec.Struct):
    """`_embedded` of an event."""

    venues: list[WireVenue] | None = None
    attractions: list[WireAttraction] | None = None


class WireEvent(msgspec.Struct, rename={"embedded": "_embedded"}):
    """An event. Its id is not the one in its URL."""

    id: str
    name: str
    dates: WireDates
    url: str | None = None
    test: bool = False
    sales: WireSales | None = None
    priceRanges: list[WirePriceRange] | None = None  # noqa: N815
    classifications: list[WireClassification] | None = None
    images: list[WireImage] | None = None
    place: WireVenue | None = None
    embedded: WireOfEvent | None = None


class WireId(msgspec.Struct):
    """The id of an entry of which nothing else may be readable."""

    id: str


class WireEvents(msgspec.Struct):
    """`_embedded` of a page."""

    events: list[msgspec.Raw]


class WirePageNumbers(msgspec.Struct):
    """`page`, counted from 0. `totalElements` stops at 10,000."""

    totalElements: int  # noqa: N815
    totalPages: int  # noqa: N815
    number: int


class WirePage(msgspec.Struct, rename={"embedded": "_embedded"}):
    """A page of a search. It has no `_embedded` if nothing was found."""

    page: WirePageNumbers
    embedded: WireEvents | None = None


EVENT = msgspec.json.Decoder(WireEvent)
EVENT_ID = msgspec.json.Decoder(WireId)
PAGE = msgspec.json.Decoder(WirePage)
