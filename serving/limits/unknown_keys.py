"""Bounds what guesses cost: keys that do not exist are refused before the database is asked.

A refused key is remembered for a minute. New ones are counted by address and overall, and past the limit no key that
this process has not seen before is looked up until the minute is over. Keys that were valid at the start, or were used
since, are never limited here.
"""

from collections import Counter, OrderedDict
from time import monotonic

from serving.responses.problems import Problem

MOST_REMEMBERED = 10_000  # refused keys, and addresses, each with some hundred bytes
REMEMBER_SECONDS = 60
ADDRESSES = 10  # all addresses together may look up as many keys as this many of them


class UnknownKeys:
    """What one process knows of keys that do not exist."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._refused: OrderedDict[bytes, float] = OrderedDict()  # with the time until which it is remembered
        self._lookups: Counter[str] = Counter()
        self._ends_at = 0.0

    def before_lookup(self, key_sha256: bytes, address: str) -> None:
        """Count a lookup in the database. Raises Problem 401 for a key that was just refused, 429 past the limit."""
        now = monotonic()
        if self._refused.get(key_sha256, now) > now:
            raise refusal()
        if now >= self._ends_at:
            self._ends_at = now + REMEMBER_SECONDS
            self._lookups.clear()
        if (
            self._lookups[address] >= self._per_minute
            or self._lookups.total() >= ADDRESSES * self._per_minute
            or len(self._lookups) >= MOST_REMEMBERED
        ):
            raise Problem(
                429,
                "Too many unknown API keys were sent. Until the minute is over, only keys that were used before are "
                "looked up.",
                headers={"retry-after": str(int(self._ends_at - now) + 1)},
            )
        self._lookups[address] += 1

    def forget_lookup(self, address: str) -> None:
        """The key was not found to be unknown, so its lookup does not count."""
        self._lookups[address] -= 1

    def refuse(self, key_sha256: bytes) -> Problem:
        """Remember that there is no such key. Returns the refusal."""
        self._refused[key_sha256] = monotonic() + REMEMBER_SECONDS
        self._refused.move_to_end(key_sha256)
        if len(self._refused) > MOST_REMEMBERED:
            self._refused.popitem(last=False)
        return refusal()


def refusal() -> Problem:
    """The response to a key that does not exist."""
    return Problem(401, "The API key is unknown or was revoked. `tickettape keys create` makes one.")
