"""What Gametime sends (`/v1`), as typed structs: the fields we depend on, by the wire's own names.

Nobody has documented it. `/v1/listings` is known from code that reads it, its fields from a recorded answer of `/v2`.
An answer is refused if a field that is named here is missing or of another type. All others are ignored.
"""

from typing import Any

import msgspec

CURRENCY = "USD"
"""No answer states a currency. Venues that show one are refused."""

MODULE = "gametime/wire_format.py"


class WirePrice(msgspec.Struct, gc=False):
    """Cents per ticket: before fees, and with fees and taxes."""

    prefee: int
    total: int


class WireListing(msgspec.Struct, gc=False):
    """`listings[]`: a row. `section_group` is a label, and the only zone there is."""

    id: str
    event_id: str
    section: str
    section_group: str
    row: str
    lots: list[int]
    price: WirePrice


class WirePlace(msgspec.Struct):
    """The place of a row of which nothing else may be readable."""

    section: str
    section_group: str


class WireListings(msgspec.Struct):
    """The answer of `/v1/listings`. An object in place of the list is the shape of another version."""

    listings: list[msgspec.Raw]


class WireLowest(msgspec.Struct):
    """`event.min_price`, in cents; 0 is taken for "nothing for sale"."""

    total: int


class WirePerformerOfEvent(msgspec.Struct):
    """`event.performers[]`."""

    id: str
    primary: bool = False


class WireEvent(msgspec.Struct):
    """`events[].event`. Both times are without an offset."""

    id: str
    name: str
    datetime_local: str
    datetime_utc: str
    tbd: bool
    time_tbd: bool
    date_tbd: bool
    min_price: WireLowest | None = None
    category: str | None = None
    performers: list[WirePerformerOfEvent] | None = None
    seo_url: Any = None  # seen only in code that reads it, so its type is not relied on


class WirePerformer(msgspec.Struct):
    """`events[].performers[]`."""

    id: str
    name: str | None = None
    hero_image_url: str | None = None


class WireLocation(msgspec.Struct):
    """`location` of a venue, in degrees."""

    lat: float | None = None
    lon: float | None = None


class WireVenue(msgspec.Struct):
    """`events[].venue`. It states no country. `timezone` has the right clock, and maybe another city's name."""

    timezone: str
    id: str | None = None
    name: str | None = None
    city: str | None = None
    state: str | None = None
    location: WireLocation | None = None
    show_currency: bool | None = None


class WireEntry(msgspec.Struct):
    """An entry of `/v1/events`."""

    event: WireEvent
    venue: WireVenue
    performers: list[WirePerformer] | None = None


class WireReference(msgspec.Struct):
    """The id of an entry."""

    id: str


class WireEntryReference(msgspec.Struct):
    """The id of an entry of which nothing else may be readable."""

    event: WireReference


class WirePage(msgspec.Struct):
    """A page of `/v1/events`, counted from 1."""

    events: list[msgspec.Raw]
    more: bool


class WireBody(msgspec.Struct):
    """The body of an `Answer`: what `/v1/events?id=` said just before, and the listings."""

    event: WirePage
    listings: WireListings


LISTING = msgspec.json.Decoder(WireListing)
PLACE = msgspec.json.Decoder(WirePlace)
BODY = msgspec.json.Decoder(WireBody)
ENTRY = msgspec.json.Decoder(WireEntry)
ENTRY_ID = msgspec.json.Decoder(WireEntryReference)
PAGE = msgspec.json.Decoder(WirePage)
