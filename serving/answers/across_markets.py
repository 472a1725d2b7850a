"""The answers about one event at several sources; see `answers` for what all models keep to."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from serving.answers import Basis, Currency, EndDate, EventId, Granularity, NextCursor, StartDate, price_field

OTHER_EVENT_ID = "1c7d20a4-6a2b-4f7e-8f0c-52c8f8a0d9e3"
_TICK = "2026-11-20T12:50:00+00:00"
_SOURCE = "gametime"


def _cheapest(tickets: str) -> bool:
    field: bool = Field(
        description=f"Whether it has the lowest all-in price for {tickets}, of the fresh ones in this currency.",
        examples=[True],
    )
    return field


class MarketSide(BaseModel):
    """An event at one source: what it costs there, and how old that is."""

    source: str = Field(description="The marketplace.", examples=[_SOURCE])
    event_id: EventId
    external_id: str = Field(description="The marketplace's id of the event.", examples=["5990417"])
    last_ok_at: datetime | None = Field(
        description="Tick of its newest ok capture there. Null: no listings are known.", examples=[_TICK]
    )
    age_minutes: int | None = Field(description="Whole minutes since then.", examples=[7])
    fresh: bool = Field(
        description="Whether that is at most an hour older than the newest of all sides.", examples=[True]
    )
    currency: Currency
    price_1: float | None = price_field("Get-in price of exactly 1 ticket, before fees", 131.0)
    price_2: float | None = price_field("Get-in price of exactly 2 together, before fees", 120.0)
    price_4: float | None = price_field("Get-in price of exactly 4 together, before fees", 120.0)
    all_in_price_1: float | None = price_field("Get-in price of exactly 1 ticket, with fees", 165.1)
    all_in_price_2: float | None = price_field("Get-in price of exactly 2 together, with fees", 151.2)
    all_in_price_4: float | None = price_field("Get-in price of exactly 4 together, with fees", 151.2)
    cheapest_1: bool = _cheapest("1 ticket")
    cheapest_2: bool = _cheapest("2 together")
    cheapest_4: bool = _cheapest("4 together")
    total_tickets: int | None = Field(description="Tickets listed there. Null: not known.", examples=[840])
    total_listings: int | None = Field(description="Listings there. Null: not known.", examples=[310])
    ticket_share: float | None = Field(
        description="Its share of the tickets of all sides. A ticket that is listed twice counts twice.",
        examples=[0.62],
    )


class AcrossMarkets(BaseModel):
    """An event at each source that has it, by the name of the source."""

    data: list[MarketSide]


class PriceSpread(BaseModel):
    """The cheapest and the dearest source of an event, in an hour or on a day."""

    timestamp: datetime = Field(description="Start of the UTC hour or day.", examples=["2026-11-20T12:00:00+00:00"])
    observed: bool = Field(description="Whether any source had an ok capture then.", examples=[True])
    markets: int = Field(description="How many sources had a price.", examples=[2])
    lowest_price: float | None = price_field("Get-in price at the cheapest source", 120.0)
    lowest_source: str | None = Field(description="That source. Null if none had a price.", examples=[_SOURCE])
    highest_price: float | None = price_field("Get-in price at the dearest source", 131.0)
    highest_source: str | None = Field(description="That source. Null if none had a price.", examples=["vividseats"])
    spread: float | None = Field(
        description="The difference of the two, in the event's currency. Null if fewer than two sources had a price.",
        examples=[11.0],
    )


class PriceSpreads(BaseModel):
    """What was asked, defaults filled in, and a page of the points, by `timestamp`."""

    event_id: EventId
    tickets: Literal[1, 2, 4] = Field(description="The prices are for this many tickets together.", examples=[2])
    basis: Basis = Field(description="Whether prices are before fees or with them.", examples=["all_in"])
    start_date: StartDate
    end_date: EndDate
    granularity: Granularity = Field(description="Whether a point is an hour or a day.", examples=["hour"])
    currency: Currency
    fill: bool = Field(description="Whether hours or days without a point have one too.", examples=[False])
    next_cursor: NextCursor
    data: list[PriceSpread]


class SharedOffer(BaseModel):
    """Two listings of two sources that are probably one offer of one seller. This is an estimate."""

    section: str = Field(description="The section, as `source` names it.", examples=["107"])
    seat_row: str = Field(description="The row.", examples=["C"])
    quantity: int = Field(description="The number of tickets.", examples=[2])
    currency: Currency
    source: str = Field(description="The source whose name comes first in the alphabet.", examples=[_SOURCE])
    event_id: EventId
    listing_id: str = Field(description="The listing there.", examples=["6542f0a1"])
    price: float = Field(description="Its price there, before fees: per ticket.", examples=[120.0])
    all_in_price: float | None = price_field("Its price there, with fees", 151.2)
    other_source: str = Field(description="The other source.", examples=["vividseats"])
    other_event_id: EventId = Field(description="The event there.", examples=[OTHER_EVENT_ID])
    other_listing_id: str = Field(description="The listing there.", examples=["8801231"])
    other_section: str = Field(description="The section, as the other source names it.", examples=["Lower Bowl 107"])
    other_price: float = Field(description="Its price there, before fees: per ticket.", examples=[122.0])
    other_all_in_price: float | None = price_field("Its price there, with fees", 158.6)
    section_rule: Literal["exact", "last number"] = Field(
        description="Why the sections are taken for one: they are written alike, or their last number is the same.",
        examples=["last number"],
    )


RULE = "same section, row and number of tickets, prices before fees at most 10% apart, and no other listing fits"


class SharedOffers(BaseModel):
    """What is probably offered twice."""

    rule: str = Field(description="Why two listings are taken for one offer.", examples=[RULE])
    data: list[SharedOffer]
