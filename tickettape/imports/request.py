"""The request for an import, and its outcome."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from tickettape.imports.judged import ReadingRules

Captures = pd.DataFrame


class ImportRefused(Exception):  # noqa: N818
    """A file that is not imported, or not to its end. The message says why, what was written if anything, and what to
    do."""


@dataclass(frozen=True)
class ImportRequest:
    """What a person asked for. `whole_inventory`: each observation holds everything that was for sale.

    `ranges`: the file holds price ranges, not listings. `check_only`: read, judge and report, but write nothing.
    `into_marketplace`: the source is a marketplace, so a currency must be stated for events that have none yet.

    `bin_seconds`: the grid that times are rounded down to. None means exact seconds; then the file is refused if they
    look like one observation spread over several. `most_refused`: share of refused rows above which nothing is written.
    """

    source: str
    now: datetime
    mapping: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    events: Path | None = None
    time_zone: Any = None
    time_formats: tuple[str, ...] = ()
    event_date_formats: tuple[str, ...] = ()
    event_date_zone: Any = None
    encoding: str | None = None
    ranges: bool = False
    bin_seconds: int | None = None
    whole_inventory: bool = True
    most_refused: float = 0.1
    check_only: bool = False
    into_marketplace: bool = False

    @property
    def reading(self) -> ReadingRules:
        """How the file's values are read."""
        return ReadingRules(
            self.now,
            self.time_zone,
            self.bin_seconds or 1,
            self.defaults,
            self.time_formats,
            self.event_date_formats,
            self.event_date_zone,
        )


@dataclass
class ImportOutcome:
    """The outcome of an import. `partial`: observations that do not hold everything; `whole`: the others."""

    rows_read: int = 0
    rows_refused: int = 0
    rows_of_nothing: int = 0
    """Rows with neither a price nor a count: nothing to keep, and nothing wrong."""
    events: int = 0
    events_made: int = 0
    observations: int = 0
    whole: int = 0
    partial: int = 0
    unpriced: int = 0
    """Price ranges with counts only."""
    sold_out: str | None = None
    """What would look sold out, as a sentence."""
    captures: Counter[str] = field(default_factory=Counter)
    """added, replaced, unchanged, refused: of captures, or of price ranges"""
    doubles: int = 0
    repeats: int = 0
    """Rows that repeat another row of the same event and time."""
    corrections: int = 0
    """Rows that differ from another row of the same event and time, which counts instead."""
    changes: list[str] = field(default_factory=list)
    """The changes to rows and values: a line for each kind, with a count and an example."""
    unread: tuple[str, ...] = ()
    """The file's columns that are not read."""
    styles: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
