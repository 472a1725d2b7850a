"""The rollups of the box office as dbt refreshes them, recorded once and replayed in milliseconds."""

from collections.abc import Callable
from typing import Any

from tests.support.oracle import differences
from tests.support.recorded_refresh import Refresh, record
from tickettape.database import Connection
from tickettape.rollups.registry import SALES_ROLLUPS

ALONE = ("run", "--select", "+tag:sales_rollup")  # +: with the views that they read


def record_sales() -> Refresh:
    """The statements of one refresh. The rollups are built on the test's database first."""
    return record(alone=ALONE, rollups=SALES_ROLLUPS)


def refresh_sales(
    connection: Connection, refresh: Refresh, between: Callable[[str], Any] | None = None, rounds: int = 20
) -> None:
    """Refresh until no mark is left."""
    for _ in range(rounds):
        if connection.execute("select count(*) from box_office.sales_marks").fetchone() == (0,):
            return
        for rollup in SALES_ROLLUPS:
            refresh.run(connection, rollup, between)
    raise AssertionError(f"marks are left after {rounds} refreshes")


def assert_sales_are_exact(connection: Connection) -> None:
    """Every rollup equals its recomputation, and no mark is left."""
    assert differences(connection, SALES_ROLLUPS) == dict.fromkeys(SALES_ROLLUPS, 0)
    for kept in ("sales_marks", "sales_claims"):
        assert connection.execute(f"select * from box_office.{kept}".encode()).fetchall() == []
