"""The table that SQL fits, against the same table by numpy."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.support.forecast_history import DAY, FIRST, random_history
from tickettape.database import Connection
from tickettape.forecasts.inputs import make_inputs, make_pairs
from tickettape.forecasts.quantile_table import fit

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
BINS = [0, 1, 2, 4, 8, 15, 31]
LATE = FIRST + 90 * DAY


@pytest.fixture
def pairs(connection: Connection) -> Iterator[list[tuple[Any, ...]]]:
    random_history(connection, events=130, drop=0.1)
    with connection.transaction():
        connection.execute("set local search_path = market, analytics, pg_temp")
        make_inputs(connection, "get_in")
        make_pairs(connection)
        yield connection.execute(
            "select horizon_days, days_to_event - horizon_days, volatility, deviation, move from forecast_pairs"
        ).fetchall()


def by_hand(pairs: list[tuple[Any, ...]], horizon: int, days_bin: int, volatility_bin: int, deviation_bin: int) -> Any:
    """The quantiles of a cell and the pairs in it, level by level."""

    def shrunk(rows: list[tuple[Any, ...]], parent: Any) -> Any:
        if not rows:
            return parent
        own = np.quantile([row[-1] for row in rows], LEVELS)
        return (len(rows) * own + 60 * parent) / (len(rows) + 60)

    rows = [row for row in pairs if row[0] == horizon]
    found = np.quantile([row[-1] for row in rows], LEVELS)
    rows = [row for row in rows if np.searchsorted(BINS, row[1], side="right") == days_bin]
    found = shrunk(rows, found)
    volatilities = np.quantile([row[2] for row in rows if row[2] is not None], [0.3333333333, 0.6666666667])
    deviations = np.quantile([row[3] for row in rows if row[3] is not None], [0.2, 0.4, 0.6, 0.8])
    if volatility_bin:
        rows = [row for row in rows if row[2] is not None
                and np.searchsorted(volatilities, row[2], side="right") + 1 == volatility_bin]  # fmt: skip
        found = shrunk(rows, found)
    if deviation_bin:
        rows = [row for row in rows if volatility_bin and row[3] is not None
                and np.searchsorted(deviations, row[3], side="right") + 1 == deviation_bin]  # fmt: skip
        found = shrunk(rows, found)
    return found, len(rows)


def test_each_cell_is_its_own_quantiles_drawn_to_its_parents(
    connection: Connection, pairs: list[tuple[Any, ...]]
) -> None:
    version = fit(connection, "get_in", LATE, {(1, "0-3"): (1.25, 1.5)})
    cells = connection.execute(
        """select horizon_days, days_bin, volatility_bin, deviation_bin, n, quantiles, base_quantiles, widths
           from market.forecast_cells where version = %s and days_bin > 0""",
        [version],
    ).fetchall()
    assert len(cells) == 4 * 7 * 4 * 6
    checked = 0
    for horizon, days_bin, volatility_bin, deviation_bin, n, quantiles, base, widths in cells:
        assert widths == ([1.25, 1.5] if (horizon, days_bin) in {(1, 1), (1, 2), (1, 3)} else [1, 1])
        assert quantiles == sorted(quantiles)
        if days_bin > 3:  # no origin of these targets has a volatility at 14 days
            continue
        expected, count = by_hand(pairs, horizon, days_bin, volatility_bin, deviation_bin)
        assert (n, quantiles) == (count, pytest.approx(list(expected)))
        parent, _ = by_hand(pairs, horizon, days_bin, volatility_bin, 0)
        assert base == pytest.approx(list(parent - parent[2]))
        checked += n > 0 and deviation_bin > 0
    assert checked > 100


def test_only_events_that_are_over_are_in_the_table(connection: Connection, pairs: list[tuple[Any, ...]]) -> None:
    def fitted(as_of: datetime, left_out: tuple[int, int] = (2, -1)) -> tuple[Any, ...] | None:
        version = fit(connection, "get_in", as_of, {}, left_out=left_out)
        return connection.execute(
            "select events, pairs from market.forecast_tables where version = %s", [version]
        ).fetchone()

    assert pairs
    after_100 = FIRST + timedelta(days=20 + 33, hours=20)  # three a day: the 100th begins on the 34th day
    assert fitted(after_100 - timedelta(minutes=1)) is None
    assert fitted(after_100) == (102, 102 * (19 + 17 + 13 + 6))
    assert fitted(LATE) == (130, 130 * 55)
    assert fitted(LATE, (5, 1)) == (104, 104 * 55)
