"""Columns under other names."""

import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.imported_files import BASE, HEADER, ROWS, at, imports, write
from tests.support.oracle import assert_exact
from tickettape.database import Connection


def test_parquet_shuffled_rows_own_column_names_and_gzip_say_the_same_as_csv(
    connection: Connection, tmp_path: Path
) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    names = ["game", "seen", "area", "block", "usd", "n"]
    mapping = ",".join(f"{ours}={theirs}" for ours, theirs in zip(HEADER, names, strict=True))
    columns = list(zip(*reversed(ROWS), strict=True))
    typed: list[list[Any]] = [
        [int(game) for game in columns[0]], [datetime.fromisoformat(seen) for seen in columns[1]],
        list(columns[2]), list(columns[3]), [float(price) for price in columns[4]], list(columns[5]),
    ]  # fmt: skip
    pq.write_table(pa.table(dict(zip(names, typed, strict=True))), tmp_path / "mine.parquet")
    assert "3 unchanged" in imports(tmp_path / "mine.parquet", *BASE, "--map", mapping)
    plain = write(tmp_path / "mine.txt", ROWS, names).read_text().replace(",", ";")
    with gzip.open(tmp_path / "mine.csv.gz", "wt") as out:
        out.write(plain)
    assert "3 unchanged" in imports(tmp_path / "mine.csv.gz", *BASE, "--map", mapping)
    assert_exact(connection)


def test_what_stands_for_nothing_is_no_zone_and_no_price(connection: Connection, tmp_path: Path) -> None:
    many = [["7", at(0), "Floor", "A", "10.00", 1]] * 20
    rows = [*many, ["7", at(0), "NA", "A", "10.00", 1], ["7", at(0), "Floor", "A", "null", 1]]
    output = imports(write(tmp_path / "mine.csv", rows))
    assert "line 22: zone is missing" in output
    assert "line 23: price is missing" in output
