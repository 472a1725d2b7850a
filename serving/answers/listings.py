"""The answers about single listings; see `answers` for what all models keep to."""

from datetime import datetime

from pydantic import BaseModel, Field

from serving.answers import Basis, Currency, EventId, NextCursor, ZoneName, price_field

LISTING_ID = "VB123"  # the listing of all examples
_TICK = "2026-11-20T12:50:00+00:00"
_BUYABLE = "The quantities in which its tickets can be bought."


class Listing(BaseModel):
    """What one seller offers in one place at one price, at a tick."""

    listing_id: str = Field(description="The marketplace's id of the listing.", examples=[LISTING_ID])
    zone: ZoneName
    section: str = Field(description="Its section.", examples=["107"])
    seat_row: str = Field(description="Its row.", examples=["12"])
    quantity: int = Field(description="Tickets in it.", examples=[4])
    buyable: list[int] = Field(description=_BUYABLE, examples=[[2, 4]])
    price: float = Field(description="Its price: per ticket in the event's currency, before fees.", examples=[120.0])
    all_in_price: float | None = price_field("Its price with fees, as the marketplace states it", 151.2)
    deal_score: float | None = Field(description="The marketplace's score, if it has one.", examples=[8.4])
    first_seen_at: datetime = Field(
        description="Tick at which it was first seen.", examples=["2026-11-18T09:10:00+00:00"]
    )
    price_changes_7days: int = Field(description="How often its price changed in the 7 days until then.", examples=[3])
    last_repriced_at: datetime | None = Field(
        description="Tick of the last of these changes. Null: there was none.", examples=["2026-11-20T10:30:00+00:00"]
    )
    timestamp: datetime = Field(description="Tick at which all of this was seen.", examples=[_TICK])


class ListingState(BaseModel):
    """A listing as it was for some time."""

    from_tick: datetime = Field(description="The first tick that showed it so.", examples=["2026-11-18T09:10:00+00:00"])
    until_tick: datetime | None = Field(
        description="The first tick at which it was different or gone. Null: it has not changed since.",
        examples=[_TICK],
    )
    section: str = Field(description="Its section.", examples=["107"])
    seat_row: str = Field(description="Its row.", examples=["12"])
    quantity: int = Field(description="Tickets in it.", examples=[4])
    buyable: list[int] = Field(description=_BUYABLE, examples=[[2, 4]])
    price: float = Field(description="Its price: per ticket in the event's currency, before fees.", examples=[131.0])
    all_in_price: float | None = price_field("Its price with fees, as the marketplace states it", 165.1)
    deal_score: float | None = Field(description="The marketplace's score, if it has one.", examples=[7.9])


class Listings(BaseModel):
    """A page of an event's listings at a tick, the cheapest first."""

    event_id: EventId
    timestamp: datetime = Field(description="Tick of the ok capture that shows them.", examples=[_TICK])
    zone: str | None = Field(description="The zone. Null: every zone.", examples=["Lower Bowl"])
    tickets: int | None = Field(
        description="Only listings from which exactly this many tickets can be bought. Null: all listings.",
        examples=[2],
    )
    basis: Basis = Field(description="The price by which they are sorted.", examples=["before_fees"])
    currency: Currency
    next_cursor: NextCursor
    data: list[Listing]


class ListingHistory(BaseModel):
    """A page of the states of a listing, in their order."""

    event_id: EventId
    listing_id: str = Field(description="The marketplace's id of the listing.", examples=[LISTING_ID])
    currency: Currency
    next_cursor: NextCursor
    data: list[ListingState]
