"""The report of a backtest and its plots."""

from datetime import date
from pathlib import Path
from xml.etree import ElementTree

from tickettape.forecasts.backtest import Backtest
from tickettape.forecasts.plots import dots
from tickettape.forecasts.report import as_markdown, write_report

ROW = {
    "horizon_days": 7, "part": "0-14", "forecasts": 1234, "events": 120, "error_ratio": 0.9312,
    "shown_error_ratio": None,    "coverage_80": 0.791, "coverage_50": 0.5, "constant_coverage_80": 0.57,
}  # fmt: skip
FOUND = Backtest(
    120, date(2026, 1, 5), date(2026, 3, 1), [ROW | {"part": "all", "horizon_days": 14}, ROW], [ROW],
    {date(2026, 2, 2): {(7, "0-3"): True}, date(2026, 2, 9): {(7, "0-3"): False}},
)  # fmt: skip


def test_the_report_has_a_row_for_each_figure_in_order_and_the_gates() -> None:
    text = as_markdown("mine.csv", FOUND)
    rows = [line for line in text.splitlines() if line.startswith(("| 7", "| 14"))]
    assert rows[0] == "| 7 | 0-14 | 0.931 | – | 79.1% | 50.0% | 57.0% | 1,234 | 120 |"
    assert rows[1].startswith("| 14 | all |")
    assert "- 7 days, 0-3 to the event: open in 1 of 2 weeks, shut at the end" in text


def test_too_few_events_are_said() -> None:
    assert "prices of 12 events" in as_markdown("mine.csv", Backtest(12))


def test_the_plots_are_svg_with_a_dot_for_each_figure(tmp_path: Path) -> None:
    write_report(tmp_path, "mine.csv", FOUND)
    plot = ElementTree.fromstring((tmp_path / "coverage.svg").read_text())
    assert plot.tag == "{http://www.w3.org/2000/svg}svg"
    said = [title.text for title in plot.iter("{http://www.w3.org/2000/svg}title")]
    assert said == ["How often the 80 % range held", "by time, 7: 0.791", "by event, 7: 0.791", "one range, 7: 0.570"]


def test_a_higher_value_lies_higher_and_names_are_escaped() -> None:
    plot = ElementTree.fromstring(dots("a < b", "", ["1", "2"], {"x": [0.9, 1.1]}, reference=1))
    low, high = [float(dot.attrib["cy"]) for dot in plot.iter() if dot.attrib.get("r") == "5"]
    assert high < low
