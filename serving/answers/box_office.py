"""What the box office answers buyers with: what is for sale, orders, bookings, tickets, the waitlist, accounts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serving.answers import VenueTimeZone

_SELLER = {"promoter_id": 7, "company": "Sample Promotions"}
_ANN = {"user_id": 7, "email": "ann@example.com", "full_name": "Ann Example", "promoter": _SELLER}
_SOON, _START = "2026-11-20T12:55:00+00:00", "2026-12-20T19:00:00+00:00"

Id = Annotated[int, Field(description="Its number.", examples=[7])]
EventNumber = Annotated[int, Field(description="The event's number.", examples=[1])]
EventTitle = Annotated[str, Field(description="The event's title.", examples=["Sample concert"])]
Currency = Annotated[str, Field(description="The currency of every price (ISO 4217).", examples=["USD"])]
Money = Annotated[float, Field(description="In the event's currency.", examples=[80.0])]
Refunded = Annotated[
    float,
    Field(description="What was given back, or is on its way: also a payment that came too late.", examples=[0.0]),
]
TierId = Annotated[int, Field(description="The tier's number.", examples=[1])]
SectionName = Annotated[str, Field(description="The section.", examples=["S01"])]
RowNumber = Annotated[str, Field(description="The row.", examples=["1"])]
SeatNumber = Annotated[str, Field(description="The seat within its row.", examples=["12"])]
SeatId = Annotated[int, Field(description="The seat's number, to hold it by.", examples=[12])]
SecondsLeft = Annotated[
    float | None,
    Field(description="Seconds until it expires, by the server's clock. Null if it cannot expire.", examples=[299.5]),
]
TicketIds = Annotated[
    list[int], Field(description="The numbers of its tickets. Empty until it is paid.", examples=[[]])
]
CreatedAt = Annotated[datetime, Field(description="When it was made.", examples=["2026-11-20T12:50:00+00:00"])]


class ForSale(BaseModel):
    """An event as the box office sells it."""

    event_id: EventNumber
    title: EventTitle
    description: str | None = Field(description="What it is about.", examples=["An evening of samples."])
    venue: str = Field(description="Where it takes place.", examples=["Sample Hall"])
    city: str | None = Field(description="The venue's city.", examples=["Springfield"])
    country: str | None = Field(description="The venue's country.", examples=["US"])
    category: str | None = Field(description="What kind of event it is.", examples=["concert"])
    image_url: str | None = Field(description="The URL of a picture.", examples=["https://example.com/1.jpg"])
    start_time: datetime = Field(description="When it begins.", examples=[_START])
    end_time: datetime | None = Field(description="When it ends.", examples=["2026-12-20T22:00:00+00:00"])
    doors_open_time: datetime | None = Field(description="When the doors open.", examples=["2026-12-20T18:00:00+00:00"])
    venue_time_zone: VenueTimeZone
    currency: Currency
    status: Literal["draft", "on_sale", "off_sale", "cancelled", "ended"] = Field(
        description="Whether it is on sale. Only its promoter sees a draft.", examples=["on_sale"]
    )
    has_tiers: bool = Field(description="Whether tickets are sold by quantity.", examples=[True])
    has_seats: bool = Field(description="Whether seats are sold.", examples=[True])


TicketsAvailable = Annotated[
    int, Field(description="Tickets and seats that can be bought now, in all.", examples=[4_200])
]
LowestPrice = Annotated[
    float | None, Field(description="The lowest price of what can be bought now. Null if nothing can.", examples=[30.0])
]


class EventOnSale(ForSale):
    """An event that is on sale, with what is left."""

    tickets_available: TicketsAvailable
    lowest_price: LowestPrice


class EventsOnSale(BaseModel):
    """A page of events that are on sale, the soonest first."""

    data: list[EventOnSale]
    next_cursor: str | None = Field(
        description="The `cursor` of the next page. Null: this is the last.", examples=["WyIyMDI2…"]
    )


class TierOnSale(BaseModel):
    """Tickets that are sold by quantity."""

    tier_id: TierId
    name: str = Field(description="The tier's name.", examples=["Standing"])
    description: str | None = Field(description="What it includes.", examples=["The floor before the stage."])
    price: float = Field(description="The price of one ticket.", examples=[40.0])
    available: int = Field(description="How many are free.", examples=[800])
    min_purchase: int = Field(description="The fewest tickets in one order.", examples=[1])
    max_purchase: int = Field(description="The most tickets in one order.", examples=[10])
    sale_start_time: datetime | None = Field(
        description="When its sale begins.", examples=["2026-11-01T10:00:00+00:00"]
    )
    sale_end_time: datetime | None = Field(description="When its sale ends.", examples=["2026-12-20T17:00:00+00:00"])
    on_sale: bool = Field(description="Whether its sale has begun and not ended.", examples=[True])


class SectionLeft(BaseModel):
    """A section that has free seats."""

    section: SectionName
    available: int = Field(description="How many seats are free.", examples=[640])
    lowest_price: float = Field(description="The lowest price of a free seat.", examples=[120.0])
    highest_price: float = Field(description="The highest price of a free seat.", examples=[180.0])


class Availability(BaseModel):
    """What is left of an event at this moment. Never cached."""

    event_id: EventNumber
    as_of: datetime = Field(description="The moment.", examples=["2026-11-20T12:50:00+00:00"])
    on_sale: bool = Field(description="Whether the event is on sale and has not begun.", examples=[True])
    tickets_available: TicketsAvailable
    lowest_price: LowestPrice
    tiers: list[TierOnSale] = Field(description="Its tiers.")
    sections: list[SectionLeft] = Field(description="Its sections with a free seat. The others have none.")


class MapSection(BaseModel):
    """A section's shape."""

    section: SectionName
    rows: int = Field(description="How many rows it has.", examples=[40])
    widest_row: int = Field(description="How many seats its widest row has.", examples=[25])
    seats: int = Field(description="How many seats it has.", examples=[1_000])
    view_quality_score: int | None = Field(description="How good the view is, 1 to 10.", examples=[10])
    distance_to_stage_meters: float | None = Field(description="How far the stage is, in metres.", examples=[12.0])


class SeatMap(BaseModel):
    """The sections of an event, the best view first: what does not change as people buy."""

    event_id: EventNumber
    seats: int = Field(description="How many seats there are in all.", examples=[5_000])
    sections: list[MapSection] = Field(description="Its sections.")


class MapSeat(BaseModel):
    """A seat."""

    seat_id: SeatId
    seat_number: SeatNumber
    price: float = Field(description="Its price.", examples=[180.0])
    status: Literal["AVAILABLE", "HOLD", "BOOKED"] = Field(
        description="Whether it is free, on hold, or sold.", examples=["AVAILABLE"]
    )


class MapRow(BaseModel):
    """A row of seats."""

    row_number: RowNumber
    seats: list[MapSeat] = Field(description="Its seats, in their order.")


class SectionSeats(BaseModel):
    """The seats of one section at this moment. Never cached."""

    event_id: EventNumber
    section: SectionName
    as_of: datetime = Field(description="The moment.", examples=["2026-11-20T12:50:00+00:00"])
    rows: list[MapRow] = Field(description="Its rows, in their order.")


class OfPromoter(BaseModel):
    """For whom a user sells."""

    promoter_id: Id
    company: str = Field(description="The company.", examples=["Sample Promotions"])


class User(BaseModel):
    """The user who is logged in."""

    user_id: Id
    email: str = Field(description="The e-mail address.", examples=["ann@example.com"])
    full_name: str = Field(description="The name.", examples=["Ann Example"])
    promoter: OfPromoter | None = Field(description="Null for those who only buy.", examples=[_SELLER])


class SellingRules(BaseModel):
    """How this box office sells."""

    provider: str = Field(description="Who takes the money: `simulated` or `stripe`.", examples=["simulated"])
    stripe_publishable_key: str | None = Field(description="For Stripe's payment form.", examples=["pk_test_1"])
    hold_seconds: int = Field(description="How long seats are held.", examples=[300])
    extensions: int = Field(description="How often a hold can be extended.", examples=[1])
    order_seconds: int = Field(description="How long an order is kept until it is paid.", examples=[900])
    most_seats: int = Field(description="The most seats of one booking.", examples=[50])
    now: datetime = Field(description="The server's clock.", examples=["2026-11-20T12:50:00+00:00"])
    user: User | None = Field(
        description="Who is logged in, so that a page learns it without a refusal. Null: nobody.", examples=[_ANN]
    )


class OrderLine(BaseModel):
    """Tickets of one tier in an order."""

    tier_id: TierId
    tier: str = Field(description="The tier's name.", examples=["Standing"])
    quantity: int = Field(description="How many tickets.", examples=[2])
    unit_price: float = Field(description="The price of one, as it was when the order was made.", examples=[40.0])


class Order(BaseModel):
    """Tickets of tiers for one buyer."""

    order_id: Id
    event_id: EventNumber
    event_title: EventTitle
    status: Literal["pending", "paid", "expired", "cancelled", "refunded", "partially_refunded"] = Field(
        description="`pending` until it is paid, cancelled or expired.", examples=["pending"]
    )
    subtotal: Money
    service_fee: Money
    tax: Money
    total_amount: Money
    currency: Currency
    expires_at: datetime | None = Field(
        description="Until when it is kept. Null unless it is pending.", examples=[_SOON]
    )
    seconds_left: SecondsLeft
    created_at: CreatedAt
    paid_at: datetime | None = Field(description="When it was paid.", examples=["2026-11-20T12:51:00+00:00"])
    refunded: Refunded
    lines: list[OrderLine] = Field(description="What it is for.")
    tickets: TicketIds


class Orders(BaseModel):
    """The buyer's orders, the newest first."""

    data: list[Order]


class BookedSeat(BaseModel):
    """A seat of a booking."""

    seat_id: SeatId
    section: SectionName
    row_number: RowNumber
    seat_number: SeatNumber
    price: float = Field(description="Its price, as it was when it was held.", examples=[180.0])


class Booking(BaseModel):
    """Seats for one buyer."""

    booking_id: Id
    event_id: EventNumber
    event_title: EventTitle
    status: Literal["HOLD", "CONFIRMED", "EXPIRED", "CANCELLED"] = Field(
        description="`HOLD` until it is confirmed by its payment, cancelled or expired.", examples=["HOLD"]
    )
    total_amount: Money
    currency: Currency
    hold_expires_at: datetime | None = Field(
        description="Until when the seats are held. Null otherwise.", examples=[_SOON]
    )
    seconds_left: SecondsLeft
    extensions_left: int = Field(description="How often the hold can still be extended.", examples=[1])
    created_at: CreatedAt
    confirmed_at: datetime | None = Field(description="When it was confirmed.", examples=["2026-11-20T12:51:00+00:00"])
    refunded: Refunded
    seats: list[BookedSeat] = Field(description="Its seats.")
    tickets: TicketIds


class Bookings(BaseModel):
    """The buyer's bookings, the newest first."""

    data: list[Booking]


class PaymentOutcome(BaseModel):
    """What paying came to."""

    payment_id: Id
    outcome: Literal["paid", "open", "failed", "returned", "known"] = Field(
        description="`paid`: bought. `known`: it was paid before. `open`: the buyer must act, with `client_secret`. "
        "`failed`: nothing was taken. `returned`: the money came too late, and is given back.",
        examples=["paid"],
    )
    provider: str = Field(description="Who takes the money.", examples=["simulated"])
    amount: Money
    currency: Currency
    client_secret: str | None = Field(description="For Stripe's payment form.", examples=["pi_1_secret_1"])


class Ticket(BaseModel):
    """A ticket."""

    ticket_id: Id
    ticket_code: str = Field(
        description="Admits whoever shows it, once.", examples=["4e1f7a0c9b2d4e1f8a3b5c6d7e8f9a0b"]
    )
    qr_code: str = Field(description="What its QR code says.", examples=["TICKET:4e1f7a0c9b2d4e1f8a3b5c6d7e8f9a0b"])
    status: Literal["valid", "used", "refunded", "void"] = Field(description="Whether it admits.", examples=["valid"])
    price: Money
    currency: Currency
    event_id: EventNumber
    event_title: EventTitle
    event_start_time: datetime = Field(description="When the event begins.", examples=[_START])
    venue: str = Field(description="Where.", examples=["Sample Hall"])
    city: str | None = Field(description="The venue's city.", examples=["Springfield"])
    venue_time_zone: VenueTimeZone
    tier: str | None = Field(description="The tier. Null for a seat.", examples=["Standing"])
    section: str | None = Field(description="The section. Null without a seat.", examples=["S01"])
    row: str | None = Field(description="The row.", examples=["1"])
    seat: str | None = Field(description="The seat.", examples=["12"])
    order_id: int | None = Field(description="The order it belongs to.", examples=[7])
    booking_id: int | None = Field(description="Its booking. Either this or `order_id` is null.", examples=[8])


class Tickets(BaseModel):
    """The buyer's tickets, the soonest event first."""

    data: list[Ticket]


class Offer(BaseModel):
    """Stock that is held for somebody of the waitlist. It is paid like any order or booking."""

    order_id: int | None = Field(description="The order to pay.", examples=[7])
    booking_id: int | None = Field(description="The booking to pay. Either this or `order_id` is null.", examples=[8])
    expires_at: datetime = Field(description="Until when it is held.", examples=[_SOON])
    seconds_left: float = Field(description="Seconds until then, by the server's clock.", examples=[86_000.0])


class WaitlistEntry(BaseModel):
    """A place on the waitlist."""

    waitlist_id: Id
    event_id: EventNumber
    event_title: EventTitle
    tier_id: int | None = Field(description="The tier that is wanted. Null: any.", examples=[1])
    quantity: int = Field(description="How many tickets together.", examples=[2])
    section_preference: str | None = Field(description="The section that is wanted.", examples=["S01"])
    max_price: float | None = Field(description="The highest price of one ticket.", examples=[100.0])
    place: int = Field(description="The place in the queue of the event. 1 is next.", examples=[1])
    notified: bool = Field(description="Whether something was offered.", examples=[False])
    offer: Offer | None = Field(
        description="What is offered.",
        examples=[{"order_id": 7, "booking_id": 8, "expires_at": _SOON, "seconds_left": 86_000.0}],
    )
    created_at: CreatedAt


class Waitlist(BaseModel):
    """The buyer's places on waitlists, the newest first."""

    data: list[WaitlistEntry]


class SignedUp(BaseModel):
    """The answer to every sign-up, whether or not the address was known."""

    detail: str = Field(
        description="What to do next.",
        examples=["You can log in now. If you had an account before, its password stays."],
    )


class Login(BaseModel):
    """A session that has begun."""

    session_id: Id
    token: str | None = Field(
        description="To be sent as `Authorization: Bearer`. Null if it is in the cookie.", examples=["pZ3v9…"]
    )
    expires_at: datetime = Field(description="When it ends.", examples=["2026-11-21T12:50:00+00:00"])
    user: User = Field(description="Who is logged in.")


class Session(BaseModel):
    """Where a user is logged in."""

    session_id: Id
    created_at: CreatedAt
    expires_at: datetime = Field(description="When it ends.", examples=["2026-11-21T12:50:00+00:00"])
    current: bool = Field(description="Whether it is the session of this request.", examples=[True])


class Sessions(BaseModel):
    """The user's sessions, the newest first."""

    data: list[Session]


class Received(BaseModel):
    """What became of a provider's message."""

    outcome: str = Field(description="`known` if it had come before.", examples=["paid"])
