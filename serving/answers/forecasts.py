"""The answers about forecasts, their record, comparables and trends; see `answers` for what all models keep to."""

from datetime import date as day
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serving.answers import DateStatus, EventId, EventName, Venue, VenueTimeZone

_NO_TABLE = "Null: fewer than 100 events are over"
Horizon = Annotated[int, Field(description="How many days ahead: 1, 3, 7 or 14.", examples=[7])]
Phase = Annotated[
    Literal["0-3", "4-7", "8-14", "15-30", "over 30"],
    Field(description="Days to the event at the target.", examples=["4-7"]),
]


def _price(words: str, example: float) -> Any:
    return Field(description=f"{words}. Per ticket, in the currency of the event.", examples=[example])


def _share_of_past(words: str, example: float) -> Any:
    return Field(
        description=f"Of past events at this distance, the share whose price was {words} so many days later. "
        "Null: none are over.",
        examples=[example],
    )


class ForecastRange(BaseModel):
    """What the get-in price of an event may be on a day, what this was made of, and how right such ranges were."""

    event_id: EventId
    zone: str | None = Field(
        description="The zone whose lowest price it is. Null: the get-in price.", examples=["Lower Bowl"]
    )
    origin: datetime = Field(
        description="00:00 UTC: when the forecast was made, from what was known then.",
        examples=["2026-11-20T00:00:00+00:00"],
    )
    horizon_days: Horizon
    target: datetime = Field(description="The time it is about.", examples=["2026-11-27T00:00:00+00:00"])
    days_to_event: int = Field(description="Whole days from the target to the event.", examples=[6])
    phase: Phase
    origin_price: float = _price("Lowest price for one, two or four at the origin", 80.0)
    low: float | None = _price(f"8 in 10 lie between `low` and `high`. {_NO_TABLE}", 61.0)
    low_50: float | None = _price(f"Half lie between `low_50` and `high_50`. {_NO_TABLE}", 72.0)
    mid: float = _price("The forecast itself: the price at the origin, unless `gate_open`", 80.0)
    high_50: float | None = _price(f"Half lie between `low_50` and `high_50`. {_NO_TABLE}", 91.0)
    high: float | None = _price(f"8 in 10 lie between `low` and `high`. {_NO_TABLE}", 118.0)
    gate_open: bool = Field(
        description="Whether the forecasts of this horizon and phase had beaten the last price by more than chance.",
        examples=[False],
    )
    n: int = Field(description="Past cases like this one.", examples=[412])
    error_ratio: float | None = Field(
        description="L: the mean error of such forecasts over that of the last price, in the last 26 weeks. Below 1 is "
        "better. Null: none were scored yet.",
        examples=[0.97],
    )
    upper_bound: float | None = Field(
        description="The one-sided 95 % bound of L. Null: there are fewer than 8 weeks.", examples=[1.02]
    )
    coverage_80: float | None = Field(
        description="The share of scored prices between `low` and `high`. Null: none were scored yet.", examples=[0.79]
    )
    scored_forecasts: int = Field(description="How many forecasts were scored.", examples=[310])
    scored_events: int = Field(description="Their events.", examples=[120])
    cheaper_5: float | None = _share_of_past("over 5 % cheaper", 0.41)
    cheaper_10: float | None = _share_of_past("over 10 % cheaper", 0.3)
    dearer_5: float | None = _share_of_past("over 5 % dearer", 0.25)
    dearer_10: float | None = _share_of_past("over 10 % dearer", 0.18)
    base_events: int = Field(description="How many past events these shares are of.", examples=[150])


class Forecast(BaseModel):
    """The newest forecast of an event, by horizon. Empty: there is none, as for an event without a date."""

    data: list[ForecastRange]


class Comparable(BaseModel):
    """An event like the one that is asked for, at the same distance."""

    event_id: EventId
    comparable_id: UUID = Field(description="The comparable event.", examples=["8d0bb1a2-5cbb-4f6e-9c55-3b1ff3b9ac67"])
    name: EventName
    date: datetime = Field(description="When it begins or began (UTC).", examples=["2026-12-05T01:00:00+00:00"])
    days_to_event: int = Field(description="Days to the event that is asked for.", examples=[12])
    price: float = _price("Its get-in price", 80.0)
    price_basis: Literal["before_fees", "all_in", "unknown"] = Field(
        description="The basis of both prices.", examples=["before_fees"]
    )
    comparable_days_to_event: int = Field(description="Days to the comparable event, then.", examples=[11])
    comparable_price: float = _price("Its get-in price then", 95.0)
    comparables: int = Field(description="How many there are. With fewer than 8, there are none.", examples=[14])
    percentile: float = Field(description="The share of them that were cheaper, 0 to 1.", examples=[0.36])
    date_status: DateStatus
    venue: Venue
    venue_time_zone: VenueTimeZone


class Comparables(BaseModel):
    """Events like an event, the cheapest first."""

    data: list[Comparable]


class MarketTrend(BaseModel):
    """How the get-in prices of the same events moved."""

    scope: str = Field(description="`all`, or `category: …`.", examples=["all"])
    days: int = Field(description="Over how many days: 7 or 28.", examples=[7])
    as_of: day = Field(description="The last day (UTC).", examples=["2026-11-20"])
    change: float = Field(description="The change as a share: -0.05 is 5 % less.", examples=[-0.04])
    low: float = Field(description="The band of 95 %: its lower end.", examples=[-0.06])
    high: float = Field(description="The band of 95 %: its upper end.", examples=[-0.01])
    trend: Literal["up", "down", "no trend"] = Field(description="`no trend`: the band holds 0.", examples=["down"])
    sell_through: float | None = Field(
        description="Estimated sold tickets, as a share of them and what is left. Null: no listings are known.",
        examples=[0.12],
    )
    events: int = Field(description="Events that were observed on both sides of a day.", examples=[240])


class MarketTrends(BaseModel):
    """The trends of the market. A scope with fewer than 20 events has none."""

    data: list[MarketTrend]


class Skill(BaseModel):
    """How right the forecasts of a horizon and phase were in the last 26 weeks."""

    measure: Literal["get_in", "listings", "sales", "zones"] = Field(
        description="`get_in`: prices. `listings`: their number. `sales`: tickets that were probably sold in a day. "
        "`zones`: their lowest prices.",
        examples=["get_in"],
    )
    horizon_days: Horizon
    phase: Phase
    looked_on: day = Field(description="The day of this record.", examples=["2026-11-20"])
    error_ratio: float | None = Field(
        description="L: the mean error of the table over that of the last value. Null: nothing was scored yet.",
        examples=[0.97],
    )
    upper_bound: float | None = Field(
        description="The one-sided 95 % bound of L. Null: there are fewer than 8 weeks.", examples=[1.02]
    )
    recent_error_ratio: float | None = Field(
        description="L of the newest 4 weeks. Null: nothing was scored yet.", examples=[0.99]
    )
    shown_error_ratio: float | None = Field(
        description="L of what was shown: 1 if the gate was shut. Null: nothing was scored yet.", examples=[1.0]
    )
    pinball_loss: float | None = Field(
        description="Mean pinball loss of the 10, 50 and 90 % quantiles. Null: nothing was scored yet.",
        examples=[0.031],
    )
    base_pinball_loss: float | None = Field(
        description="The same of the last value with ranges by days and volatility. Null: nothing was scored yet.",
        examples=[0.032],
    )
    coverage_80: float | None = Field(
        description="The share within the range of 80 %. Null: nothing was scored yet.", examples=[0.79]
    )
    coverage_50: float | None = Field(
        description="The share within the range of 50 %. Null: nothing was scored yet.", examples=[0.5]
    )
    forecasts: int = Field(description="Forecasts that were scored.", examples=[310])
    events: int = Field(description="Their events.", examples=[120])
    weeks: int = Field(description="Their weeks.", examples=[14])
    left_out: int = Field(description="Forecasts left out because their origin was voided.", examples=[0])
    first_origin: datetime | None = Field(
        description="The first origin. Null: nothing was scored yet.", examples=["2026-08-10T00:00:00+00:00"]
    )
    last_target: datetime | None = Field(
        description="The last target. Null: nothing was scored yet.", examples=["2026-11-19T00:00:00+00:00"]
    )
    passed: bool = Field(
        description="Whether L is below 1 by more than chance, all horizons and phases considered, and in the newest 4 "
        "weeks.",
        examples=[False],
    )
    gate_open: bool = Field(
        description="Whether forecasts may differ from the last value: at two weekly looks in a row it passed.",
        examples=[False],
    )


class ForecastSkill(BaseModel):
    """The record of the forecasts. Empty: no night has looked at it yet."""

    data: list[Skill]
