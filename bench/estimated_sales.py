"""Measure the probabilities of sales in worlds that the table of points was not fitted to, and what reading them costs.

The seeds are none of those of `bench.fit_sale_points`. Whoever changes the table because of these figures must take
other seeds afterwards.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.report import figure, heading, say
from tests.support.departed_listings import departed, points, probabilities, traces

SEEDS, EVENTS = range(3001, 3041), 8
AGENTS = {"agents, full strength": (1.0, 0.0), "agents, half strength": (0.5, 0.0)}
OTHERS = {"mixed with the random world": (1.0, 0.5), "random": (1.0, 1.0)}
NEARLY_SURE = 0.8

Floats = npt.NDArray[np.float64]


def judged(strength: float, random_share: float, minutes: int = 10) -> pd.DataFrame:
    """The departures of the held-out worlds of one kind: event, tickets, chance, sold."""
    table, parts = points(), []
    for seed in SEEDS:
        rows = traces(
            departed(seed, strength, random_share, events=EVENTS, minutes=minutes), table["crowded"], table["shrunk_by"]
        )
        parts.append(rows.assign(seed=seed, chance=probabilities(rows, table)))
    return pd.concat(parts, ignore_index=True)


def deciles(chance: Floats, sold: Floats) -> list[tuple[float, float]]:
    """By tenth of the departures, the least probable first: mean probability, and share of sales."""
    order = np.argsort(chance, kind="stable")
    return [(float(chance[part].mean()), float(sold[part].mean())) for part in np.array_split(order, 10)]


def worst(tenths: list[tuple[float, float]]) -> float:
    """The largest calibration error."""
    return max(abs(said - true) for said, true in tenths)


def upper_half(chance: Floats, sold: Floats) -> float:
    """The share of sales among the half of the departures that are the most probable."""
    return float(sold[np.argsort(-chance, kind="stable")[: len(sold) // 2]].mean())


def run() -> bool:
    """Print calibration and precision by kind of world; whether all bounds hold."""
    holds, found = True, {}
    for name, kind in (AGENTS | OTHERS).items():
        rows = found[name] = judged(*kind)
        chance, sold = rows["chance"].to_numpy(), rows["sold"].to_numpy(float)
        heading(f"Probabilities of sales, {name}: {len(SEEDS)} held-out markets of {EVENTS} events")
        tenths = deciles(chance, sold)
        say("said and true by decile: " + ", ".join(f"{said:.2f}/{true:.2f}" for said, true in tenths))
        figure("departures that may be sales", len(rows), "")
        figure("true share of sales", float(sold.mean()), "")
        most = {"random": 0.35}.get(name)
        holds &= figure("mean probability", float(chance.mean()), "", most=most)
        holds &= figure("calibration error, worst decile", worst(tenths), "", most=0.05 if name in AGENTS else None)
        least = 0.7 if name == "agents, full strength" else None
        holds &= figure("precision of the upper half", upper_half(chance, sold), "", least=least)
        sure = chance >= NEARLY_SURE
        figure("nearly sure: share of departures", float(sure.mean()), "")
        if sure.any():
            figure("nearly sure: precision", float(sold[sure].mean()), "")
        of_event = rows.assign(said=rows["chance"], low=sure).groupby(["seed", "event"])[["said", "sold", "low"]].sum()
        figure(
            "sales of an event: median |expected / true - 1|",
            float((of_event["said"] / of_event["sold"] - 1).abs().median()),
            "",
        )
        figure("events with at least `low` sales", float((of_event["sold"] >= of_event["low"]).mean()), "")
    both = pd.concat([found[name] for name in AGENTS])
    heading("Both strengths together")
    chance, sold = both["chance"].to_numpy(), both["sold"].to_numpy(float)
    holds &= figure("calibration error, worst decile", worst(deciles(chance, sold)), "", most=0.05)
    tickets = both["tickets"].to_numpy()
    figure("tickets: expected over true", float((chance * tickets).sum() / (sold * tickets).sum()), "")
    for minutes in (20, 60):  # the table is fitted to captures every 10 minutes
        rows = judged(1.0, 0.0, minutes)
        chance, sold = rows["chance"].to_numpy(), rows["sold"].to_numpy(float)
        heading(f"Full strength, captured every {minutes} minutes")
        figure("calibration error, worst decile", worst(deciles(chance, sold)), "")
        figure("precision of the upper half", upper_half(chance, sold), "")
    return holds
