"""The answers about price alerts; see `answers` for what all models keep to. They are JSON only."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serving.answers import PageUrl
from tickettape.price_alerts import RuleForm

RULE_ID = "0b1f8c9e-52f3-4c55-8f0e-5c1c8a2f1d3a"  # the rule of all examples
_AT = "2026-11-20T12:50:00+00:00"


class AlertRule(RuleForm):
    """A rule as it is stored."""

    rule_id: UUID = Field(description="The rule.", examples=[RULE_ID])
    name: str = Field(description="What messages call it.", examples=["2 tickets for at most 100.00 with fees"])
    created_at: datetime = Field(description="When it was made.", examples=[_AT])
    updated_at: datetime = Field(description="When it was last changed.", examples=[_AT])


class AlertRules(BaseModel):
    """The rules of the key's tenant."""

    data: list[AlertRule] = Field(description="The rules, the newest first.")
    feed: str | None = Field(
        description="The address of an Atom feed of what they tell. Whoever has it can read it. Null: the operator has "
        "set no key.",
        examples=["https://tickets.example.com/alerts/feed/…"],
    )


class AlertOccasion(BaseModel):
    """What a rule came to, told or not."""

    occasion_id: int = Field(description="Its number, which grows.", examples=[7])
    rule_id: UUID = Field(description="The rule.", examples=[RULE_ID])
    rule: str = Field(description="The rule's name.", examples=["2 tickets for at most 100.00 with fees"])
    event_id: UUID = Field(description="The event.", examples=["9f0c6c1e-4c51-4f0e-9c26-6a1d2f7c0b11"])
    event: str | None = Field(description="The event's name. Null: you may not see it any more.", examples=["A show"])
    venue: str | None = Field(description="Where it takes place.", examples=["United Center"])
    event_date: datetime | None = Field(description="When it begins.", examples=["2026-12-05T01:00:00+00:00"])
    outcome: Literal["tell", "quiet", "capped", "missed", "left_out", "withdrawn", "test"] = Field(
        description="`tell`: it is told. `quiet`: it was in quiet hours. `capped`: enough was told on the day. "
        "`missed`: the capture was read too late. `left_out`: a lone listing far below the next cheapest, probably a "
        "mistake. `withdrawn`: the marketplace corrected what was told. `test`: somebody tried the rule.",
        examples=["tell"],
    )
    timestamp: datetime = Field(description="Tick of the capture.", examples=[_AT])
    decided_at: datetime = Field(description="When it was decided.", examples=[_AT])
    listing_id: str | None = Field(description="The listing.", examples=["VB123"])
    zone: str | None = Field(description="Its zone.", examples=["Lower Bowl"])
    section: str | None = Field(description="Its section.", examples=["107"])
    seat_row: str | None = Field(description="Its row.", examples=["12"])
    quantity: int | None = Field(description="Its tickets.", examples=[2])
    price: float | None = Field(description="Its price before fees.", examples=[76.0])
    all_in_price: float | None = Field(description="Its price with fees.", examples=[95.0])
    compared_with: float | None = Field(
        description="What the price is compared with: the median, an earlier price, or the next cheapest listing of an "
        "outlier.",
        examples=[120.0],
    )
    tickets_left: int | None = Field(description="Tickets that are left, for a rule about few.", examples=[4])
    cheaper_share: float | None = Field(
        description="The share of the hours of the event's history in which its get-in price was lower. Known once it "
        "is sent.",
        examples=[0.03],
    )
    currency: str | None = Field(description="The currency of the prices.", examples=["USD"])
    page_url: PageUrl
    destination: str | None = Field(description="Where it was told.", examples=["my phone"])
    delivery: Literal["delivered", "waiting", "given up"] | None = Field(
        description="What became of the message. Null: there is none.", examples=["delivered"]
    )
    delivered_at: datetime | None = Field(description="When it was delivered.", examples=[_AT])
    attempts: int = Field(description="How often it was tried.", examples=[1])
    possible_repeats: int = Field(
        description="Attempts that may or may not have arrived. The message may have come that many times more.",
        examples=[0],
    )
    error: str | None = Field(description="Why the last attempt failed.", examples=["It answered 500."])


class AlertHistory(BaseModel):
    """What rules came to, the newest first."""

    data: list[AlertOccasion] = Field(description="Occasions.")
    next_before: int | None = Field(description="The `before` of the next page. Null: this is the last.", examples=[7])


class AlertDestination(BaseModel):
    """Where a tenant is told, without its address."""

    destination_id: UUID = Field(description="The destination.", examples=["6c1a3b6e-6a53-4a0d-8a4f-1f2a3b4c5d6e"])
    name: str = Field(description="Its name.", examples=["my phone"])
    kind: str = Field(description="What takes the message.", examples=["mail"])
    verified_at: datetime | None = Field(
        description="When its code was entered. Null: nothing is sent to it yet.", examples=[_AT]
    )
    created_at: datetime = Field(description="When it was added.", examples=[_AT])


class AlertDestinations(BaseModel):
    """The destinations of the key's tenant by name."""

    data: list[AlertDestination] = Field(description="Destinations.")


class NewAlertDestination(AlertDestination):
    """A destination that was added: a code is on its way to it."""

    secret: str | None = Field(
        description="What signs the messages to a webhook. It is shown only now. Null for other kinds.",
        examples=["whsec_…"],
    )


class PreviewedAlert(BaseModel):
    """A message that a rule would have sent."""

    event_id: UUID = Field(description="The event.", examples=["9f0c6c1e-4c51-4f0e-9c26-6a1d2f7c0b11"])
    event: str = Field(description="The event's name.", examples=["A show"])
    timestamp: datetime = Field(description="Tick of the capture.", examples=[_AT])
    price: float | None = Field(description="The price, on the rule's basis.", examples=[95.0])
    currency: str | None = Field(description="The currency of the price.", examples=["USD"])
    section: str | None = Field(description="The section.", examples=["107"])
    seat_row: str | None = Field(description="The row.", examples=["12"])
    quantity: int | None = Field(description="The tickets of the listing.", examples=[2])
    tickets_left: int | None = Field(description="Tickets that were left.", examples=[4])


class AlertPreview(BaseModel):
    """What a rule would have told in the last days."""

    since: datetime = Field(description="The beginning of the days.", examples=["2026-10-21T12:50:00+00:00"])
    events: int = Field(description="How many events the rule is about.", examples=[40])
    events_tried: int = Field(
        description="On how many of them it was tried: the next ones, as many as have 9,000 captures together. At "
        "least one.",
        examples=[2],
    )
    captures: int = Field(description="Their ok captures in these days.", examples=[4_200])
    basis_known: bool = Field(
        description="Whether the marketplace states prices on the rule's basis. If not, the rule cannot tell anything.",
        examples=[True],
    )
    told: int = Field(description="How many messages it would have sent.", examples=[3])
    left_out: int = Field(description="How many listings it would have left out as mistakes.", examples=[1])
    data: list[PreviewedAlert] = Field(description="The newest 200 of the messages, the oldest first.")
