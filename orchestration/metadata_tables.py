"""Rows and figures as the UI shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg


def as_table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Rows as the UI's table; of no rows it could not know the columns."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord({name: _shown(v) for name, v in row.items()}) for row in rows])


def by_source(figures: Mapping[str, Mapping[str, Any]], *, several: bool) -> dict[str, Any]:
    """The figures of each source as one run's metadata. Where several are watched each name says whose it is: the UI
    plots a name over all runs."""
    if not several:
        return {name: value for of_one in figures.values() for name, value in of_one.items()}
    return {f"{name} ({source})": value for source, of_one in figures.items() for name, value in of_one.items()}


def _shown(value: Any) -> str | int | float:
    if value is None:
        return ""
    return value if isinstance(value, int | float | str) else str(value)
