"""The answers of the board and of the movers; see `answers` for what all models keep to."""

from datetime import date as day
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serving.answers import (
    EVENT_ID,
    Basis,
    Begins,
    Category,
    City,
    Currency,
    DateStatus,
    EventId,
    EventName,
    ImageUrl,
    NextCursor,
    PerformerId,
    PerformerName,
    Venue,
    VenueTimeZone,
    ZoneName,
    price_field,
)

_TICK = "2026-11-20T12:50:00+00:00"
_PAST = "Null: there was no price then"

BoardSort = Literal[
    "movers", "name", "-name", "venue", "-venue", "city", "-city", "date", "-date", "category", "-category",
    "performer", "-performer", "price", "-price", "change_1day", "-change_1day", "change_7days", "-change_7days",
    "change_30days", "-change_30days", "share_1day", "-share_1day", "share_7days", "-share_7days", "share_30days",
    "-share_30days", "total_tickets", "-total_tickets", "total_listings", "-total_listings", "sold_tickets_1day",
    "-sold_tickets_1day", "last_ok_at", "-last_ok_at", "age_minutes", "-age_minutes",
]  # fmt: skip


def _change(days: str, example: float) -> Any:
    return Field(description=f"`price` minus that of {days} earlier. {_PAST}.", examples=[example])


def _share(days: str, example: float) -> Any:
    return Field(
        description=f"This change as a share of the price of {days} earlier: -0.1 is 10% less. {_PAST}.",
        examples=[example],
    )


class BoardRow(BaseModel):
    """An event, with what a person looks for first. `price` is for the `tickets` and the `basis` of the answer."""

    id: EventId
    source: str = Field(description="The marketplace.", examples=["vividseats"])
    simulated: bool = Field(description="Whether its data is simulated.", examples=[False])
    name: EventName
    venue: Venue
    city: City
    venue_time_zone: VenueTimeZone
    date: Begins
    local_date: day | None = Field(
        description="The day on which it begins at the venue. Null if the date or the time zone is not known.",
        examples=["2026-12-04"],
    )
    date_status: DateStatus
    category: Category
    performer_id: PerformerId
    performer_name: PerformerName
    image_url: ImageUrl
    currency: Currency
    price: float | None = price_field("Get-in price at the newest ok capture of its hour", 120.0)
    change_1day: float | None = _change("a day", -4.0)
    change_7days: float | None = _change("7 days", -15.0)
    change_30days: float | None = _change("30 days", 10.0)
    share_1day: float | None = _share("a day", -0.0323)
    share_7days: float | None = _share("7 days", -0.1111)
    share_30days: float | None = _share("30 days", 0.0909)
    sparkline: list[float | None] = Field(
        description="The week until the newest ok capture in 56 prices, the newest last: each that of the last "
        "observed hour of 3 hours. Null: not observed, or nothing for sale. Empty: no capture yet.",
        examples=[[135.0, 131.0, None, 120.0]],
    )
    price_1: float | None = price_field("Get-in price of exactly 1 ticket, before fees", 131.0)
    price_2: float | None = price_field("Get-in price of exactly 2 together, before fees", 120.0)
    price_4: float | None = price_field("Get-in price of exactly 4 together, before fees", 120.0)
    all_in_price_1: float | None = price_field("Get-in price of exactly 1 ticket, with fees", 165.1)
    all_in_price_2: float | None = price_field("Get-in price of exactly 2 together, with fees", 151.2)
    all_in_price_4: float | None = price_field("Get-in price of exactly 4 together, with fees", 151.2)
    total_tickets: int = Field(
        description="Tickets left. 0 also for a price range that does not state them.", examples=[840]
    )
    total_listings: int = Field(
        description="Listings left. 0 also for a price range that does not state them.", examples=[310]
    )
    sold_tickets_1day: int = Field(
        description="Tickets that were probably sold in the 24 hours before the newest ok capture.", examples=[36]
    )
    last_ok_at: datetime | None = Field(
        description="Tick of its newest ok capture, or of the newest price range.", examples=[_TICK]
    )
    age_minutes: int | None = Field(description="Whole minutes since then.", examples=[7])
    kind: Literal["listings", "price_range"] | None = Field(
        description="The source of the prices. `price_range`: an event without an ok capture, of which only ranges of "
        "prices are known. They do not say for how many tickets. Null: nothing is known yet.",
        examples=["listings"],
    )
    market: Literal["resale", "primary"] | None = Field(
        description="Who sells, for a price range. Null for listings.", examples=["resale"]
    )
    price_basis: Literal["before_fees", "all_in", "unknown"] | None = Field(
        description="The basis of a price range. With `basis` `all_in`, only those that are `all_in` have a price; "
        "otherwise, only the others. Null for listings, which have both.",
        examples=["before_fees"],
    )
    sources: int = Field(description="How many sources that the key may see have listings of this event.", examples=[2])
    cheapest_source: str | None = Field(
        description="The source with the lowest all-in price for `tickets`, in this currency, of the captures that are "
        "at most an hour older than the newest. Null if the event has one source, or no source states such a price.",
        examples=["gametime"],
    )
    cheapest_event_id: UUID | None = Field(description="The event there.", examples=[EVENT_ID])
    cheapest_all_in_price: float | None = price_field("The price there, with fees", 148.5)


class Board(BaseModel):
    """A page of the board."""

    tickets: Literal[1, 2, 4] = Field(description="`price` is for this many tickets together.", examples=[2])
    basis: Basis = Field(description="Whether `price` is before fees or with them.", examples=["before_fees"])
    next_cursor: NextCursor
    data: list[BoardRow]


class Mover(BaseModel):
    """A zone whose lowest price has changed."""

    event_id: EventId
    name: EventName
    venue: Venue
    date: Begins
    zone: ZoneName
    currency: Currency
    price: float = Field(description="Its lowest price now: per ticket in the event's currency.", examples=[120.0])
    previous_price: float = Field(description="Its lowest price `days` days earlier.", examples=[150.0])
    change: float = Field(description="`price` minus `previous_price`.", examples=[-30.0])
    share: float = Field(description="The change as a share of the earlier price.", examples=[-0.2])
    total_tickets: int = Field(description="Tickets left in the zone.", examples=[84])
    timestamp: datetime = Field(description="Tick of the event's newest ok capture.", examples=[_TICK])


class Movers(BaseModel):
    """A page of the zones whose prices changed most, the largest share first."""

    days: Literal[1, 7, 30] = Field(description="How many days lie between the two prices.", examples=[7])
    tickets: Literal[1, 2, 4] = Field(description="The prices are for this many tickets together.", examples=[2])
    basis: Basis = Field(description="Whether prices are before fees or with them.", examples=["before_fees"])
    next_cursor: NextCursor
    data: list[Mover]
