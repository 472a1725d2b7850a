"""The answers about links between events; see `answers` for what all models keep to."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serving.answers import EVENT_ID, NextCursor

LinkState = Literal["proposed", "automatic", "confirmed", "refused", "ended"]


class EventLink(BaseModel):
    """Two events of two sources, and whether they are one."""

    link_id: int = Field(description="The link.", examples=[17])
    state: LinkState = Field(
        description="`proposed`: a person should decide. `automatic`: a rule made it. `confirmed`, `refused`: a person "
        "decided, and no rule changes that. `ended`: a rule made or proposed it, and no longer finds it.",
        examples=["automatic"],
    )
    rule: str = Field(description="The rule that found it.", examples=["venue by name, city and coordinates"])
    confidence: float = Field(description="How sure the rule is, 0 to 1.", examples=[0.97])
    decided_at: datetime = Field(description="When its state was set.", examples=["2026-11-20T12:15:00+00:00"])
    day: date | None = Field(
        description="The day at the venue. This and the following fields of evidence are null for a link that was made "
        "by hand.",
        examples=["2026-12-04"],
    )
    km_apart: float | None = Field(
        description="Kilometres between the coordinates that the two sources state. Null if one states none.",
        examples=[0.12],
    )
    source: str = Field(description="The source whose name comes first in the alphabet.", examples=["gametime"])
    external_id: str = Field(description="Its id of the event.", examples=["62c612b069cc920001347734"])
    event_id: UUID | None = Field(description="The event. Null if it is not in the catalogue.", examples=[EVENT_ID])
    name: str | None = Field(description="Its name there. Null if it is not known.", examples=["Celtics at Bulls"])
    venue: str | None = Field(description="The venue there.", examples=["United Center"])
    city: str | None = Field(description="The city there.", examples=["Chicago"])
    start_time: str | None = Field(description="The start there, by the venue's clock.", examples=["19:00"])
    other_source: str = Field(description="The other source.", examples=["vividseats"])
    other_external_id: str = Field(description="Its id of the event.", examples=["5990417"])
    other_event_id: UUID | None = Field(
        description="The event there. Null if it is not in the catalogue.",
        examples=["1c7d20a4-6a2b-4f7e-8f0c-52c8f8a0d9e3"],
    )
    other_name: str | None = Field(description="Its name there.", examples=["Chicago Bulls vs. Boston Celtics"])
    other_venue: str | None = Field(description="The venue there.", examples=["United Center"])
    other_city: str | None = Field(description="The city there.", examples=["Chicago"])
    other_start_time: str | None = Field(description="The start there, by the venue's clock.", examples=["19:00"])


class EventLinks(BaseModel):
    """A page of links, the newest first."""

    may_decide: bool = Field(
        description="Whether the key is an operator's, who may confirm, refuse and undo.", examples=[False]
    )
    next_cursor: NextCursor
    data: list[EventLink]
