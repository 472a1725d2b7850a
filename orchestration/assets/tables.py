"""Rows as the UI shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg


def as_table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue | str:
    """Rows as the UI's table; of no rows it could not know the columns."""
    if not rows:
        return "none"
    shown = [{name: v if isinstance(v, int | float | str) else str(v or "") for name, v in row.items()} for row in rows]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in shown])
