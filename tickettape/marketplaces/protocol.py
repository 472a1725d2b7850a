"""The protocol of every marketplace, and the types of its answers, events and inventories.

No requests and no wire format belong here; a marketplace has a folder of its own for both.
Nothing in this module knows Dagster, SQL or the clock of a schedule: a tick is an argument.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Literal, Protocol, Self

import msgspec

HIGHEST_PRICE_CENTS = 2**31 - 1
"""The most that a column of cents holds (int4): 21,474,836.47. One listing above it would fail a whole tick's COPY."""

HIGHEST_COUNT = 2**31 - 1
"""The most that a column of listings or tickets holds (int4), also for the totals of an answer."""

AnswerStatus = Literal["received", "missing", "blocked", "failed", "missed"]
InventoryStatus = Literal["ok", "empty", "partial"]
DateStatus = Literal["known", "time_tbd", "date_tbd", "postponed"]
SalesState = Literal["onsale", "offsale", "cancelled", "postponed", "rescheduled"]


class MarketplaceError(Exception):
    """A failure of the marketplace, or on the way to it. The message is a full sentence for an operator."""


class Missing(MarketplaceError):  # noqa: N818
    """The marketplace does not know the event: a miss, no inventory."""


class Refused(MarketplaceError):  # noqa: N818
    """The answer cannot be trusted and goes to quarantine. `reason` is the sentence to store with it.

    `payload` is what came, if the caller does not have it (a page of the catalogue).
    """

    def __init__(self, reason: str, payload: bytes | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.payload = payload


class Blocked(MarketplaceError):  # noqa: N818
    """The marketplace does not want to talk to us (401, 403, a challenge page). Never retried."""


class Unreachable(MarketplaceError):  # noqa: N818
    """No usable answer came within the deadline (5xx, time-outs, resets, 429 for too long), or the breaker is open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back when one event was polled, or why nothing did; "missed" if no request was sent.

    `body` is there only when `status` is "received"; it has not been read yet and may still turn out
    to be `Missing` or `Refused`. `http_status` is None when no status line arrived. `latency_ms` is
    that of the last attempt. `note` says what happened, to what, and what to do; `kind` is the class of
    the last reply, which tells more than `status` (for example throttled or passing).
    """

    external_id: str
    status: AnswerStatus
    http_status: int | None
    body: bytes | None
    fetched_at: datetime
    latency_ms: int
    note: str | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class StatedPriceRange:
    """The prices per ticket that a source states for an event whose listings it does not have. None: not stated."""

    market: Literal["resale", "primary"]
    price_basis: Literal["before_fees", "all_in", "unknown"]
    currency: str
    lowest_price_cents: int | None
    highest_price_cents: int | None


@dataclass(frozen=True, slots=True)
class MarketplaceEvent:
    """One event of the marketplace's catalogue. None: unknown.

    `date` is the UTC instant at which it starts. With the status "time_tbd" only its day at the venue is right. It is
    None exactly if the status is "date_tbd" or "postponed". A placeholder never becomes a date. `venue_id` is the
    source's own. `page_url` is where people see the event, as the source states it; it is never made up of an id. The
    sales state, the window of sale and the price range are those of the primary market; only a catalogue states them.
    """

    external_id: str
    name: str
    venue: str | None
    city: str | None
    state: str | None
    country: str | None
    venue_time_zone: str | None
    date: datetime | None
    category: str | None
    performer_id: str | None
    performer_name: str | None
    image_url: str | None
    date_status: DateStatus = "known"
    venue_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    sales_state: SalesState | None = None
    on_sale_at: datetime | None = None
    off_sale_at: datetime | None = None
    price_range: StatedPriceRange | None = None
    page_url: str | None = None


class Listing(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One offer with a price and a quantity. Prices are per ticket.

    `price_cents` is before fees. `all_in_price_cents` includes them and is never computed from the former. `buyable`
    has the quantities that may be bought, ascending. `deal_score` is the marketplace's, 0 to 10, if it has one.
    """

    listing_id: str
    zone_id: str
    section_id: str
    row: str
    quantity: int
    price_cents: int
    all_in_price_cents: int | None
    buyable: tuple[int, ...]
    deal_score: float | None


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the venue. `name` may be "" and may repeat; `tickets` is the stated number, or None."""

    zone_id: str
    name: str
    display_order: int
    tickets: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """A block of seats in one zone. `tickets` is the number that the marketplace states: None if it states none, 0 if
    only listings name the section."""

    section_id: str
    zone_id: str
    name: str
    tickets: int | None


@dataclass(slots=True)
class Inventory:
    """Everything one answer says about one event.

    `currency` (ISO 4217) is that of every price. `listings` are those with a price and a quantity; `counted_*` count
    every listing of the answer that could be read, `left_out` has a sentence for each one that could not. `stated_*`
    are the marketplace's own totals, None if it states none. `status` is "partial" exactly if `contradictions` has a
    sentence, and "empty" if nothing is for sale and nothing contradicts that.
    """

    external_id: str
    status: InventoryStatus
    currency: str
    listings: list[Listing]
    zones: list[Zone]
    sections: list[Section]
    stated_listings: int | None
    stated_tickets: int | None
    counted_listings: int
    counted_tickets: int
    stated_zone_tickets: int | None
    stated_section_tickets: int | None
    contradictions: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


class Catalogue(Protocol):
    """A source of events. Use it as `async with catalogue:`, within one event loop.

    A source of this kind alone has no listings: it is asked on demand, and never at a tick.
    """

    @property
    def source(self) -> str:
        """The name under which everything from here is stored."""
        ...

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent so far, retries included, by the class of the reply."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def event(self, external_id: str) -> MarketplaceEvent:
        """Ask for one event. Raises Missing, Blocked, Unreachable or Refused."""
        ...

    def upcoming_events(
        self,
        *,
        performer_id: str | None = None,
        venue_id: str | None = None,
        category_id: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[MarketplaceEvent | Refused]:
        """Go through all upcoming events that match, without hidden ones and passes for parking.

        An entry that cannot be read is yielded as a Refused, and does not affect the others. Raises Blocked,
        Unreachable or Refused if a page cannot be had, because a list that ends early would look like a complete one.
        """
        ...


class Marketplace(Catalogue, Protocol):
    """A place that sells tickets, with all listings of its events.

    To add one, make a folder with a client that extends `http_marketplace.HttpMarketplace` and pure functions from its
    bytes to `Inventory` and `MarketplaceEvent`, and add a line to `registry`.
    """

    first_rule: tuple[str, str] | None
    """The rule (kind, value) to track if there is none, so that a demonstration shows something at its first start."""
    paced: bool
    """Whether its budget limits the number of requests. It does not if there is no network."""
    requests_per_poll: int
    """How many requests `listings` sends for one event, retries aside. The poll schedule plans with it."""
    zones_need_two_answers: bool
    """Whether a zone counts as sold out only after two answers in a row without it. True if an answer states neither
    totals nor empty zones, so that a shortened one cannot be told from a complete one."""

    @property
    def knows_the_past(self) -> bool:
        """Whether `listings` can answer for a past `at`. Only a simulator can."""
        ...

    async def listings(self, external_id: str, at: datetime) -> Answer:
        """Ask for all listings of an event. Every failure of the network becomes an `Answer` too.

        `at` is the tick, UTC. A real marketplace answers about now and does not use it.
        """
        ...

    def read_listings(self, body: bytes, external_id: str, tolerance: float) -> Inventory:
        """Read the body of an `Answer` again, now or in years. Pure. Raises Missing or Refused.

        A listing that cannot be read is left out, with a sentence in `left_out`. The inventory is partial if a part of
        the venue would look sold out without it. If most listings cannot be read, the format has changed, and the
        answer is refused.
        `tolerance` is the share by which counts may differ from the stated totals (0.05 is 5 %).
        """
        ...

    def fields(self, body: bytes) -> set[str]:
        """The names of all fields in the body of an `Answer`, such as "tickets.aip"; none if it is not one. Pure."""
        ...
