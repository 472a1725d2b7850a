"""A rule's own prices by hour, which its conditions on history compare with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
KEPT_HOURS = 32 * 24  # a rule looks back 30 days at most


@dataclass(frozen=True, slots=True)
class PriceHours:
    """The lowest price (cents) that counted for a rule in each hour from `first`; None: there was none."""

    first: datetime
    lowest_cents: Sequence[int | None]

    def before(self, tick: datetime) -> dict[datetime, int]:
        """The hours that ended before a tick, with their prices."""
        whole = (tick - self.first) // HOUR
        return {
            self.first + place * HOUR: cents
            for place, cents in enumerate(self.lowest_cents[: max(0, whole)])
            if cents is not None
        }

    def with_price(self, tick: datetime, cents: int) -> "PriceHours":
        """The same with a price that was seen at a tick. Of the hours before the first, nothing is kept."""
        place = (tick - self.first) // HOUR
        if place < 0:
            return self
        kept = [*self.lowest_cents, *[None] * (place + 1 - len(self.lowest_cents))]
        earlier = kept[place]
        kept[place] = cents if earlier is None else min(earlier, cents)
        gone = max(0, len(kept) - KEPT_HOURS)
        return PriceHours(self.first + gone * HOUR, kept[gone:])


def hour_of(tick: datetime) -> datetime:
    """The UTC hour of a tick."""
    return tick.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
