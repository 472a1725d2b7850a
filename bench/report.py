"""One line a figure: what was measured, its bound, whether it holds."""

import sys
import time
from collections.abc import Callable
from statistics import median


def say(text: str) -> None:
    """Progress, on stderr: the figures alone are on stdout."""
    print(f"  … {text}", file=sys.stderr, flush=True)  # noqa: T201


def heading(text: str) -> None:
    """The name of a part."""
    print(f"\n{text}", flush=True)  # noqa: T201


def figure(name: str, value: float, unit: str, *, most: float | None = None, least: float | None = None) -> bool:
    """Print a figure with its bound; whether it holds."""
    holds = (most is None or value <= most) and (least is None or value >= least)
    if most is not None and least is not None:
        bound = f"{least:g} to {most:g}"
    else:
        bound = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else "no bound"
    verdict = ("holds" if holds else "MISSED") if bound != "no bound" else ""
    print(f"  {name:<62} {value:>10,.2f} {unit:<9} {bound:<14} {verdict}", flush=True)  # noqa: T201
    return holds


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(first: Callable[[], float], second: Callable[[], float], times: int) -> tuple[float, float]:
    """The medians of two timings taken A B A B …, so that a machine that slows down slows both."""
    pairs = [(first(), second()) for _ in range(times)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)
