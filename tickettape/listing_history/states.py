"""What stood at an event's observations, for readers of the history: one after the other, or the newest and the one
before it, without reading the day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tickettape.database import Connection
from tickettape.listing_history.deltas import Delta, Offer, Stand, Standing, apply_delta
from tickettape.listing_history.latest_state import LatestState
from tickettape.listing_history.rows import DELTA_COLUMNS, delta_from_row, instant

NEWEST_WITHIN = timedelta(days=2)
"""How far apart an event's two newest observations may be. No day of the last three is packed, so for what was just
captured both are rows; where the newest is older, the day is read instead."""

_OF_CHANGES = ", ".join(f"changes.{column}" for column in DELTA_COLUMNS)

STATES_QUERY = f"""select {_OF_CHANGES} from market.all_listing_changes as changes
    inner join market.events on events.event_key = changes.event_key
    where events.id = %(event_id)s::uuid and changes.tick <= %(last)s::timestamptz
        and changes.date >= (%(first)s::timestamptz at time zone 'UTC')::date
        and changes.date <= (%(last)s::timestamptz at time zone 'UTC')::date
    order by changes.tick"""  # noqa: S608
"""The rows that `states_of` reads, from the beginning of the day of `first`, whose first observation names all."""


@dataclass(frozen=True, slots=True)
class NewestStates:
    """What stands after an event's newest observation, and what stood before it. Both observations are ok.

    `state` and `row` are as they are stored: those of many events are read at once, and spelled out one by one.
    """

    tick: datetime
    before_tick: datetime
    state: bytes
    row: Sequence[Any]

    def stands(self) -> tuple[Stand, Stand]:
        """What stands now, and what stood before."""
        now = LatestState.unpacked(self.tick, self.state).stand()
        return now, undo_delta(now, delta_from_row(self.row))


def states_of(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[datetime, bool, Stand]]:
    """What stood after each observation: (tick, whether it was partial, stand). `rows`: those of STATES_QUERY."""
    stand: dict[Offer, Standing] = {}
    for row in rows:
        delta = delta_from_row(row)
        stand = apply_delta(stand, delta)
        yield instant(delta.tick), delta.partial, stand


def states_between(
    connection: Connection, event_key: int, first: datetime, last: datetime
) -> Iterator[tuple[datetime, bool, Stand]]:
    """What stood after each observation of an event from `first` to `last`, both included."""
    rows = connection.execute(
        f"""select {_OF_CHANGES} from market.all_listing_changes as changes
            where event_key = %s and date between %s and %s and tick <= %s order by tick""",  # noqa: S608
        [event_key, first.astimezone(UTC).date(), last.astimezone(UTC).date(), last],
    ).fetchall()
    return ((tick, partial, stand) for tick, partial, stand in states_of(rows) if tick >= first)


def newest_states(connection: Connection, event_keys: Sequence[int]) -> dict[int, NewestStates]:
    """The newest states of those events whose two newest observations are ok and whose latest state is stored.

    A row of the history and a row of the latest states are read for each event, not its day. Packed days are not
    looked at: an event whose newest observation is in one is left out.
    """
    rows = connection.execute(
        f"""select latest.event_key, latest.offers, earlier.tick, {_OF_CHANGES}
            from market.listing_latest_states as latest
            inner join market.listing_changes as changes using (event_key, tick)
            cross join lateral (
                select tick, partial from market.listing_changes as earlier
                where earlier.event_key = latest.event_key and earlier.tick < latest.tick
                    and earlier.tick > latest.tick - %(reach)s::interval
                order by tick desc limit 1
            ) as earlier
            where latest.event_key = any(%(events)s) and not changes.partial and not earlier.partial""",  # noqa: S608
        {"events": list(event_keys), "reach": NEWEST_WITHIN},
        binary=True,
    ).fetchall()
    return {event_key: NewestStates(row[0], before_tick, offers, row) for event_key, offers, before_tick, *row in rows}


def undo_delta(now: Stand, delta: Delta) -> Mapping[Offer, Standing]:
    """What stood before a delta after which `now` stands. The chain must not begin with it."""
    before = dict(now)
    for offer, _ in delta.came:
        del before[offer]
    if delta.changed:
        steps = dict(delta.changed)
        for offer, (number, since, price, all_in, score) in list(before.items()):
            step = steps.get(number)
            if step is not None:
                before[offer] = (number, since, price - step[0], all_in - step[1], score - step[2])
    before.update(delta.went)
    return before
