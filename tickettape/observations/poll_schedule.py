"""When to look at each event: pure decisions, and the one place that makes them at a tick.

Near and moving events are looked at at every tick, far and still ones up to hourly, past ones never. Where the
requests do not cover all that is due, every interval is stretched alike: nobody starves.

What is known of an event comes from `warehouse.looks`; who captures it belongs in `capturing`.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from tickettape.catalogue import events_watched_at
from tickettape.database import Connection
from tickettape.observations.poll_schedule_store import (
    EventActivity,
    PollDecision,
    ScheduledPoll,
    event_activity,
    store_poll_schedule,
)
from tickettape.settings import Settings

LONGEST = timedelta(hours=1)  # the rollups' bucket: a watched event has a capture in every hour
LOOKS_AHEAD = 144  # of the time to the event: from a day ahead at every tick of 10 minutes, six days ahead hourly
MOVED_BETWEEN = 0.1  # of its sections have changed from one look to the next
FEW_TICKETS = 50  # what is left of a market goes within hours
FEW_TICKETS_INTERVAL = LONGEST / 2
REQUESTS_SHARE = 0.9  # of what may be asked in an interval; the rest is for retries and the catalogue


@dataclass(frozen=True)
class PollRules:
    """The grid of ticks, and how many requests a tick may spend on events (None: as many as it likes)."""

    every: timedelta
    most: int | None = None


def poll_rules(settings: Settings, slowdown: float = 1.0) -> PollRules:
    """What the settings allow; `slowdown` is how much more slowly the marketplace is asked at present."""
    every = timedelta(minutes=settings.scraper_interval_minutes)
    if settings.marketplace_url is None:
        return PollRules(every)  # the simulator in-process: nobody to be polite to
    a_second = min(settings.requests_per_second, settings.requests_per_minute / 60)
    return PollRules(every, max(1, int(REQUESTS_SHARE * a_second / slowdown * every.total_seconds())))


def plan_polls(connection: Connection, source: str, tick: datetime, rules: PollRules) -> list[int]:
    """Decide on every watched event at a tick, keep the decisions with their reasons; whom to ask, most urgent first.

    Decided from what was seen before the tick: asked again about the same tick, it says the same.
    """
    with connection.transaction():
        looks = [decide_poll(sight, tick, rules.every) for sight in event_activity(connection, source, tick)]
        chosen = choose_polls([look for look in looks if look.due_tick <= tick], tick, rules)
        asked = set(chosen)
        store_poll_schedule(connection, source, [_kept(look, tick, rules.every, asked) for look in looks])
    return chosen


def plan_every_event(connection: Connection, source: str, tick: datetime) -> list[int]:
    """Every event that was watched at a tick: what a backfill of the simulator's past captures."""
    return [event.event_key for event in events_watched_at(connection, source, tick)]


def decide_poll(sight: EventActivity, tick: datetime, every: timedelta) -> PollDecision:
    """When to look at an event, and why. Its interval is a multiple of `every`, up to LONGEST; it is due within it.

    The shortest wish decides: by the time to the event, by how much its sections change, by how often people view it,
    by how few tickets are left. Failures in a row lengthen it again; a single one does not.
    """
    wish, words, figure = min(_wishes(sight, tick), key=itemgetter(0))
    reason = words.format(figure)
    interval = max(wish, every)
    if sight.failures_in_a_row > 1:
        interval *= 2 ** min(sight.failures_in_a_row - 1, 10)
        reason = f"{sight.failures_in_a_row} failures in a row; else: {reason}"
    steps = min(interval, LONGEST) // every
    looked = sight.looked_tick
    due = _next(sight.event_key, looked, steps, every) if looked else min(sight.known_since, tick)
    hurried = looked is not None and due < tick < (sight.due_tick or tick)
    return PollDecision(sight, steps * every, due, reason, hurried)


def _next(event_key: int, looked: datetime, steps: int, every: timedelta) -> datetime:
    """The next tick of an event's own rhythm of `steps`: events of one interval are spread evenly over its ticks."""
    number = int(looked.timestamp() // every.total_seconds())
    due = number + steps - (number + event_key) % steps
    return datetime.fromtimestamp(due * every.total_seconds(), UTC)


def _wishes(sight: EventActivity, tick: datetime) -> Iterator[tuple[timedelta, str, float]]:
    """How often each thing that is known of an event wishes it to be looked at, and how to say so with its figure."""
    ahead = max(sight.date - tick, timedelta())
    yield LONGEST, "far and still" if sight.tickets else "far and sold out", 0
    yield ahead / LOOKS_AHEAD, "begins in {:.0f} h", ahead / timedelta(hours=1)
    if sight.looked_tick is None or sight.tickets is None:
        yield timedelta(), "not seen yet", 0
    if sight.moved_per_hour:
        wish = timedelta(hours=1) * MOVED_BETWEEN / sight.moved_per_hour
        yield wish, "{:.2g} changes per section and hour", sight.moved_per_hour
    if sight.views:
        yield LONGEST / (1 + sight.views), "viewed {} times in a day", sight.views
    if sight.tickets is not None and 0 < sight.tickets <= FEW_TICKETS:
        yield FEW_TICKETS_INTERVAL, "{} tickets left", sight.tickets


def choose_polls(due: Collection[PollDecision], tick: datetime, rules: PollRules) -> list[int]:
    """The due events that a tick's requests cover, most urgent first.

    Urgency is how often an event's own interval has passed since it was looked at: with too few requests every
    interval is stretched by the same factor. `longest_wait` says what that bounds.
    """
    urgent = sorted(
        due, key=lambda look: (-poll_urgency(look, tick), look.interval, look.sight.date, look.sight.event_key)
    )
    return [look.sight.event_key for look in urgent[: rules.most]]


def poll_urgency(look: PollDecision, tick: datetime) -> float:
    """The time since an event was looked at, in its own intervals; 1 when it falls due."""
    return (tick - look.due_tick) / look.interval + 1


def longest_wait(interval: timedelta, load: float, events: int, rules: PollRules) -> timedelta:
    """Within what an event of this interval is looked at, when all wish for `load` looks a tick together.

    Beyond the urgency u = 2 × load ÷ most, another event comes first at most once, and then once in u of its own
    intervals: half of the requests. The other half serve what waits, at most `events` before this one.
    """
    if rules.most is None:
        return interval
    stretch = max(1.0, 2 * load / rules.most)
    return interval * stretch + (2 * math.ceil(events / rules.most) + 1) * rules.every


def _kept(look: PollDecision, tick: datetime, every: timedelta, asked: Collection[int]) -> ScheduledPoll:
    key = look.sight.event_key
    if key in asked:
        return ScheduledPoll(look, _next(key, tick, look.interval // every, every), put_off=False)
    return ScheduledPoll(look, look.due_tick, put_off=look.due_tick <= tick)
