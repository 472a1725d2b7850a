"""The bodies of the box office's requests, with their bounds, and what all of its paths take."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Header, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from serving.requests.query_parameters import Cursor, Start, Text
from tickettape.box_office import Told

LARGEST_ID = 2**63 - 1
MOST_LINES, MOST_SEATS = 20, 200
FIRST_YEAR, LAST_YEAR = 1970, 2200
_NO_NULL = {"pattern": r"^[^\u0000]*$"}


def _without_null_character(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text cannot contain the character U+0000")
    return text


def _calendar(instant: datetime) -> datetime:
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError(f"the year must be {FIRST_YEAR} to {LAST_YEAR}")
    return instant.astimezone(UTC)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it must not be blank")
    return text.strip()


Words = Annotated[str, Field(max_length=500, json_schema_extra=_NO_NULL), AfterValidator(_without_null_character)]
"""Text that a person writes; the columns are longer."""

Id = Annotated[int, Field(ge=1, le=LARGEST_ID, strict=True)]
Money = Annotated[
    Decimal,
    Field(ge=0, le=9_999_999_999),
    AfterValidator(lambda amount: amount.quantize(Decimal("0.01"))),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 9_999_999_999}),
]
Instant = Annotated[AwareDatetime, AfterValidator(_calendar)]
Name = Annotated[Words, Field(min_length=1, max_length=255), AfterValidator(_not_blank)]
Section = Annotated[Words, Field(max_length=50)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Chosen by the client, a new one for each thing that it wants. A request that is sent again under "
        "the same key is carried out only once.",
        examples=["5f0f2d9e-8d4b-4d5e-9d2f-3a1c7a1b0c55"],
    ),
]


def in_path(description: str) -> Any:
    """A number in a path."""
    return Annotated[int, Path(ge=1, le=LARGEST_ID, description=description, examples=[1])]


EventInPath = in_path("The event's `event_id`.")
OrderInPath = in_path("The order's `order_id`.")
BookingInPath = in_path("The booking's `booking_id`.")
TicketInPath = in_path("The ticket's `ticket_id`.")
SessionInPath = in_path("The session's `session_id`.")
WaitlistInPath = in_path("The entry's `waitlist_id`.")
TierInPath = in_path("The tier's `tier_id`.")
SectionInPath = Annotated[
    str,
    Path(description="The section's name.", examples=["S01"], min_length=1, max_length=50, json_schema_extra=_NO_NULL),
    AfterValidator(_without_null_character),
]


class Body(BaseModel):
    """A body or a query without fields that are not described."""

    model_config = ConfigDict(extra="forbid")


class EventsOnSaleQuery(Body):
    """Which events."""

    search: Text = Field(default=None, description="Words of the title or the description.", examples=["concert"])
    city: Text = Field(default=None, description="The city, in any case.", examples=["Springfield"])
    category: Text = Field(default=None, description="The category, in any case.", examples=["concert"])
    start_from: Start = Field(default=None, description="The earliest start, included.")
    start_to: Start = Field(default=None, description="The latest start, included. A bare date means midnight UTC.")
    limit: int = Field(default=20, ge=1, le=100, description="The most events of the page.")
    cursor: Cursor = None


class TicketsQuery(Body):
    """Which tickets."""

    upcoming: bool = Field(default=False, description="Only valid tickets of events that have not begun.")


class PageQuery(Body):
    """A page."""

    limit: int = Field(default=100, ge=1, le=500, description="The most rows of the page.")
    cursor: Cursor = None


class SignUp(Body):
    """A new account."""

    email: Annotated[
        str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$", examples=["ann@example.com"])
    ] = Field(description="The e-mail address.")
    password: Annotated[Words, Field(min_length=10, max_length=128, examples=["correct horse"])] = Field(
        description="The password: 10 to 128 characters."
    )
    full_name: Annotated[Name, Field(examples=["Ann Example"])] = Field(description="The name.")


class LogIn(Body):
    """An address and a password."""

    email: Annotated[Words, Field(max_length=254, examples=["ann@example.com"])] = Field(
        description="The e-mail address."
    )
    password: Annotated[Words, Field(max_length=128, examples=["correct horse"])] = Field(description="The password.")
    cookie: bool = Field(default=False, description="Put the session into a cookie that no script can read.")


class Line(Body):
    """Tickets of one tier."""

    tier_id: Id = Field(description="The tier.", examples=[1])
    quantity: int = Field(ge=1, le=10_000, description="How many tickets.", examples=[2])


class ReserveTickets(Body):
    """An order."""

    lines: list[Line] = Field(min_length=1, max_length=MOST_LINES, description="What is wanted.")


class HoldSeats(Body):
    """Seats, chosen by the buyer."""

    seats: list[Id] = Field(
        min_length=1, max_length=MOST_SEATS, description="The seats' `seat_id`s.", examples=[[1, 2]]
    )


class HoldBest(Body):
    """Seats, chosen by the box office: together in a row, or else near each other."""

    quantity: int = Field(ge=1, le=MOST_SEATS, description="How many seats.", examples=[2])
    section: Section | None = Field(default=None, description="Only in this section.", examples=["S01"])
    most_price: Money | None = Field(default=None, description="The highest price of one seat.", examples=[200])


class Pay(Body):
    """How a simulated payment is to end. Empty for a real one."""

    simulate: Told | None = Field(
        default=None,
        description="Only for simulated payments: `succeed` (the default), `fail`, `delay` or `unreachable`.",
        examples=["succeed"],
    )


class JoinWaitlist(Body):
    """What somebody waits for."""

    tier_id: Id | None = Field(default=None, description="Only this tier.", examples=[None])
    quantity: int = Field(default=1, ge=1, le=50, description="How many tickets together.", examples=[2])
    section_preference: Section | None = Field(default=None, description="Only in this section.", examples=["S01"])
    max_price: Money | None = Field(default=None, description="The highest price of one ticket.", examples=[100])
