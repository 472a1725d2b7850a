"""The listing history in the database: one delta per event and read answer, written with its snapshots.

What a delta is: `deltas`. An observation that is newer than all others is compared with the event's latest state and
adds one row. One that comes late, is read again or goes changes its own delta and those after it, until the chain is
as it was: what is stored is always what a chain made anew of all observations would be. Writers of one event take
turns.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tickettape.catalogue import lock_naming
from tickettape.database import Connection, month_of, month_refusals
from tickettape.listing_history.deltas import (
    Delta,
    Observation,
    Offer,
    Stand,
    Standing,
    apply_delta,
    next_delta,
    observation_of,
)
from tickettape.listing_history.latest_state import (
    LatestState,
    RawObservation,
    StateDifference,
    delete_latest_state,
    load_latest_states,
    store_latest_states,
)
from tickettape.listing_history.rows import (
    DELTA_COLUMNS,
    delta_from_row,
    instant,
    microseconds,
    midnight_before,
    row_from_delta,
)
from tickettape.listing_history.stored_deltas import deltas_from, deltas_of_day, tick_before

RETURN_WINDOW = timedelta(hours=24)
"""How long after it went a listing that is shown again has come back: what it did then was no sale."""

RELISTING_WINDOW = timedelta(hours=1)
"""How long after one went another with its seats and quantity may be the same, listed anew."""

MOST_SOLD_AFTER = 6
"""The most captures that SOLD_AFTER_CAPTURES may ask for: so far back a new one may decide what was open."""

_SELECTED = ", ".join(DELTA_COLUMNS)
_DELTAS_MADE_AT_ONCE = 25  # one by one, between the answers, each took twice as long: the processor had forgotten how


def lock_listing_history(
    connection: Connection, tick: datetime | Sequence[datetime], event_key: int | None = None
) -> None:
    """Let one transaction at a time write the history of the events captured at a tick, or at some (of one event).

    Taken before any capture's lock, and in the order of the events, by every writer: nobody waits in a circle.
    """
    connection.execute(
        """select from market.events
           where event_key in (
               select event_key from market.captures
               where tick = any(%(ticks)s) and (%(event_key)s::integer is null or event_key = %(event_key)s))
           order by event_key for no key update""",
        {"ticks": [tick] if isinstance(tick, datetime) else list(tick), "event_key": event_key},
    )


class OfferTermsKeys(dict[tuple[int, tuple[int, ...]], int]):
    """The keys of offer terms (quantity, what may be bought), read once; new ones are made when they are asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        rows = connection.execute("select quantity, buyable, offer_terms_key from market.offer_terms").fetchall()
        super().__init__({(quantity, tuple(buyable)): offer_terms_key for quantity, buyable, offer_terms_key in rows})

    def __missing__(self, terms: tuple[int, tuple[int, ...]]) -> int:
        quantity, buyable = terms[0], list(terms[1])
        lock_naming(self._connection)
        self._connection.execute(
            "insert into market.offer_terms (quantity, buyable) values (%s, %s) on conflict do nothing",
            [quantity, buyable],
        )
        (offer_terms_key,) = self._connection.execute(
            "select offer_terms_key from market.offer_terms where quantity = %s and buyable = %s::integer[]",
            [quantity, buyable],
        ).fetchone() or (None,)
        assert offer_terms_key is not None  # noqa: S101  made just now, and never taken away
        self[terms] = offer_terms_key
        return int(offer_terms_key)


class LateObservations:
    """Observations of ticks that others are after, of one month: each event's go into its chain together.

    Everything after them in the chain is derived again. One by one, that is done for each of them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._of_event: dict[int, dict[datetime, Observation | None]] = defaultdict(dict)

    def take(self, event_key: int, tick: datetime, observation: Observation | None) -> None:
        """Take an event's observation in place of any it had at this tick; None takes that one out."""
        self._of_event[event_key][tick] = observation

    def write(self) -> None:
        """Write what was taken."""
        for event_key, observations in self._of_event.items():
            _rewrite(self._connection, event_key, observations)
        self._of_event.clear()


class ListingHistoryWriter:
    """The observations of a tick on their way into the history: taken one by one, written together.

    In the caller's transaction, which holds `lock_listing_history`, and in its pipeline: the server stores the latest
    states while the next answers are read. Who reads several ticks in a transaction gives them one `late`, and writes
    it after them.
    """

    def __init__(
        self,
        connection: Connection,
        tick: datetime,
        event_keys: Collection[int],
        late: LateObservations | None = None,
    ) -> None:
        self._connection = connection
        self._tick = tick
        self._refused = bool(month_refusals(connection, [tick]))
        self._states = load_latest_states(connection, event_keys)
        without_state = [event_key for event_key in event_keys if event_key not in self._states]
        self._beginning = _without_history(connection, without_state)
        self._differences: dict[int, StateDifference] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._late = late or LateObservations(connection)
        self._late_are_others = late is not None

    def take(self, event_key: int, observation: Observation | RawObservation | None) -> None:
        """Take an event's observation in place of any it had at this tick; None takes that one out.

        Nothing is taken where the tick's month takes no rows.
        """
        if self._refused:
            return
        state = self._states.pop(event_key, None)
        if event_key in self._beginning or (state is not None and state[0] < self._tick):
            if observation is not None:
                raw = observation if isinstance(observation, RawObservation) else RawObservation.of(observation)
                self._differences[event_key] = StateDifference.of(LatestState.unpacked(*state) if state else None, raw)
                if len(self._differences) == _DELTAS_MADE_AT_ONCE:
                    self._make_deltas()
        else:
            spelled = observation.observation() if isinstance(observation, RawObservation) else observation
            self._late.take(event_key, self._tick, spelled)

    def write(self) -> None:
        """Write what was taken."""
        self._make_deltas()
        if not self._late_are_others:
            self._late.write()
        _copy(self._connection, "listing_changes", self._rows)
        if self._rows:
            event_keys = [event_key for event_key, *_ in self._rows]
            _mark_departures(self._connection, event_keys, self._tick, self._tick, RELISTING_WINDOW)

    def _make_deltas(self) -> None:
        states: dict[int, LatestState] = {}
        for event_key, difference in self._differences.items():
            delta, states[event_key] = difference.delta()
            self._rows.append((event_key, *row_from_delta(delta)))
        self._differences.clear()
        store_latest_states(self._connection, states)


def write_observation(connection: Connection, tick: datetime, event_key: int, observation: Observation | None) -> None:
    """Put an event's observation at a tick in place of any it had there; None takes one out."""
    writer = ListingHistoryWriter(connection, tick, [event_key])
    writer.take(event_key, observation)
    writer.write()


def observation_at(connection: Connection, event_key: int, tick: datetime) -> Observation | None:
    """What an event's answer at a tick showed; None where none was read then."""
    deltas = deltas_of_day(connection, event_key, tick)
    if not deltas or deltas[-1].tick != microseconds(tick):
        return None
    stand = _unfolded(deltas)
    return observation_of(deltas[-1], stand)


def listings_shown_at(
    connection: Connection, event_key: int, tick: datetime
) -> set[tuple[str, str, str, int, tuple[int, ...], int, int | None]]:
    """What the database says was for sale: (listing, section id, row, quantity, buyable, price, all-in price)."""
    rows = connection.execute(
        """select listing_id, external_id, seat_row, quantity, buyable, price_cents, all_in_price_cents
           from market.listings_of(%s, %s) as shown inner join market.sections using (section_key)
           where event_key = %s""",
        [event_key, tick, event_key],
    ).fetchall()
    return {(*row[:4], tuple(row[4]), *row[5:]) for row in rows}


def store_voided_observation(connection: Connection, void_id: int, observation: Observation) -> None:
    """Keep an observation that is taken out of the history, so that it can be put back."""
    row = connection.execute("select event_key from market.voids where void_id = %s", [void_id]).fetchone()
    assert row is not None  # noqa: S101  the caller has just written it
    delta, _ = next_delta(None, observation, keyframe=True)
    _copy(connection, "voided_listings", [(void_id, row[0], *row_from_delta(delta))], more="void_id, event_key")


def voided_observation(connection: Connection, void_id: int) -> Observation | None:
    """The observation that a void has taken out; None where it had none."""
    row = connection.execute(
        f"select {_SELECTED} from market.voided_listings where void_id = %s",  # noqa: S608
        [void_id],
    ).fetchone()
    if row is None:
        return None
    delta = delta_from_row(row)
    return observation_of(delta, apply_delta({}, delta))


def _rewrite(connection: Connection, event_key: int, late: Mapping[datetime, Observation | None]) -> None:
    """Put observations of a month into the chain where others may be after them, or take some out (None).

    Every day that it reads is rows afterwards, and no other transaction packs it before this one ends.
    """
    first, newest_late = min(late), max(late)
    last = newest_late
    before, new_day = _stand_before(connection, event_key, first)
    old = before  # what stood after the delta before, in the chain as it is stored
    new = before  # and in the chain as it must be
    stale: list[datetime] = []
    fresh: list[Delta] = []
    reached_end = True
    for when, stored in _with_late(deltas_from(connection, event_key, first), late):
        if stored is not None:
            old = apply_delta(old or {}, stored)
        if month_of(when) != month_of(last) and month_refusals(connection, [when]):
            reached_end = False  # its rows are in the archive's hands, and its first delta is a keyframe
            break
        seen = late[when] if when in late else observation_of(stored, old or {}) if stored is not None else None
        if seen is None:
            stale += [when] if stored is not None else []
            continue
        delta, new = next_delta(new, seen, keyframe=new_day != midnight_before(when))
        new_day, last = midnight_before(when), max(last, when)
        if delta != stored:
            stale += [when] if stored is not None else []
            fresh.append(delta)
        if new == old and when > newest_late:
            reached_end = False
            break
    connection.execute("delete from market.listing_changes where event_key = %s and tick = any(%s)", [event_key, stale])
    _copy(connection, "listing_changes", [(event_key, *row_from_delta(delta)) for delta in fresh])
    if reached_end:
        newest = tick_before(connection, event_key, None)
        if newest is not None:
            store_latest_states(connection, {event_key: LatestState.of(newest, new or {})})
        else:
            delete_latest_state(connection, event_key)
    if any(delta.stayed is not None for delta in fresh):
        last = max(last, midnight_before(newest_late) + timedelta(days=1))  # what stood when the day began
    if stale or fresh:
        _mark_departures(connection, [event_key], first, last, RETURN_WINDOW)


def _with_late(
    deltas: Iterator[Delta], late: Mapping[datetime, Observation | None]
) -> Iterator[tuple[datetime, Delta | None]]:
    """Every tick that has a delta, an observation that comes late, or both, in order; with the delta."""
    waiting = sorted(late, reverse=True)
    for delta in deltas:
        when = instant(delta.tick)
        while waiting and waiting[-1] < when:
            yield waiting.pop(), None
        if waiting and waiting[-1] == when:
            waiting.pop()
        yield when, delta
    while waiting:
        yield waiting.pop(), None


def _mark_departures(
    connection: Connection, event_keys: Sequence[int], first: datetime, last: datetime, back: timedelta
) -> None:
    """Have the verdicts recomputed that observations from `first` to `last` may change.

    A verdict is about a listing that went. It may change where the listing went at most `back` before `first`, in one
    of the ok captures just before `first` (its verdict waits for the next ones), or within an hour after `last`.
    """
    connection.execute(
        """insert into market.dirty_buckets (rollup, event_key, bucket)
           select distinct 'listing_departures', observations.event_key,
               date_bin('1 hour', observations.tick, timestamptz '2000-01-01 00:00Z')
           from unnest(%(events)s::integer[]) as written (event_key)
           cross join lateral (
               select least(%(first)s::timestamptz - %(back)s::interval, min(earlier.tick)) as tick
               from market.ok_ticks_before(written.event_key, %(first)s, %(captures)s) as earlier (tick)
           ) as reach
           cross join lateral (
               select ticks.event_key, ticks.tick from market.listing_ticks as ticks
               where ticks.event_key = written.event_key and ticks.tick >= reach.tick
                   and ticks.date >= (reach.tick at time zone 'UTC')::date
                   and ticks.tick <= %(last)s::timestamptz + %(relisting)s::interval
                   and ticks.date <= ((%(last)s::timestamptz + %(relisting)s::interval) at time zone 'UTC')::date
           ) as observations""",
        {
            "events": list(event_keys),
            "first": first,
            "last": last,
            "back": back,
            "relisting": RELISTING_WINDOW,
            "captures": MOST_SOLD_AFTER,
        },
    )


def _stand_before(connection: Connection, event_key: int, tick: datetime) -> tuple[Stand | None, datetime | None]:
    """What stood before a tick, and the day of the delta it stood after; None, None where nothing is known."""
    last = tick_before(connection, event_key, tick)
    if last is None:
        return None, None
    return _unfolded(deltas_of_day(connection, event_key, last)), midnight_before(last)


def _unfolded(deltas: Iterable[Delta]) -> dict[Offer, Standing]:
    stand: dict[Offer, Standing] = {}
    for delta in deltas:
        stand = apply_delta(stand, delta)
    return stand


def _copy(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]], *, more: str = "event_key") -> None:
    """COPY rows into a table: the columns of `more`, then those of a delta (`row_from_delta`)."""
    if rows:
        with (
            connection.cursor() as cursor,
            cursor.copy(f"copy market.{table} ({more}, {_SELECTED}) from stdin") as stream,
        ):
            for row in rows:
                stream.write_row(row)


def _without_history(connection: Connection, event_keys: Sequence[int]) -> set[int]:
    """Those of some events that have no delta."""
    if not event_keys:
        return set()
    rows = connection.execute(
        """select event_key from unnest(%s::integer[]) as asked (event_key)
           where not exists (select from market.listing_changes as l where l.event_key = asked.event_key)
               and not exists (select from market.packed_listing_changes as l where l.event_key = asked.event_key)""",
        [list(event_keys)],
    ).fetchall()
    return {event_key for (event_key,) in rows}
