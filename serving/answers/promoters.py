"""What the box office answers promoters with: their events, tiers, prices, sales and refunds."""

from datetime import datetime

from pydantic import BaseModel, Field

from serving.answers.box_office import CreatedAt, Currency, ForSale, TierId

_HOUR = "2026-11-20T12:00:00+00:00"


class PromoterEvent(ForSale):
    """An event of the promoter, with its sales. Amounts are in its currency."""

    capacity: int | None = Field(description="The most that tiers and seats may have together.", examples=[6_200])
    tickets_sold: int = Field(description="Tickets that are sold and not refunded.", examples=[1_300])
    tickets_available: int = Field(description="What is left of all tiers and seats.", examples=[4_900])
    gross: float = Field(description="What was paid.", examples=[120_000.0])
    refunds: float = Field(description="What was refunded.", examples=[240.0])
    net: float = Field(description="What was paid and not refunded.", examples=[119_760.0])
    service_fees: float = Field(description="The part of it that is fees.", examples=[0.0])
    sell_through: float | None = Field(description="The share that is sold, 0 to 1.", examples=[0.2097])
    last_sale_at: datetime | None = Field(description="When something was last sold.", examples=[_HOUR])


class PromoterEvents(BaseModel):
    """The promoter's events, by start."""

    data: list[PromoterEvent]


class PromoterTier(BaseModel):
    """A tier with its stock."""

    tier_id: TierId
    name: str = Field(description="The tier's name.", examples=["Standing"])
    price: float = Field(description="The price of one ticket.", examples=[40.0])
    quantity: int = Field(description="How many tickets it has.", examples=[1_000])
    sold: int = Field(description="How many are sold.", examples=[300])
    reserved: int = Field(description="How many are reserved by orders that are not paid yet.", examples=[4])
    available: int = Field(description="How many are free.", examples=[696])
    is_active: bool = Field(description="Whether it is shown and sold.", examples=[True])
    revenue: float = Field(description="The prices of the tickets that are sold.", examples=[12_000.0])


class PromoterTiers(BaseModel):
    """An event's tiers."""

    data: list[PromoterTier]


class SeatsAdded(BaseModel):
    """What a file of seats came to."""

    seats_added: int = Field(description="How many seats were added.", examples=[5_000])


class SeatsRepriced(BaseModel):
    """What a new multiplier came to."""

    seats_changed: int = Field(description="How many free seats changed their price.", examples=[640])


class PriceChange(BaseModel):
    """A price that was changed: of a tier, or of the free seats of a section or of all."""

    changed_at: datetime = Field(description="When.", examples=[_HOUR])
    tier_id: int | None = Field(description="The tier. Null for seats.", examples=[1])
    tier: str | None = Field(description="The tier's name.", examples=["Standing"])
    section: str | None = Field(description="The section. Null for all.", examples=["S01"])
    old_price: float | None = Field(description="The tier's price before.", examples=[40.0])
    new_price: float | None = Field(description="The tier's price after.", examples=[45.0])
    multiplier: float | None = Field(description="What the seats' base prices are multiplied by.", examples=[1.1])
    seats: int | None = Field(description="How many seats changed.", examples=[640])
    reason: str = Field(description="Why.", examples=["Half are sold"])


class PriceChanges(BaseModel):
    """The log of prices, the newest first."""

    data: list[PriceChange]


class SalesHour(BaseModel):
    """What one tier, or the seats, sold in an hour."""

    hour: datetime = Field(description="The hour (UTC).", examples=[_HOUR])
    tier_id: int | None = Field(description="The tier. Null for seats.", examples=[1])
    tier: str | None = Field(description="The tier's name.", examples=["Standing"])
    tickets: int = Field(description="Tickets sold, also those that were refunded later.", examples=[12])
    gross: float = Field(description="Their prices.", examples=[480.0])


class SalesTier(BaseModel):
    """What one tier, or the seats, sold in all."""

    tier_id: int | None = Field(description="The tier. Null for seats.", examples=[1])
    tier: str | None = Field(description="The tier's name.", examples=["Standing"])
    tickets: int = Field(description="Tickets sold, also those that were refunded later.", examples=[300])
    gross: float = Field(description="Their prices.", examples=[12_000.0])
    refunded_tickets: int = Field(description="How many of them were refunded.", examples=[6])


class Sales(BaseModel):
    """An event's sales by hour and by tier."""

    hours: list[SalesHour] = Field(description="By hour, the first hour first.")
    tiers: list[SalesTier] = Field(description="By tier.")


class Purchase(BaseModel):
    """A paid order or booking, without the person."""

    order_id: int | None = Field(description="The order.", examples=[7])
    booking_id: int | None = Field(description="The booking. Either this or `order_id` is null.", examples=[8])
    status: str = Field(description="The status of the order or booking.", examples=["paid"])
    total_amount: float = Field(description="What was to be paid.", examples=[80.0])
    currency: Currency
    refunded: float = Field(description="What was refunded of it.", examples=[0.0])
    tickets: list[int] = Field(description="Its tickets that are not refunded.", examples=[[11, 12]])
    created_at: CreatedAt
    paid_at: datetime = Field(description="When it was paid.", examples=[_HOUR])


class Purchases(BaseModel):
    """A page of what was bought, the newest first."""

    data: list[Purchase]
    next_cursor: str | None = Field(
        description="The `cursor` of the next page. Null: this is the last.", examples=["WyIyMDI2…"]
    )


class Refunded(BaseModel):
    """What is given back."""

    amount: float = Field(description="How much.", examples=[40.0])
    currency: Currency


class Scanned(BaseModel):
    """A ticket that has admitted somebody now."""

    ticket_id: int = Field(description="The ticket's number.", examples=[11])
