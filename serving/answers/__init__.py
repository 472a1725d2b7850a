"""What the API answers with: its rows, its pages and its problems, as OpenAPI names and describes them.

Nothing is built from these models: the database makes the rows, and a test compares real answers with the schema. An
answer has every field, always. What is not known is null. A field's first example is what the documentation shows.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

EVENT_ID = "9f0c6c1e-4c51-4f0e-9c26-6a1d2f7c0b11"  # the event of all examples
_TICK = "2026-11-20T12:50:00+00:00"

Granularity = Literal["hour", "day"]
Basis = Literal["before_fees", "all_in"]

EventId = Annotated[UUID, Field(description="The event.", examples=[EVENT_ID])]
ZoneName = Annotated[str, Field(description="The zone: the name that never changes.", examples=["Lower Bowl"])]
Currency = Annotated[
    str | None,
    Field(
        description="The currency of every price of the event (ISO 4217). Null until the event has been captured or "
        "imported.",
        examples=["USD"],
    ),
]
LastScraped = Annotated[datetime | None, Field(description="When it was last captured.", examples=[_TICK])]
NextCursor = Annotated[
    str | None, Field(description="The `cursor` of the next page. Null: this is the last.", examples=["WyJkYXRlIiwi…"])
]
Lowest = Annotated[
    float | None,
    Field(description="Lowest price: per ticket in the event's currency, before fees. Null if none.", examples=[120.0]),
]
Tickets = Annotated[int, Field(description="Tickets for sale.", examples=[84])]
Listings = Annotated[int, Field(description="Listings for sale.", examples=[31])]
EventName = Annotated[
    str,
    Field(description="The event's name; a simulated one says so.", examples=["Chicago Bulls vs. Boston Celtics"]),
]
Venue = Annotated[str, Field(description="Where it takes place.", examples=["United Center"])]
City = Annotated[str | None, Field(description="The venue's city.", examples=["Chicago"])]
VenueTimeZone = Annotated[str | None, Field(description="The venue's time zone (IANA).", examples=["America/Chicago"])]
Begins = Annotated[
    datetime | None,
    Field(
        description="When it begins (UTC). Null while that is to be determined.", examples=["2026-12-05T01:00:00+00:00"]
    ),
]
DateStatus = Annotated[
    Literal["known", "time_tbd", "date_tbd", "postponed"],
    Field(
        description="`known`; `time_tbd`: the day is right, the time is to be determined; `date_tbd`: the date is to "
        "be determined; `postponed`: there is no new date yet.",
        examples=["known"],
    ),
]
Category = Annotated[str | None, Field(description="What kind of event: NBA, concerts, …", examples=["NBA"])]
PerformerId = Annotated[str | None, Field(description="The marketplace's id of the main performer.", examples=["156"])]
PerformerName = Annotated[str | None, Field(description="The main performer.", examples=["Chicago Bulls"])]
ImageUrl = Annotated[
    str | None,
    Field(description="The URL of a picture, if there is one.", examples=["https://example.com/bulls.jpg"]),
]
PageUrl = Annotated[
    str | None,
    Field(
        description="Where people see the event at the marketplace, as the marketplace states it. Null if it does not.",
        examples=["https://www.vividseats.com/chicago-bulls-tickets/production/5990417"],
    ),
]
StartDate = Annotated[
    datetime, Field(description="The first hour or day, included.", examples=["2026-11-14T00:00:00+00:00"])
]
EndDate = Annotated[
    datetime, Field(description="The last hour or day, included.", examples=["2026-11-20T23:59:59.999999+00:00"])
]


def price_field(description: str, example: float) -> Any:
    """The field of a price."""
    return Field(description=f"{description}: per ticket in the event's currency. Null if none.", examples=[example])


class CatalogueEntry(BaseModel):
    """What the marketplace says about an event."""

    id: EventId
    source: str = Field(description="The marketplace; `simulator` if the data is simulated.", examples=["vividseats"])
    external_id: str = Field(description="The marketplace's id of the event.", examples=["5990417"])
    name: EventName
    venue: Venue
    city: City
    state: str | None = Field(description="The venue's state or province.", examples=["IL"])
    country: str | None = Field(description="The venue's country code.", examples=["US"])
    venue_time_zone: VenueTimeZone
    date: Begins
    date_status: DateStatus
    category: Category
    performer_id: PerformerId
    performer_name: PerformerName
    image_url: ImageUrl
    page_url: PageUrl
    active: bool = Field(description="Whether it is watched.", examples=[True])


class Event(CatalogueEntry):
    """An event that is or was watched."""

    created_at: datetime = Field(description="When it was first tracked.", examples=["2026-11-01T08:00:00+00:00"])
    updated_at: datetime = Field(
        description="When its catalogue entry last changed.", examples=["2026-11-20T06:00:00+00:00"]
    )
    last_scraped: LastScraped
    currency: Currency


class EventDetail(CatalogueEntry):
    """An event, its newest ok capture, and what is for sale at it."""

    last_scraped: LastScraped
    last_ok_at: datetime | None = Field(description="Tick of its newest ok capture.", examples=[_TICK])
    first_date: date | None = Field(description="The first UTC day with a capture.", examples=["2026-11-01"])
    zones: int = Field(description="Zones that were ever for sale.", examples=[6])
    available_zones: int = Field(description="Zones for sale now.", examples=[5])
    lowest_price: Lowest
    total_tickets: Tickets
    total_listings: Listings
    currency: Currency
    catalogue_event_id: UUID = Field(
        description="The same for all sides of the event: the `id` of the side that has been known for longest, of "
        "those that the key may see. For an event of one source, its own `id`.",
        examples=[EVENT_ID],
    )


class EventZone(BaseModel):
    """A zone of an event, and what is for sale in it."""

    zone: ZoneName
    display_name: str = Field(description="The marketplace's present name of the zone.", examples=["Lower Bowl"])
    display_order: int = Field(description="Its place in the marketplace's order.", examples=[0])
    sections: list[str] = Field(description="The marketplace's ids of its sections.", examples=[["107", "108"]])
    available: bool = Field(description="Whether it had tickets at the newest ok capture.", examples=[True])
    lowest_price: Lowest
    total_tickets: Tickets
    total_listings: Listings


class LatestPrice(BaseModel):
    """The prices of a zone at the event's newest ok capture. A zone that is sold out keeps its last price."""

    event_id: EventId
    zone: ZoneName
    available: bool = Field(description="False: the zone is sold out, and its prices are null.", examples=[True])
    section: str | None = Field(description="The cheapest section.", examples=["107"])
    lowest_price: Lowest
    average_price: float | None = price_field("Mean price of the listings, before fees", 154.31)
    highest_price: float | None = price_field("Highest price, before fees", 410.0)
    lowest_price_1ticket: float | None = price_field("Lowest price of exactly 1 ticket, before fees", 131.0)
    lowest_price_2tickets: float | None = price_field("Lowest price of exactly 2 together, before fees", 120.0)
    lowest_price_4tickets: float | None = price_field("Lowest price of exactly 4 together, before fees", 120.0)
    lowest_all_in_price: float | None = price_field("Lowest price with fees, as the marketplace states it", 151.2)
    total_tickets: Tickets
    total_listings: Listings
    timestamp: datetime = Field(description="Tick of the event's newest ok capture.", examples=[_TICK])
    last_price: float = Field(
        description="The zone's lowest price when it last had tickets: per ticket in the event's currency, before "
        "fees.",
        examples=[120.0],
    )
    last_priced_at: datetime = Field(description="Tick of `last_price`.", examples=[_TICK])
    created_at: datetime = Field(description="When the row was computed.", examples=["2026-11-20T12:51:04+00:00"])


class Point(BaseModel):
    """A zone in an hour or on a day."""

    timestamp: datetime = Field(description="Start of the UTC hour or day.", examples=["2026-11-20T12:00:00+00:00"])
    zone: ZoneName
    observed: bool = Field(
        description="Whether the event had an ok capture then. If not, nothing is known.", examples=[True]
    )


class PriceTrend(Point):
    """The prices of a zone in an hour or on a day."""

    min_price: float | None = price_field("Lowest price, on the `basis` of the answer", 120.0)
    avg_price: float | None = price_field("Mean price, before fees", 154.31)
    max_price: float | None = price_field("Highest price, before fees", 410.0)


class GroupPrice(Point):
    """The lowest prices of a zone for groups, in an hour or on a day."""

    price_1: float | None = price_field("Lowest price of exactly 1 ticket, before fees", 131.0)
    price_2: float | None = price_field("Lowest price of exactly 2 together, before fees", 120.0)
    price_4: float | None = price_field("Lowest price of exactly 4 together, before fees", 120.0)


class TicketCount(Point):
    """What was for sale in a zone in an hour or on a day. 0: it was sold out. Null: nothing is known."""

    total_tickets: int | None = Field(description="Tickets at the hour's last ok capture; null by day.", examples=[84])
    total_listings: int | None = Field(
        description="Listings at the hour's last ok capture; null by day.", examples=[31]
    )
    avg_tickets: float | None = Field(description="Mean number of tickets.", examples=[86.5])
    peak_tickets: int | None = Field(description="Most tickets.", examples=[90])
    min_tickets: int | None = Field(description="Fewest tickets.", examples=[84])


class EventPage(BaseModel):
    """A page of events."""

    data: list[Event]
    next_cursor: NextCursor


class EventZones(BaseModel):
    """The zones of an event, in the marketplace's order."""

    data: list[EventZone]


class LatestPrices(BaseModel):
    """The latest prices of an event's zones."""

    data: list[LatestPrice]


class EventSeries(BaseModel):
    """What was asked, defaults filled in, and a page of the points, by `timestamp` and `zone`."""

    event_id: EventId
    zone: str | None = Field(description="The zone. Null: every zone.", examples=["Lower Bowl"])
    start_date: StartDate
    end_date: EndDate
    granularity: Granularity = Field(description="Whether a point is an hour or a day.", examples=["hour"])
    currency: Currency
    next_cursor: NextCursor


class FilledSeries(EventSeries):
    """A series that can have points for hours or days without one."""

    fill: bool = Field(description="Whether hours or days without a point have one too.", examples=[False])


class Series(FilledSeries):
    """One of the three analytics."""

    basis: Basis = Field(description="Whether prices are before fees or with them.", examples=["before_fees"])


class PriceTrends(Series):
    """Prices of an event's zones by hour or day."""

    data: list[PriceTrend]


class GroupPrices(Series):
    """Prices of an event's zones for groups, by hour or day."""

    data: list[GroupPrice]


class TicketCounts(Series):
    """What was for sale in an event's zones, by hour or day."""

    data: list[TicketCount]


class Health(BaseModel):
    """Whether the service can answer."""

    status: Literal["ok", "waiting"] = Field(description="`waiting`: the first tick is not done.", examples=["ok"])
    detail: str = Field(default="", description="What is missing.")


class InvalidParameter(BaseModel):
    """A parameter that was refused."""

    parameter: str = Field(description="Its name.", examples=["granularity"])
    message: str = Field(description="What it may be.", examples=["Input should be 'auto', 'hour' or 'day'"])


class Problem(BaseModel):
    """A refusal or a failure (RFC 9457)."""

    type: str = Field(description="`about:blank`: the status says what kind it is.", examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Unprocessable Entity"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What happened, and what to do.", examples=["start_date is after end_date."])
    kind: str | None = Field(
        default=None,
        description="At the box office, why it refuses, as a word: `sold_out`, `taken`, `expired`, …",
        examples=["sold_out"],
    )
    errors: list[InvalidParameter] = Field(default=[], description="The parameters that were refused.")
