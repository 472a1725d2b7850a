"""A backtest as a report: tables in Markdown, and two plots beside it. Pure functions of what the protocol found."""

from collections.abc import Iterable
from pathlib import Path

from tickettape.forecasts.backtest import Backtest, Figures
from tickettape.forecasts.method import HORIZONS, PHASES
from tickettape.forecasts.plots import dots

_PARTS = ("0-14", "over 14", "all", *PHASES)
_COLUMNS = ("horizon", "days to the event", "L", "L as shown", "80 % range", "50 % range", "one range for all")
_HEADS = f"| {' | '.join((*_COLUMNS, 'forecasts', 'events'))} |"
_RULE = "|---|---|---|---|---|---|---|---|---|"

_EXPLANATION = """
L is the mean absolute log error of the table's median over that of the last price: below 1 is better than the last
price. *L as shown* is that of what the gates would have let through. The next three columns are shares of targets that
lay within a range; the last of them is a control, one range for all. docs/forecasts.md explains each.
"""


def table(rows: Iterable[Figures]) -> list[str]:
    """A Markdown table of figures, by horizon and then by days to the event."""
    order = {part: place for place, part in enumerate(_PARTS)}
    lines = [_HEADS, _RULE]
    for row in sorted(rows, key=lambda row: (row["horizon_days"], order[row["part"]])):
        ratios = [_ratio(row[name]) for name in ("error_ratio", "shown_error_ratio")]
        shares = [_share(row[name]) for name in ("coverage_80", "coverage_50", "constant_coverage_80")]
        counts = [f"{row['forecasts']:,}", f"{row['events']:,}"]
        lines.append(f"| {' | '.join([str(row['horizon_days']), row['part'], *ratios, *shares, *counts])} |")
    return lines


def as_markdown(name: str, found: Backtest) -> str:
    """The whole report. `name`: what was tested, a file or a series."""
    lines = [f"# Backtest of {name}", ""]
    if not found.by_time and not found.by_event:
        lines += [
            f"There are prices of {found.events:,} events at 00:00 UTC, and no forecast could be made of them: at "
            "least 100 events must be over, with prices of several days each.",
        ]
        return "\n".join([*lines, ""])
    lines += [f"{found.events:,} events, {found.first} to {found.last}.", _EXPLANATION]
    for title, rows in (
        ("By time: each forecast knows only what was known at its origin", found.by_time),
        ("By event: tables of four fifths of the events, tested on the last fifth", found.by_event),
    ):
        lines += [f"## {title}", "", *(table(rows) if rows else ["Fewer than 100 events were over."]), ""]
    lines += ["## Gates", "", *_gates(found), "", "![L by horizon](l.svg)", "", "![Coverage by horizon](coverage.svg)"]
    return "\n".join([*lines, ""])


def _gates(found: Backtest) -> list[str]:
    weeks = {
        (horizon, phase): sum(gates.get((horizon, phase), False) for gates in found.gates.values())
        for horizon in HORIZONS
        for phase in PHASES
    }
    last = found.gates[max(found.gates)] if found.gates else {}
    opened = [
        f"- {horizon} days, {phase} to the event: open in {count} of {len(found.gates)} weeks, "
        f"{'open' if last.get((horizon, phase)) else 'shut'} at the end"
        for (horizon, phase), count in weeks.items()
        if count
    ]
    return opened or ["No gate was open in any week: the last price was what a person would have seen."]


def write_report(folder: Path, name: str, found: Backtest) -> Path:
    """Write the report and its plots into a folder; the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    by = {
        title: {row["horizon_days"]: row for row in rows if row["part"] == "0-14"}
        for title, rows in (("by time", found.by_time), ("by event", found.by_event))
    }
    horizons = [str(horizon) for horizon in HORIZONS]

    def values(column: str) -> dict[str, list[float | None]]:
        return {title: [rows.get(h, {}).get(column) for h in HORIZONS] for title, rows in by.items()}

    axis = "days ahead, within 14 days of the event"
    coverage = values("coverage_80") | {"one range": values("constant_coverage_80")["by time"]}
    (folder / "l.svg").write_text(
        dots("L: below 1 beats the last price", axis, horizons, values("error_ratio"), reference=1)
    )
    (folder / "coverage.svg").write_text(dots("How often the 80 % range held", axis, horizons, coverage, reference=0.8))
    path = folder / "report.md"
    path.write_text(as_markdown(name, found))
    return path


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
