"""Read prices from text into exact cents, for every marketplace. Pure."""

import re
from functools import lru_cache

from tickettape.marketplaces.protocol import HIGHEST_PRICE_CENTS

CACHED_PRICES = 65_536  # distinct price strings of a tick of a hundred events, about 10 MB
_PRICE = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?")


@lru_cache(maxsize=CACHED_PRICES)
def price_cents(text: str) -> int:
    """Exact cents of a price such as "220.35", "220.3" or "220". Raises ValueError with the reason."""
    match = _PRICE.fullmatch(text)
    if match is None:
        raise ValueError("is not a number with at most two decimals")
    whole, decimals = match.groups()
    if len(whole) <= len(str(HIGHEST_PRICE_CENTS)):  # int() of a megabyte of digits would take minutes
        cents = int(whole) * 100 + int((decimals or "0").ljust(2, "0"))
        if cents == 0:
            raise ValueError("is not above 0")
        if cents <= HIGHEST_PRICE_CENTS:
            return cents
    raise ValueError(f"is above {HIGHEST_PRICE_CENTS / 100:.2f}, the highest price that can be stored")
