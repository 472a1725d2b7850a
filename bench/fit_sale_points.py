"""Fit the table of points that turns a departure's traces into a probability, and write it into the dbt project.

    python -m bench.fit_sale_points

The fit is a logistic regression with a small ridge for each class of events. It reads the worlds of SEEDS alone, and
the same worlds give the same file. The benches and tests measure the table on other seeds.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.report import say
from tests.support.departed_listings import POINTS_FILE, TRACES, departed, event_class, traces

VERSION = 1
SEEDS, EVENTS = range(1001, 1081), 8  # of each market: markets differ more from each other than their events do
KINDS = {(1.0, 0.0): 1.0, (0.5, 0.0): 2.0, (1.0, 0.5): 1.0, (1.0, 1.0): 1.0}
"""(strength, random share) -> weight. Half strength counts twice: no market is known to show all that is done in it."""

CROWDED = 2.5  # so many times what chance would bring at one tick is a batch
SHRUNK_BY = 20  # departures with no lean, added to each event's own
RIDGE = 3.0
EDGES: dict[str, list[float]] = {
    "rank": [0.05, 0.15, 0.3, 0.5, 0.7],
    "crowd": [1.5, 2.5],
    "hour": [6, 12, 18, 22],
    "days": [1, 3, 7, 14],
    "pull": [0.045, 0.075, 0.105, 0.135],
    "batches": [0.03, 0.1],
}

Floats = npt.NDArray[np.float64]


def worlds() -> Iterator[tuple[pd.DataFrame, float]]:
    """The departures of each world with their traces, and their weight."""
    for seed in SEEDS:
        say(f"seed {seed}")
        for (strength, random_share), weight in KINDS.items():
            yield traces(departed(seed, strength, random_share, events=EVENTS), CROWDED, SHRUNK_BY), weight


def fitted(design: Floats, sold: Floats, weight: Floats) -> Floats:
    """The points of a logistic regression, by Newton's method; the first column is not shrunk."""
    found = np.zeros(design.shape[1])
    ridge = np.eye(len(found)) * RIDGE
    ridge[0, 0] = 1e-6
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ found))
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, design.T @ (weight * (sold - chance)) - ridge @ found)
        found += step
        if np.abs(step).max() < 1e-10:
            return found
    raise RuntimeError("The fit did not settle in 50 steps. Look for a class of events with too few departures.")


def table_of(rows: pd.DataFrame, weights: Floats) -> dict[str, Any]:
    """The table of points: for each class of events a base, and the points of each trace's bins."""
    classes = event_class(rows, {"edges": EDGES})
    bins = {name: np.digitize(rows[name], EDGES[name]) for name in TRACES}
    of_class = []
    for number in range((len(EDGES["pull"]) + 1) * (len(EDGES["batches"]) + 1)):
        here = classes == number
        columns = [np.eye(len(EDGES[name]) + 1)[bins[name][here]] for name in TRACES]
        weight = weights[here]
        found = fitted(np.hstack([np.ones((here.sum(), 1)), *columns]), rows["sold"].to_numpy(float)[here], weight)
        base, start, one = found[0], 1, {}
        for name, column in zip(TRACES, columns, strict=True):
            own = found[start : start + column.shape[1]]
            mean = float(np.average(column @ own, weights=weight))  # a trace that is not known then says nothing
            base, start = base + mean, start + column.shape[1]
            one[name] = [round(float(value - mean), 3) for value in own]
        of_class.append({"base": round(float(base), 3), **one, "departures": int(here.sum())})
    return {
        "version": VERSION, "crowded": CROWDED, "shrunk_by": SHRUNK_BY, "edges": EDGES, "classes": of_class,
    }  # fmt: skip


def written(table: dict[str, Any]) -> str:
    """The macro with the table, which is JSON too."""
    classes = ",\n".join(f"        {json.dumps(one)}" for one in table["classes"])
    head = json.dumps({name: value for name, value in table.items() if name != "classes"}, indent=4)
    return (
        "{#- Points for the traces of a departure. Only `python -m bench.fit_sale_points` writes this file. -#}\n"
        "{% macro sale_points() -%}\n"
        f'{{{{ return({head[:-2]},\n    "classes": [\n{classes}\n    ]\n}}) }}}}\n'
        "{%- endmacro %}\n"
    )


def main() -> None:
    """Fit the table and write it."""
    found = [(rows.dropna(subset=list(TRACES)), weight) for rows, weight in worlds()]
    weights = np.concatenate([np.full(len(rows), weight) for rows, weight in found])
    POINTS_FILE.write_text(written(table_of(pd.concat([rows for rows, _ in found], ignore_index=True), weights)))
    say(f"{len(weights):,} departures; the table is in {POINTS_FILE}")


if __name__ == "__main__":
    main()
