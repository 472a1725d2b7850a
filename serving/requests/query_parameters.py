"""The query parameters of every path, with their bounds. Any other parameter or value is refused with a 422."""

import base64
import binascii
import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from serving.answers import EVENT_ID, Basis
from serving.answers.board import BoardSort
from serving.answers.links import LinkState
from serving.answers.listings import LISTING_ID
from serving.answers.series import Verdict
from serving.responses.problems import Problem

DEFAULT_LIMIT = 1_000
MOST_EVENTS = 200

_BLANK_FOR_PLUS = re.compile(r"(\dT[\d:.]+) (\d\d(?::?\d\d)?)\Z")
"""An instant whose + was not written as %2B: in a query string, a + means a blank."""


def _no_null_character(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text cannot contain the character U+0000")
    return text


def _instant(text: Any, at: time) -> Any:
    if not isinstance(text, str):
        return text
    try:
        if len(text) == len("2026-11-21"):
            return datetime.combine(date.fromisoformat(text), at, UTC)
        parsed = datetime.fromisoformat(_BLANK_FOR_PLUS.sub(r"\1+\2", text))
    except ValueError:
        raise ValueError("write an ISO 8601 date (2026-11-21) or instant (2026-11-21T10:00:00Z)") from None
    try:
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # in UTC it would lie before year 1 or after year 9999
        return datetime.min.replace(tzinfo=UTC) if parsed.year == 1 else datetime.max.replace(tzinfo=UTC)


_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, {"type": "null"}],
        "examples": ["2026-11-21", "2026-11-21T10:00:00Z"],
    }
)
Start = Annotated[datetime | None, BeforeValidator(lambda text: _instant(text, time.min)), _SCHEMA]
End = Annotated[datetime | None, BeforeValidator(lambda text: _instant(text, time.max)), _SCHEMA]
Text = Annotated[
    Annotated[
        str, Field(max_length=255, json_schema_extra={"pattern": r"^[^\u0000]*$"}), AfterValidator(_no_null_character)
    ]
    | None,
    Field(),
]
_NUMBER = BeforeValidator(lambda text: int(text) if isinstance(text, str) and text.isdecimal() else text)
OneTwoFour = Annotated[Literal[1, 2, 4], _NUMBER]
OneSevenThirty = Annotated[Literal[1, 7, 30], _NUMBER]
EventIdInPath = Annotated[UUID, Path(description="The event's `id`.", examples=[EVENT_ID])]
ListingIdInPath = Annotated[
    str,
    Path(
        description="The listing's `listing_id`.",
        examples=[LISTING_ID],
        max_length=255,
        json_schema_extra={"pattern": r"^[^\u0000]*$"},
    ),
    AfterValidator(_no_null_character),
]
Cursor = Annotated[
    str | None, Field(max_length=2_000, description="The `next_cursor` of the previous page, unchanged.")
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _TimeQuery(_Asked):
    """A range of time, in pages."""

    start_date: Start = Field(
        default=None,
        description="The first hour or day, included. A bare date means midnight UTC. Default: 7 days ago.",
    )
    end_date: End = Field(
        default=None,
        description="The last hour or day, included. A bare date includes the whole day. Default: now.",
    )
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, description="The most rows in the response.")
    cursor: Cursor = None


class _RangeQuery(_TimeQuery):
    """A range of an event's zones."""

    zone: Text = Field(
        default=None,
        description="The name of a zone, as in `/api/events/{event_id}/zones`. Default: every zone.",
        examples=["Lower Bowl"],
    )


class _BucketQuery(_TimeQuery):
    """A range by hour or day."""

    granularity: Literal["auto", "hour", "day"] = Field(
        default="auto",
        description="`auto` means by hour for up to 14 days, and by day for longer ranges. The response says which.",
    )
    fill: bool = Field(
        default=False,
        description=(
            "Also return a row for hours or days without one. Those that were not observed have `observed` false."
        ),
    )


class EventSeriesQuery(_BucketQuery, _RangeQuery):
    """A series of the event in the path."""


class _OfEvent(_Asked):
    event_id: UUID = Field(description="The event's `id`.", examples=[EVENT_ID])


class PriceSpreadQuery(_BucketQuery):
    """The cheapest and the dearest source of the event in the path."""

    tickets: OneTwoFour = Field(default=2, description="Prices are for this many tickets together.")
    basis: Basis = Field(
        default="all_in",
        description="Whether prices are with fees or before them. Two sources may exclude different fees.",
    )


class SharedOffersQuery(_Asked):
    """What is probably offered at two sources."""

    limit: int = Field(default=200, ge=1, le=DEFAULT_LIMIT, description="The most pairs in the response.")


class LinksQuery(_Asked):
    """Links between events of two sources."""

    state: LinkState | None = Field(default=None, description="Only links in this state.", examples=["proposed"])
    limit: int = Field(default=50, ge=1, le=DEFAULT_LIMIT, description="The most links in the response.")
    cursor: Cursor = None


class SeriesQuery(EventSeriesQuery, _OfEvent):
    """A series of an event's zones."""


class MarketDaysQuery(_RangeQuery):
    """For each day, how long the listings that went on it had been for sale."""

    verdict: Verdict = Field(
        default="sold",
        description="Only listings with this verdict, which is our judgement. `open`: it is too early to judge.",
    )


class PricedSeriesQuery(SeriesQuery):
    """A series of prices, before fees or all-in."""

    basis: Basis = Field(
        default="before_fees",
        description="`all_in` means with fees. Only the lowest all-in price is known; the other prices are null.",
    )


class ForecastQuery(_Asked):
    """The forecast of the event in the path."""

    zone: Text = Field(
        default=None,
        description="The name of a zone: the forecast of its lowest price. Default: the get-in price of the event.",
        examples=["Lower Bowl"],
    )


class ListingsQuery(_Asked):
    """The listings of the event in the path."""

    at: End = Field(
        default=None,
        description="The listings at the last ok capture until this time, at most a day older. A bare date means its "
        "end. Default: the newest.",
    )
    zone: Text = Field(default=None, description="The name of a zone. Default: every zone.", examples=["Lower Bowl"])
    tickets: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Only listings from which exactly this many tickets can be bought together.",
        examples=[2],
    )
    basis: Basis = Field(default="before_fees", description="The price by which they are sorted, the lowest first.")
    limit: int = Field(default=100, ge=1, le=DEFAULT_LIMIT, description="The most listings in the response.")
    cursor: Cursor = None


class ListingHistoryQuery(_Asked):
    """The states of the listing in the path."""

    limit: int = Field(default=100, ge=1, le=DEFAULT_LIMIT, description="The most states in the response.")
    cursor: Cursor = None


class _EventFilters(_Asked):
    """An event must match all given parameters."""

    search: Text = Field(default=None, description="Text in the event's name.", examples=["bulls"])
    venue: Text = Field(default=None, description="Text in the venue's name.", examples=["united"])
    city: Text = Field(default=None, description="The city.", examples=["Chicago"])
    category: Text = Field(default=None, description="The category.", examples=["NBA"])
    performer: Text = Field(
        default=None,
        description="Text in the main performer's name, or the performer's id.",
        examples=["Chicago Bulls"],
    )
    date_from: Start = Field(
        default=None,
        description="The event begins at or after this time. A bare date means midnight UTC.",
    )
    date_to: End = Field(
        default=None,
        description="The event begins at or before this time. A bare date includes the whole day.",
    )
    active: bool | None = Field(default=None, description="Whether the event is watched.", examples=[True])


class EventsQuery(_EventFilters):
    """A search for events. An event must match all given parameters."""

    sort: Literal["upcoming", "date", "-date", "name", "-name"] = Field(
        default="upcoming",
        description=(
            "The order of the events. `upcoming`: those to come, the soonest first; then those without a date; then "
            "past ones, the latest first. `-` means descending."
        ),
    )
    limit: int = Field(default=50, ge=1, le=MOST_EVENTS, description="The most events in the response.")
    cursor: Cursor = None


class BoardQuery(_EventFilters):
    """The board. An event must match all given parameters."""

    tickets: OneTwoFour = Field(default=2, description="Prices are for this many tickets together.")
    basis: Basis = Field(default="before_fees", description="Whether prices are before fees or with them.")
    sort: BoardSort = Field(
        default="movers",
        description="`movers`: the largest change in 7 days, up or down, as a share. Or a column, where `-` means "
        "descending. What has no value is last.",
    )
    group: Literal["performer"] | None = Field(
        default=None,
        description="Events of one performer together, each group in the order of `sort`.",
        json_schema_extra={"enum": ["performer"]},  # with one value pydantic writes `const`
    )
    sides: Literal["all", "one"] = Field(
        default="all",
        description="`one`: an event of several sources has one row, that of the source that has known it for longest. "
        "`all`: it has a row for each source.",
    )
    limit: int = Field(default=50, ge=1, le=MOST_EVENTS, description="The most events in the response.")
    cursor: Cursor = None


class MoversQuery(_EventFilters):
    """The zones whose prices changed most. Their event must match all given parameters."""

    days: OneSevenThirty = Field(default=7, description="How many days ago the earlier price was.")
    tickets: OneTwoFour = Field(default=2, description="Prices are for this many tickets together.")
    basis: Basis = Field(default="before_fees", description="Whether prices are before fees or with them.")
    direction: Literal["up", "down", "both"] = Field(default="both", description="Prices that rose, fell, or both.")
    limit: int = Field(default=50, ge=1, le=MOST_EVENTS, description="The most zones in the response.")
    cursor: Cursor = None


class NoParameters(_Asked):
    """No parameters."""


def encode_cursor(*values: object) -> str:
    """An opaque cursor: where a response ended."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decode_cursor(cursor: str, count: int) -> list[str]:
    """The values in a cursor. Raises Problem 422 if it is not one of ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        values = None
    if not isinstance(values, list) or len(values) != count or not all(isinstance(v, str) for v in values):
        raise Problem(422, "The cursor is not valid. Leave it out to begin at the start.")
    return values
