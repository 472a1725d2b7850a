"""Files of price ranges that are imported by command."""

import csv
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from tests.support.commands import run
from tickettape.database import Connection

HEADER = ["event", "time", "lowest_price", "average_price", "highest_price", "listings", "tickets"]
BASE = ["--ranges", "--source", "mine", "--default", "event_date=2027-06-01T19:00Z", "--time-zone", "UTC"]
ROWS: list[Sequence[Any]] = [
    ["7", "2026-11-20 12:00", "10.50", "20.123456", "99", 12, 40],
    ["7", "2026-11-20 12:10", "11", "", "98.99", "", 38],
    ["8", "2026-11-20 12:00", "", "", "", 3, ""],
]


def imports(file: Path, *arguments: str) -> str:
    code, output = run("import", str(file), *(arguments or BASE))
    assert code == 0, output
    return output


def write(file: Path, rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return file


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select external_id, tick, lowest_price_cents, average_price_cents, highest_price_cents, listings, tickets,
               market, price_basis, ranges.currency
           from market.price_ranges as ranges join market.events using (event_key) order by 1, 2"""
    ).fetchall()


def by_pandas(
    file: pd.DataFrame, *, event: Any, time: Any, market: str = "resale", **columns: str
) -> list[tuple[Any, ...]]:
    """What a file's price ranges are, by pandas alone: the last row of an event and time, cents rounded half up."""
    found = pd.DataFrame({"event": event, "time": time}, index=file.index)
    for name in HEADER[2:]:
        texts = file[columns[name]] if name in columns else pd.Series("", file.index)
        found[name] = [
            None if text in ("", "NA") or Decimal(text) == 0
            else int((Decimal(text) * (100 if "price" in name else 1)).quantize(Decimal(1), ROUND_HALF_UP))
            for text in texts
        ]  # fmt: skip
    found = found.astype(object).mask(found.isna(), other=None).drop_duplicates(["event", "time"], keep="last")
    return sorted(
        (str(row.event), row.time.to_pydatetime(), *row[HEADER[2:]], market, "unknown", "USD")
        for _, row in found.iterrows()
    )
