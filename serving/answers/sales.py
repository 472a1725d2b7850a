"""The answers about both markets of an event, and about what the box office sold."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field

from serving.answers import price_field

SOLD_EVENT = 7
_HOUR = "2026-11-20T12:00:00+00:00"

SoldEventId = Annotated[int, Field(description="The event, as the box office knows it.", examples=[SOLD_EVENT])]
FaceCurrency = Annotated[str, Field(description="The currency of its face values (ISO 4217).", examples=["USD"])]


class DayOfBothMarkets(BaseModel):
    """Both markets of an event, or of a zone, on a UTC day."""

    box_office_event_id: SoldEventId
    zone: str | None = Field(description="The zone. Null: the whole event.", examples=["Lower Bowl"])
    date: dt.date = Field(description="The UTC day.", examples=["2026-11-20"])
    currency: FaceCurrency
    lowest_face_value: float = Field(
        description="Lowest price at the box office now: per ticket in its currency, before fees.", examples=[80.0]
    )
    face_value: float | None = price_field("Mean face value of the tickets sold until then, before fees", 95.0)
    get_in_price: float | None = price_field("Lowest resale price of the day, before fees", 120.0)
    median_price: float | None = price_field("Median resale price at the end of the day, before fees", 150.0)
    get_in_premium: float | None = Field(
        description="How far get_in_price is above lowest_face_value: 0.5 is half more. Null if one is not known.",
        examples=[0.5],
    )
    premium: float | None = Field(
        description="How far median_price is above face_value. Null if one is not known.", examples=[0.5789]
    )
    tickets_sold: int = Field(description="Sold first-hand until then, and not returned.", examples=[1200])
    house: int = Field(description="Tickets offered first-hand in all, sold or not.", examples=[5000])
    listed_tickets: float = Field(description="For resale: the mean of the day.", examples=[310.5])
    listed_share: float | None = Field(description="Their share of the house.", examples=[0.0621])
    estimated_sales: int = Field(description="Tickets that were probably resold in the day.", examples=[22])


class BothMarkets(BaseModel):
    """The primary and the resale market of an event side by side; empty if the event is not sold here."""

    data: list[DayOfBothMarkets]


class SalesSummary(BaseModel):
    """What an event has sold, as of `created_at`."""

    event_id: SoldEventId
    title: str = Field(description="What the event is called.", examples=["A concert"])
    promoter_id: int | None = Field(description="The promoter. Null if none is named.", examples=[3])
    start_time: dt.datetime = Field(description="When it begins (UTC).", examples=["2026-12-05T01:00:00+00:00"])
    currency: FaceCurrency
    tickets_sold: int = Field(description="Tickets that are sold and did not come back.", examples=[1200])
    gross: float = Field(description="What was paid, with fees and taxes.", examples=[125400.0])
    refunds: float = Field(description="What was given back.", examples=[400.0])
    net: float = Field(description="gross less refunds.", examples=[125000.0])
    service_fees: float = Field(description="The part of gross that is the service fee.", examples=[11400.0])
    tickets_available: int = Field(description="Tickets and seats that are free.", examples=[3700])
    sell_through: float | None = Field(
        description="Tickets sold, as a share of those sold and those free. Null if there are none.", examples=[0.2449]
    )
    last_sale_at: dt.datetime | None = Field(description="The last payment. Null without one.", examples=[_HOUR])
    created_at: dt.datetime = Field(description="When this was summed up.", examples=[_HOUR])


class HourOfSales(BaseModel):
    """What a tier or a section sold in a UTC hour, at face value."""

    hour: dt.datetime = Field(description="Start of the UTC hour.", examples=[_HOUR])
    tier: str | None = Field(description="The tier. Null for a section of seats.", examples=["Standing"])
    section: str | None = Field(description="The section. Null for a tier.", examples=["A"])
    tickets_sold: int = Field(description="Tickets sold in the hour.", examples=[14])
    gross: float = Field(description="Their face value.", examples=[1120.0])
    tickets_returned: int = Field(description="Tickets that came back in the hour.", examples=[1])
    refunds: float = Field(description="Their face value.", examples=[80.0])


class EventSales(BaseModel):
    """What an event of the box office sold: in all, and by hour."""

    summary: SalesSummary = Field(
        description="In all.",
        examples=[{name: (field.examples or [None])[0] for name, field in SalesSummary.model_fields.items()}],
    )
    data: list[HourOfSales]
