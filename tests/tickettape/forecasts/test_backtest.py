"""The evaluation protocol over stored histories and files, as typed."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.forecast_history import DAY, FIRST, random_history
from tickettape.database import Connection
from tickettape.forecasts import run_backtest, scratch_tables
from tickettape.forecasts.backtest import Backtest


def protocol(connection: Connection, **more: Any) -> Backtest:
    with scratch_tables(connection):
        return run_backtest(connection, **more)


def figure(rows: list[dict[str, Any]], horizon: int, part: str, name: str) -> float:
    (found,) = (row[name] for row in rows if row["horizon_days"] == horizon and row["part"] == part)
    return float(found)


def test_a_market_that_falls_before_each_event_is_forecast_and_its_gate_opens(connection: Connection) -> None:
    random_history(connection, events=300, a_day=2, drop=0.1)
    found = protocol(connection)
    assert found.events == 300
    for rows in (found.by_time, found.by_event):
        assert figure(rows, 1, "0-3", "error_ratio") < 0.8
        assert 0.75 <= figure(rows, 1, "0-14", "coverage_80") <= 0.83
        assert figure(rows, 1, "0-3", "constant_coverage_80") < 0.7  # the control: one range for all
    weeks = sorted(found.gates)
    opened = [week for week in weeks if found.gates[week][1, "0-3"]]
    assert opened
    assert opened[0] >= (FIRST + 120 * DAY).date()  # 100 events over, eight weeks of forecasts, two looks
    assert not any(found.gates[week][1, "15-30"] for week in weeks)
    assert figure(found.by_time, 1, "0-3", "shown_error_ratio") < 1


def test_a_price_that_comes_later_changes_no_forecast_before_it(connection: Connection) -> None:
    random_history(connection, events=130, drop=0.1)

    def forecasts() -> list[tuple[Any, ...]]:
        with scratch_tables(connection):
            run_backtest(connection, gates_only=True)
            return connection.execute(
                """select event_key, origin, horizon_days, low, mid, high from forecasts where origin < %s
                   order by 1, 2, 3""",
                [cut],
            ).fetchall()

    cut = FIRST + 57 * DAY
    before = forecasts()
    assert sum(row[3] is not None for row in before) > 20
    connection.execute(
        "update analytics.get_in_hours set min_price_2tickets = min_price_2tickets * 5 where hour >= %s", [cut]
    )
    assert forecasts() == before


def test_a_backtest_writes_nothing_that_stays(connection: Connection) -> None:
    random_history(connection, events=130)
    protocol(connection, gates_only=True)
    counts = connection.execute(
        """select (select count(*) from market.forecasts), (select count(*) from market.forecast_tables),
               (select count(*) from market.forecast_looks)"""
    ).fetchone()
    assert counts == (0, 0, 0)


@pytest.mark.usefixtures("connection")
def test_a_series_is_tested_by_its_name(connection: Connection, tmp_path: Path) -> None:
    random_history(connection, events=120, drop=0.1)
    code, output = run("backtest", "history", "--folder", str(tmp_path))
    assert code == 0, output
    assert output.startswith("# Backtest of history\n\n120 events, 2026-01-06 to ")
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "l.svg", "coverage.svg"}
    code, output = run("backtest", "unknown", "--folder", str(tmp_path))
    assert code == 2
    assert "unknown is neither a file nor a source that is stored here. Sources: history." in output


@pytest.mark.long
def test_a_file_is_tested_in_a_database_of_its_own(connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["event", "event_date", "time", "low"])
        for event in range(130):
            begin = FIRST + (20 + event // 3) * DAY
            rows.writerows(
                [event, f"{begin:%Y-%m-%d}T20:00Z", f"{begin - days * DAY:%Y-%m-%d}T12:00Z", 100 + event + days % 5]
                for days in range(15)
            )
    code, output = run("backtest", str(file), "--folder", str(tmp_path / "report"), "--map", "lowest_price=low")
    assert code == 0, output
    assert "130 events, " in (tmp_path / "report" / "report.md").read_text()
    assert connection.execute("select count(*) from market.events").fetchone() == (0,)
    assert connection.execute("select count(*) from pg_database where datname like 'backtest%'").fetchone() == (0,)
