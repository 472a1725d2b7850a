"""What a person asks of an import, and what came of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

Captures = pd.DataFrame


class ImportRefused(Exception):  # noqa: N818
    """A file that is not imported; nothing of it was written. The message says why and what to do."""


@dataclass(frozen=True)
class ImportRequest:
    """What a person asked for. `whole_inventory`: each observation holds all that was for sale at its event.

    `bin_seconds`: the grid that times are rounded down to; None: exact seconds, refused where they look like one
    observation spread over several. `most_refused`: share of refused rows above which nothing is written.
    """

    source: str
    now: datetime
    mapping: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    events: Path | None = None
    time_zone: Any = None
    bin_seconds: int | None = None
    whole_inventory: bool = True
    most_refused: float = 0.1
    tolerance: float = 0.05
    check_only: bool = False


@dataclass
class ImportOutcome:
    """What came of an import."""

    rows_read: int = 0
    rows_refused: int = 0
    events: int = 0
    captures: Counter[str] = field(default_factory=Counter)
    """added, replaced, unchanged, refused"""
    partial: int = 0
    doubles: int = 0
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
