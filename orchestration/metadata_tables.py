"""Rows as the UI shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg


def as_table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Rows as the UI's table; of no rows it could not know the columns."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord({name: _shown(v) for name, v in row.items()}) for row in rows])


def _shown(value: Any) -> str | int | float:
    if value is None:
        return ""
    return value if isinstance(value, int | float | str) else str(value)
