"""The bodies of promoters' requests, with their bounds."""

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from serving.requests.purchases import Body, Id, Instant, Money, Name, Section, Words


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a file name, or not a zone
        raise ValueError(f"{name!r} is not a time zone, such as America/Chicago") from None
    return name


Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Label = Annotated[Words, Field(max_length=100)]
Description = Annotated[Words, Field(max_length=10_000)]
ImageUrl = Annotated[str, Field(max_length=500, pattern=r"^https://[!-~]+$")]
Capacity = Annotated[int, Field(ge=1, le=1_000_000)]
Multiplier = Annotated[
    Decimal,
    Field(gt=0, max_digits=3, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": 0.01, "maximum": 9.99}),
]


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]


class _Event(Body):
    venue_time_zone: TimeZone | None = Field(
        default=None, description="The venue's time zone (IANA).", examples=["America/Chicago"]
    )
    end_time: Instant | None = Field(default=None, description="When it ends.", examples=["2027-06-20T22:00:00Z"])
    doors_open_time: Instant | None = Field(
        default=None, description="When the doors open.", examples=["2027-06-20T18:00:00Z"]
    )
    city: Label | None = Field(default=None, description="The venue's city.", examples=["Springfield"])
    country: Label | None = Field(default=None, description="The venue's country.", examples=["US"])
    category: Label | None = Field(default=None, description="What kind of event it is.", examples=["concert"])
    description: Description | None = Field(
        default=None, description="What it is about.", examples=["An evening of samples."]
    )
    image_url: ImageUrl | None = Field(
        default=None, description="The URL of a picture.", examples=["https://example.com/1.jpg"]
    )
    capacity: Capacity | None = Field(
        default=None, description="The most that tiers and seats may have together.", examples=[6_200]
    )


class NewEvent(_Event):
    """An event to be sold. It is a draft until it is put on sale."""

    title: Name = Field(description="The title.", examples=["Sample concert"])
    venue: Name = Field(description="Where it takes place.", examples=["Sample Hall"])
    start_time: Instant = Field(description="When it begins.", examples=["2027-06-20T19:00:00Z"])
    currency: Currency = Field(default="USD", description="The currency of every price (ISO 4217).", examples=["USD"])


class ChangedEvent(_Event):
    """What is to change. What is not named stays."""

    title: Name | None = Field(default=None, description="The title.", examples=["Sample concert"])
    venue: Name | None = Field(default=None, description="Where it takes place.", examples=["Sample Hall"])
    start_time: Instant | None = Field(default=None, description="When it begins.", examples=["2027-06-20T19:00:00Z"])
    status: Literal["on_sale", "off_sale", "cancelled", "ended"] | None = Field(
        default=None, description="Put it on sale or off, cancel it or end it.", examples=["on_sale"]
    )

    @model_validator(mode="after")
    def _keep_what_must_be(self) -> "ChangedEvent":
        for name in ("title", "venue", "start_time", "status"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it")
        return self


class NewTier(Body):
    """Tickets to be sold by quantity."""

    name: Name = Field(description="The tier's name.", examples=["Standing"])
    price: Money = Field(description="The price of one ticket.", examples=[40])
    quantity: int = Field(ge=0, le=1_000_000, description="How many tickets it has.", examples=[1_000])
    description: Description | None = Field(default=None, description="What it includes.", examples=["The floor."])
    min_purchase: int = Field(default=1, ge=1, le=1_000, description="The fewest tickets in one order.", examples=[1])
    max_purchase: int = Field(default=10, ge=1, le=1_000, description="The most tickets in one order.", examples=[10])
    sale_start_time: Instant | None = Field(
        default=None, description="When its sale begins.", examples=["2027-01-20T10:00:00Z"]
    )
    sale_end_time: Instant | None = Field(
        default=None, description="When its sale ends.", examples=["2027-06-20T17:00:00Z"]
    )


class ChangedTier(Body):
    """What is to change. What is not named stays."""

    price: Money | None = Field(default=None, description="The price of one ticket.", examples=[45])
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="How many tickets it has: no fewer than are sold or reserved.", examples=[1_200]
    )
    is_active: bool | None = Field(default=None, description="Whether it is shown and sold.", examples=[True])
    reason: Words = Field(
        default="changed by the promoter", description="Why, for the log of prices.", examples=["Demand"]
    )


class NewPrices(Body):
    """A multiplier for the base prices of free seats. What is held or sold keeps its price."""

    multiplier: Multiplier = Field(description="What to multiply by.", examples=[1.1])
    section: Section | None = Field(default=None, description="Only this section.", examples=["S01"])
    reason: Words = Field(min_length=1, description="Why, for the log of prices.", examples=["Half are sold"])


class RefundSale(Body):
    """Tickets to refund. The money goes back to the buyer, and the tickets are free again."""

    order_id: Id | None = Field(default=None, description="The order.", examples=[7])
    booking_id: Id | None = Field(default=None, description="Or the booking.", examples=[None])
    tickets: Annotated[list[Id], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Only these of its tickets. Default: all that are valid.", examples=[[11]]
    )
    reason: Words = Field(default="asked for", description="Why.", examples=["asked for"])

    @model_validator(mode="after")
    def _one_of_both(self) -> "RefundSale":
        if (self.order_id is None) == (self.booking_id is None):
            raise ValueError("give exactly one of order_id and booking_id")
        return self


class ScanTicket(Body):
    """A ticket at the door."""

    ticket_code: Words = Field(
        min_length=1, max_length=255, description="Its code.", examples=["4e1f7a0c9b2d4e1f8a3b5c6d7e8f9a0b"]
    )
