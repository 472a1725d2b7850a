"""A rule as people write it: every field with its bounds, and what goes with what. Pure."""

from datetime import time
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from tickettape.price_alerts.rules import ALWAYS_EXCLUDED, Rule

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# exact where it is compared, and a number in JSON
Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Percent = Annotated[Number, Field(gt=0, lt=1000, max_digits=5, decimal_places=2)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name} is no time zone. Use a name such as America/New_York")
    return name


def _without_zone(clock: time) -> time:
    if clock.tzinfo is not None:
        raise ValueError("Give the time of day without an offset: it is in time_zone")
    return clock


Clock = Annotated[time, AfterValidator(_without_zone)]

NEEDS = {
    "below": "price",
    "below_median": "percent",
    "fell": "percent",
    "rose": "percent",
    "cheapest": "days",
    "few": "few",
    "back": None,
}
"""Condition -> the field that it needs."""


class RuleForm(BaseModel):
    """A rule of price alerts."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(
        default=None, description="What messages call it. Without one, it is named by what it says.", examples=["Dad"]
    )
    destination_id: UUID | None = Field(
        default=None, description="Where it tells. Null: only in the history and the feed.", examples=[None]
    )
    scope: Literal["event", "performer", "venue", "search"] = Field(
        default="event",
        description="What it is about: one event, or all events of a performer, at a venue, in a search.",
    )
    event_id: UUID | None = Field(
        default=None, description="The event, if `scope` is `event`.", examples=["9f0c6c1e-4c51-4f0e-9c26-6a1d2f7c0b11"]
    )
    about: Text | None = Field(
        default=None,
        description="The performer (id or name), the venue, or words of the event's name.",
        examples=[None],
    )
    zones: list[Text] = Field(default=[], max_length=200, description="Only these zones. Empty: all.")
    sections: list[Text] = Field(default=[], max_length=500, description="Only these sections. Empty: all.")
    excluded: list[Text] = Field(
        default=list(ALWAYS_EXCLUDED),
        max_length=50,
        description="Words in the name of a zone or section, or in a row, that exclude it.",
    )
    tickets: int | None = Field(
        default=2, ge=1, le=50, description="How many together, as the seller sells them. Null: any quantity."
    )
    at_least: bool = Field(default=False, description="`tickets` or more, instead of exactly that many.")
    basis: Literal["all_in", "before_fees"] = Field(default="all_in", description="Which price is compared.")
    condition: Literal["below", "below_median", "cheapest", "fell", "rose", "back", "few"] = Field(
        default="below",
        description="`below`: at most `price`. `below_median`: `percent` below its own median of 7 days. `cheapest`: "
        "the cheapest in `days`. `fell`, `rose`: by `percent` in a day. `back`: for sale again after it was sold out. "
        "`few`: at most `few` tickets left.",
    )
    price: Annotated[Number, Field(gt=0, max_digits=10, decimal_places=2)] | None = Field(
        default=None, description="Per ticket, in the event's currency.", examples=[100]
    )
    percent: Percent | None = Field(default=None, description="For `below_median`, `fell` and `rose`.", examples=[None])
    days: int | None = Field(default=None, ge=1, le=30, description="For `cheapest`.", examples=[None])
    few: int | None = Field(default=None, ge=1, le=100_000, description="For `few`.", examples=[None])
    captures: Literal[1, 2] = Field(
        default=2, description="At how many captures in a row a price must stand. 1: at once, also mistakes."
    )
    step_percent: Annotated[Number, Field(ge=1, le=100, max_digits=5, decimal_places=2)] = Field(
        default=Decimal(10), examples=[10], description="By how much a price must go further before it is told again."
    )
    valid_until: AwareDatetime | None = Field(default=None, description="When it ends. Null: never.", examples=[None])
    quiet_from: Clock | None = Field(default=None, description="Quiet hours begin.", examples=["23:00:00"])
    quiet_until: Clock | None = Field(default=None, description="Quiet hours end.", examples=["07:00:00"])
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="UTC",
        description="The person's time zone (IANA), for quiet hours and days.",
        examples=["Europe/Berlin"],
    )
    most_per_day: int = Field(default=5, ge=1, le=100, description="The most messages in a day.")
    tell_withdrawn: bool = Field(
        default=False, description="Whether to tell if the marketplace corrects a price that was told."
    )
    paused: bool = Field(default=False, description="Whether it tells nothing now.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.scope == "event") != (self.event_id is not None):
            raise ValueError("A rule about an event needs event_id, and no other rule has one")
        if (self.scope == "event") == (self.about is not None):
            raise ValueError("A rule about a performer, a venue or a search needs about, and no other rule has it")
        needed = NEEDS[self.condition]
        if needed and getattr(self, needed) is None:
            raise ValueError(f"The condition {self.condition} needs {needed}")
        if self.condition in ("below_median", "fell") and self.percent is not None and self.percent >= 100:
            raise ValueError("A price cannot fall by 100 percent or more")
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("Quiet hours need both quiet_from and quiet_until")
        if self.name is None:
            self.name = describe(self)
        return self

    def rule(self) -> Rule:
        """The rule as it is decided, without an id."""
        return Rule(
            rule_id=UUID(int=0),
            condition=self.condition,
            limit_cents=None if self.price is None else int(self.price * 100),
            percent=None if self.percent is None else float(self.percent),
            days=self.days,
            few=self.few,
            zones=frozenset(self.zones),
            sections=frozenset(self.sections),
            excluded=tuple(self.excluded),
            tickets=self.tickets,
            at_least=self.at_least,
            all_in=self.basis == "all_in",
            captures=self.captures,
            step_percent=float(self.step_percent),
            quiet=None if self.quiet_from is None or self.quiet_until is None else (self.quiet_from, self.quiet_until),
            time_zone=self.time_zone,
            most_per_day=self.most_per_day,
        )


RULE_FIELDS = tuple(RuleForm.model_fields)
"""The columns of api.alert_rules that people write."""


def describe(form: RuleForm) -> str:
    """A rule in words, such as `2 tickets for at most 100 with fees`."""
    tickets = "tickets" if form.tickets is None else "1 ticket" if form.tickets == 1 else f"{form.tickets} tickets"
    tickets = f"at least {tickets}" if form.at_least and form.tickets else tickets
    fees = "with fees" if form.basis == "all_in" else "before fees"
    said = {
        "below": f"{tickets} for at most {form.price:,.2f} {fees}" if form.price is not None else tickets,
        "below_median": f"{tickets} {_number(form.percent)} % below the median of 7 days, {fees}",
        "cheapest": f"{tickets} cheaper than in the last {form.days} days, {fees}",
        "fell": f"{tickets} {_number(form.percent)} % cheaper than a day before, {fees}",
        "rose": f"{tickets} {_number(form.percent)} % dearer than a day before, {fees}",
        "back": f"{tickets} back for sale",
        "few": f"at most {form.few} tickets left",
    }[form.condition]
    where = ", ".join([*form.zones, *form.sections])
    text = f"{said}{f' in {where}' if where else ''}"
    return (text[0].upper() + text[1:])[:200]


def _number(number: Decimal | None) -> str:
    return "" if number is None else f"{number.normalize():f}"
