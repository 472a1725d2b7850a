"""The labelled events, as two catalogues list them: tests/tickettape/catalogue/labelled_events.md."""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tickettape.catalogue.match_rules import ListedEvent
from tickettape.settings import ROOT

FILE = ROOT / "tests" / "tickettape" / "catalogue" / "labelled_events.csv"
Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass
class Situation:
    """Two catalogues, and which of their events are one."""

    trap: str
    left: list[ListedEvent] = field(default_factory=list)
    right: list[ListedEvent] = field(default_factory=list)
    labels: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def pairs(self) -> dict[Pair, bool]:
        """Every pair of a left and a right event, and whether it is one event."""
        return {
            (one.key, other.key): self.labels[one.key] == self.labels[other.key]
            for one in self.left
            for other in self.right
        }


def labelled_situations() -> list[Situation]:
    """All situations of the file."""
    found: dict[str, Situation] = {}
    sides: defaultdict[str, list[ListedEvent]] = defaultdict(list)
    with FILE.open(newline="") as file:
        for row in csv.DictReader(file):
            situation = found.setdefault(row["situation"], Situation(row["trap"]))
            zone = ZoneInfo(row["time_zone"])
            local = datetime.fromisoformat(row["local_start"]).replace(tzinfo=zone) if row["local_start"] else None
            event = ListedEvent(
                source=row["source"],
                external_id=row["external_id"],
                name=row["name"],
                venue_id=row["venue_id"],
                venue=row["venue"],
                city=row["city"],
                state=row["state"],
                latitude=float(row["latitude"]) if row["latitude"] else None,
                longitude=float(row["longitude"]) if row["longitude"] else None,
                time_zone=row["time_zone"],
                date=local.astimezone(UTC) if local else None,
                date_status=row["date_status"],
            )
            (situation.left if row["side"] == "left" else situation.right).append(event)
            situation.labels[event.key] = row["event"]
            sides[row["source"]].append(event)
    return list(found.values())
