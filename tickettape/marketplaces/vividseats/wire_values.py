"""Read single values of Vivid Seats: counts, deal scores, and which quantities of a listing may be bought. Pure."""

import math
import re
from functools import lru_cache

from tickettape.marketplaces.reading import refuse

LONGEST_COUNT = 9  # digits: below HIGHEST_COUNT, far above any venue
LONGEST_QUANTITY = 4  # digits: no listing has 10,000 seats, and `buyable` lists them one by one
COUNT = re.compile(rf"[0-9]{{1,{LONGEST_COUNT}}}")


@lru_cache(maxsize=8_192)
def buyable_quantities(stated: str | None, rule: str | None, quantity: int) -> tuple[int, ...]:
    """The quantities of a listing that may be bought, ascending: from `m`, else from split rule `t` and `q`.

    Rules: 0 even numbers, 1 any, 2 custom (without `m` only the whole is sold), 3 never leaves one ticket.
    By an unknown rule only the whole is sold too. Raises ValueError if `m` is not a list of numbers.
    """
    if stated:
        parts = [part.strip() for part in stated.split(",")]
        if not all(COUNT.fullmatch(part) for part in parts):
            raise ValueError("is not a list of numbers")
        offered = tuple(sorted({n for n in map(int, parts) if 1 <= n <= quantity}))
        if offered:
            return offered
    everything = range(1, quantity + 1)
    if rule == "1":
        return tuple(everything)
    if rule == "3":
        return tuple(n for n in everything if n != quantity - 1)
    if rule == "0" and quantity > 1:
        return tuple(n for n in everything if n % 2 == 0)
    return (quantity,)


@lru_cache(maxsize=8_192)
def deal_score(text: str | None) -> float | None:
    try:
        score = float(text) if text else None
    except ValueError:
        return None
    return score if score is not None and math.isfinite(score) else None


def stated_count(text: str, subject: str) -> int:
    if COUNT.fullmatch(text) is None:
        refuse(f"{subject} of {text!r}, which is not a count of at most {LONGEST_COUNT} digits")
    return int(text)
