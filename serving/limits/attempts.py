"""How often something may be tried in a minute: passwords, by address and by account."""

from collections import Counter
from time import monotonic

from serving.responses.problems import Problem

MINUTE = 60
MOST_COUNTED = 10_000  # names, each with some hundred bytes


class Attempts:
    """The attempts of this minute, in one process."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._counts: Counter[str] = Counter()
        self._ends_at = 0.0

    def count(self, *names: str) -> None:
        """Count an attempt under each name. Raises Problem 429 if one of them has had its share."""
        now = monotonic()
        if now >= self._ends_at:
            self._ends_at = now + MINUTE
            self._counts.clear()
        if any(self._counts[name] >= self._per_minute for name in names) or len(self._counts) >= MOST_COUNTED:
            seconds = int(self._ends_at - now) + 1
            raise Problem(
                429,
                f"Too many attempts. Try again in {seconds} s.",
                headers={"retry-after": str(seconds)},
            )
        self._counts.update(names)

    def forget(self, *names: str) -> None:
        """An attempt that succeeded does not count."""
        self._counts.subtract(names)
