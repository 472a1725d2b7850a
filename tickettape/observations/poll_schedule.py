"""The poll schedule: when each event is polled. Pure decisions, and the one place that makes them at a tick.

Events that are near or changing are polled at every tick; events that are far and do not change, or have no date, at
least hourly; past events never. An event whose time is to be determined is past when its day at the venue is over. If
the requests do not cover all due events, all intervals are stretched by the same factor, so that no event starves.

`poll_schedule_store` reads what is known of an event. `tick_capture` captures it.
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
POLLS_AHEAD = 144  # divides the time to the event: 10 minutes from a day ahead, an hour from six days ahead
MOVED_BETWEEN = 0.1  # the share of sections that should change from one poll to the next
FEW_TICKETS = 50  # the last tickets go within hours
FEW_TICKETS_INTERVAL = LONGEST / 2
_NEVER = datetime.max.replace(tzinfo=UTC)
_WITHOUT_DATE = {"date_tbd": "its date is to be determined", "postponed": "postponed, without a new date"}
REQUESTS_SHARE = 0.9  # of the requests allowed in an interval; the rest is for retries and the catalogue


@dataclass(frozen=True)
class PollRules:
    """The grid of ticks, and how many events a tick may poll (None: as many as it likes)."""

    every: timedelta
    most: int | None = None


def poll_rules(
    settings: Settings, slowdown: float = 1.0, *, paced: bool = True, requests_per_poll: int = 1
) -> PollRules:
    """The poll rules by the settings of a marketplace; `slowdown` is the present one of its rate limiter.

    If it is not `paced`, every event may be polled.
    """
    every = timedelta(minutes=settings.scraper_interval_minutes)
    if not paced:
        return PollRules(every)
    a_second = min(settings.requests_per_second, settings.requests_per_minute / 60)
    requests = REQUESTS_SHARE * a_second / slowdown * every.total_seconds()
    return PollRules(every, max(1, int(requests / requests_per_poll)))


def plan_polls(connection: Connection, source: str, tick: datetime, rules: PollRules) -> list[int]:
    """Decide on every watched event and store the decisions with reasons; returns whom to poll, most urgent first.

    Only what was seen before the tick counts, so a second call for the same tick decides the same.
    """
    with connection.transaction():
        decisions = [decide_poll(activity, tick, rules.every) for activity in event_activity(connection, source, tick)]
        chosen = choose_polls([decision for decision in decisions if decision.due_tick <= tick], tick, rules)
        asked = set(chosen)
        store_poll_schedule(
            connection, source, [_scheduled(decision, tick, rules.every, asked) for decision in decisions]
        )
    return chosen


def plan_every_event(connection: Connection, source: str, tick: datetime) -> list[int]:
    """Every event that was watched at a tick: what a backfill of the simulator's past captures."""
    return [event.event_key for event in events_watched_at(connection, source, tick)]


def decide_poll(activity: EventActivity, tick: datetime, every: timedelta) -> PollDecision:
    """When to poll an event, and why. Its interval is a multiple of `every`, up to LONGEST; it is due within it.

    The shortest target interval decides: by the time to the event, by how much its sections change, by how often
    people view it, by how few tickets are left. Failures in a row lengthen it again; a single one does not.
    """
    target, words, figure = min(_target_intervals(activity, tick), key=itemgetter(0))
    reason = words.format(figure)
    interval = max(target, every)
    if activity.failures_in_a_row > 1:
        interval *= 2 ** min(activity.failures_in_a_row - 1, 10)
        reason = f"{activity.failures_in_a_row} failures in a row; otherwise: {reason}"
    steps = min(interval, LONGEST) // every
    polled = activity.polled_tick
    due = _next(activity.event_key, polled, steps, every) if polled else min(activity.known_since, tick)
    advanced = polled is not None and due < tick < (activity.due_tick or tick)
    return PollDecision(activity, steps * every, due, reason, advanced)


def _next(event_key: int, polled: datetime, steps: int, every: timedelta) -> datetime:
    """The next tick of an event's own rhythm of `steps`: events of one interval are spread evenly over its ticks."""
    number = int(polled.timestamp() // every.total_seconds())
    due = number + steps - (number + event_key) % steps
    return datetime.fromtimestamp(due * every.total_seconds(), UTC)


def _target_intervals(activity: EventActivity, tick: datetime) -> Iterator[tuple[timedelta, str, float]]:
    """The target interval for each fact about an event, with the words and the figure of its reason."""
    if activity.date is None:
        yield LONGEST, _WITHOUT_DATE[activity.date_status], 0
    else:
        ahead = max(activity.date - tick, timedelta())
        yield LONGEST, "far and still" if activity.tickets else "far and sold out", 0
        words = "begins in {:.0f} h" if activity.date_status == "known" else "on a day {:.0f} h ahead, its time unknown"
        yield ahead / POLLS_AHEAD, words, ahead / timedelta(hours=1)
    if activity.polled_tick is None or activity.tickets is None:
        yield timedelta(), "not seen yet", 0
    if activity.moved_per_hour:
        target = timedelta(hours=1) * MOVED_BETWEEN / activity.moved_per_hour
        yield target, "{:.2g} changes per section and hour", activity.moved_per_hour
    if activity.views:
        yield LONGEST / (1 + activity.views), "viewed {} times in a day", activity.views
    if activity.tickets is not None and 0 < activity.tickets <= FEW_TICKETS:
        yield FEW_TICKETS_INTERVAL, "{} tickets left", activity.tickets


def choose_polls(due: Collection[PollDecision], tick: datetime, rules: PollRules) -> list[int]:
    """The due events that a tick's requests cover, most urgent first.

    Urgency is how often an event's own interval has passed since it was polled. So with too few requests, every
    interval is stretched by the same factor. `longest_wait` is the bound that follows from this.
    """
    urgent = sorted(
        due,
        key=lambda decision: (
            -poll_urgency(decision, tick),
            decision.interval,
            decision.activity.date or _NEVER,
            decision.activity.event_key,
        ),
    )
    return [decision.activity.event_key for decision in urgent[: rules.most]]


def poll_urgency(decision: PollDecision, tick: datetime) -> float:
    """The time since an event was polled, in its own intervals; 1 when it falls due."""
    return (tick - decision.due_tick) / decision.interval + 1


def longest_wait(interval: timedelta, load: float, events: int, rules: PollRules) -> timedelta:
    """The longest time between two polls of an event of this interval, if all events together want `load` polls a tick.

    Beyond the urgency u = 2 × load ÷ most, another event comes first at most once, and then once in u of its own
    intervals. That takes half of the requests. The other half serve the waiting events, at most `events` before this.
    """
    if rules.most is None:
        return interval
    stretch = max(1.0, 2 * load / rules.most)
    return interval * stretch + (2 * math.ceil(events / rules.most) + 1) * rules.every


def _scheduled(decision: PollDecision, tick: datetime, every: timedelta, asked: Collection[int]) -> ScheduledPoll:
    key = decision.activity.event_key
    if key in asked:
        return ScheduledPoll(decision, _next(key, tick, decision.interval // every, every), deferred=False)
    return ScheduledPoll(decision, decision.due_tick, deferred=decision.due_tick <= tick)
