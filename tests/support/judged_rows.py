"""Rows of a file that are judged."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from tickettape.imports.files import FileBatch
from tickettape.imports.judge_rows import judge_rows
from tickettape.imports.judged import JudgedRows, ReadingRules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = {"event": "1", "time": "2026-11-20T12:00:00Z", "zone": "Floor", "section": "A", "price": "10.50", "quantity": "2"}


def judged(*rows: Mapping[str, Any], **reading: Any) -> JudgedRows:
    columns = {name: pa.array([row.get(name) for row in rows]) for name in {*ROW, *(n for row in rows for n in row)}}
    lines = np.arange(2, 2 + len(rows), dtype=np.int64)
    return judge_rows(FileBatch(lines, columns, 1.0), ReadingRules(NOW, **reading))
