"""Small files that are imported by command."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.commands import run
from tests.support.markets import NOON
from tickettape.database import Connection

HEADER = ["event", "time", "zone", "section", "price", "quantity"]
BASE = ["--source", "mine", "--default", "event_date=2027-06-01T19:00Z"]


def imports(file: Path, *arguments: str) -> str:
    code, output = run("import", str(file), *(arguments or BASE))
    assert code == 0, output
    return output


def at(minutes: float = 0) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


ROWS: list[Sequence[Any]] = [
    ["7", at(0), "Floor", "A", "10.50", 2],
    ["7", at(0), "Floor", "A", "20.00", 4],
    ["7", at(0), "Stands", "101", "5.00", 1],
    ["7", at(10), "Floor", "A", "11.00", 2],
    ["8", at(0), "Floor", "A", "99.99", 2],
]


def write(file: Path, rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return file


def captures(connection: Connection, source: str = "mine") -> list[tuple[str, datetime, str]]:
    return connection.execute(
        """select external_id, tick, status from market.captures join market.events using (event_key)
           where source = %s order by 1, 2""",
        [source],
    ).fetchall()


def facts(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        """select c.event_key, c.tick, c.status, c.fetched_at, c.job_id, s.* from market.captures c
           left join market.section_snapshots s using (event_key, tick) order by 1, 2, s.section_key"""
    ).fetchall()


def refusals(connection: Connection) -> list[tuple[str | None, str, bool]]:
    return connection.execute(
        "select external_id, reason, replayed_at is not null from market.quarantine order by quarantine_id"
    ).fetchall()
