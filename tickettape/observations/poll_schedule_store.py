"""Read what is known of each watched event, from which its next poll is decided, and store the decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row, dict_row

from tickettape.database import Connection

BACK = timedelta(days=2)  # an event not polled for so long counts as never seen; no day so new is packed
VIEWS_WINDOW = timedelta(days=1)
MOST_FAILURES = 12  # in a row; more count as this many


@dataclass(frozen=True, slots=True)
class EventActivity:
    """An event as it stands before a tick.

    `date` is None if it is to be determined or postponed; `date_status` says which. `polled_tick` is when it was last
    polled, and `due_tick` the newest decision. `moved_per_hour` is the share of its sections that changed between its
    newest two ok captures, for each hour between them. `tickets` is how many were for sale at the newest one, and
    `views` how often people viewed the event in the last day.
    """

    event_key: int
    date: datetime | None
    known_since: datetime
    polled_tick: datetime | None
    due_tick: datetime | None
    failures_in_a_row: int
    moved_per_hour: float | None
    tickets: int | None
    views: int
    date_status: str = "known"


@dataclass(frozen=True, slots=True)
class PollDecision:
    """A decision: how often, when next, and why. `advanced`: the poll was scheduled for later than it is due now."""

    activity: EventActivity
    interval: timedelta
    due_tick: datetime
    reason: str
    advanced: bool


@dataclass(frozen=True, slots=True)
class ScheduledPoll:
    """A decision as it is shown: due again at `due_tick`, or deferred."""

    decision: PollDecision
    due_tick: datetime
    deferred: bool


def event_activity(connection: Connection, source: str, tick: datetime) -> list[EventActivity]:
    """Every event to be watched at a tick, with what was captured before it."""
    with connection.cursor(row_factory=class_row(EventActivity)) as cursor:
        return cursor.execute(
            """with watched as materialized (
                   select event_key, date, date_status, created_at from market.events
                   where source = %(source)s and watched_until > %(tick)s and (active or retired_because = 'past')
               ),
               viewed as (
                   select event_key, sum(views)::integer as views from market.event_views
                   where hour > %(tick)s - %(views_of)s and hour <= %(tick)s
                   group by event_key
               )
               select watched.event_key, watched.date, watched.date_status, watched.created_at as known_since,
                   asked.polled_tick, decided.due_tick, coalesce(asked.failures, 0) as failures_in_a_row,
                   moved.share / (extract(epoch from newest.tick - before.tick) / 3600)::float8 as moved_per_hour,
                   newest.counted_tickets as tickets, coalesce(viewed.views, 0) as views
               from watched
               left join market.poll_schedule as decided on decided.event_key = watched.event_key
               left join viewed on viewed.event_key = watched.event_key
               cross join lateral (
                   select max(tick) as polled_tick,
                       (count(*) filter (where failed and successes = 0))::integer as failures
                   from (
                       select tick, failed, count(*) filter (where not failed) over (order by tick desc) as successes
                       from (
                           -- a refused answer is no failure: it can be replayed, so it is worth polling as often
                           select tick, status in ('missing', 'blocked', 'failed') as failed
                           from market.captures
                           where event_key = watched.event_key and tick < %(tick)s and tick >= %(tick)s - %(back)s
                               and status not in ('missed', 'void')
                           order by tick desc limit %(failures)s
                       ) as newest_first
                   ) as counted
               ) as asked
               left join lateral (
                   select tick, counted_tickets from market.captures
                   where event_key = watched.event_key and tick < %(tick)s and tick >= %(tick)s - %(back)s
                       and status in ('ok', 'empty')
                   order by tick desc limit 1
               ) as newest on true
               left join lateral (
                   select tick from market.captures
                   where event_key = watched.event_key and tick < newest.tick and tick >= %(tick)s - %(back)s
                       and status in ('ok', 'empty')
                   order by tick desc limit 1
               ) as before on true
               cross join lateral (
                   select (count(*) filter (where changed))::float8 / nullif(count(*), 0) as share
                   from (
                       select count(*) = 1
                           or (min(lowest_price_cents), min(highest_price_cents), min(price_sum_cents),
                               min(total_tickets), min(total_listings))
                           != (max(lowest_price_cents), max(highest_price_cents), max(price_sum_cents),
                               max(total_tickets), max(total_listings)) as changed
                       from market.section_snapshots as s
                       where s.event_key = watched.event_key and s.tick in (newest.tick, before.tick)
                       group by s.section_key
                   ) as sections
               ) as moved
               order by watched.event_key""",
            {"source": source, "tick": tick, "back": BACK, "views_of": VIEWS_WINDOW, "failures": MOST_FAILURES},
        ).fetchall()


def store_poll_schedule(connection: Connection, source: str, decided: Iterable[ScheduledPoll]) -> None:
    """Store a tick's decisions in place of older ones, in the caller's transaction. Unwatched events have none."""
    rows = sorted(
        decided, key=lambda scheduled: scheduled.decision.activity.event_key
    )  # in one order, so that planners wait but never deadlock
    activities = [scheduled.decision.activity for scheduled in rows]
    connection.execute(
        """delete from market.poll_schedule using market.events
           where events.event_key = poll_schedule.event_key and events.source = %s
               and poll_schedule.event_key != all(%s)""",
        [source, [activity.event_key for activity in activities]],
    )
    connection.execute(
        """insert into market.poll_schedule (event_key, due_tick, polled_tick, interval_minutes, deferred, advanced,
               failures_in_a_row, moved_per_hour, tickets, views, reason, decided_at)
           select new.*, now() from unnest(%s::int[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::bool[],
               %s::bool[], %s::int[], %s::float8[], %s::int[], %s::int[], %s::text[]) as new
           on conflict (event_key) do update set
               due_tick = excluded.due_tick, polled_tick = excluded.polled_tick,
               interval_minutes = excluded.interval_minutes, deferred = excluded.deferred, advanced = excluded.advanced,
               failures_in_a_row = excluded.failures_in_a_row, moved_per_hour = excluded.moved_per_hour,
               tickets = excluded.tickets, views = excluded.views, reason = excluded.reason,
               decided_at = excluded.decided_at""",
        [
            [activity.event_key for activity in activities],
            [scheduled.due_tick for scheduled in rows],
            [activity.polled_tick for activity in activities],
            [scheduled.decision.interval // timedelta(minutes=1) for scheduled in rows],
            [scheduled.deferred for scheduled in rows],
            [scheduled.decision.advanced for scheduled in rows],
            [activity.failures_in_a_row for activity in activities],
            [activity.moved_per_hour for activity in activities],
            [activity.tickets for activity in activities],
            [activity.views for activity in activities],
            [scheduled.decision.reason for scheduled in rows],
        ],
    )


def stale_events(connection: Connection, source: str, now: datetime) -> list[dict[str, Any]]:
    """Watched events whose newest ok capture is older than twice their own interval, the stalest first.

    The time before an event became known does not count: its first tick has a grid time before that. An event whose
    next poll was advanced at the newest tick does not become stale by that.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """select events.name as event, newest.tick as newest, poll_schedule.interval_minutes as minutes,
                   poll_schedule.reason
               from market.events
               inner join market.poll_schedule using (event_key)
               left join lateral (
                   select captures.tick from market.captures
                   where captures.event_key = events.event_key and captures.status in ('received', 'ok', 'empty')
                   order by captures.tick desc limit 1
               ) as newest on true
               where events.source = %(source)s and events.active and events.watched_until > %(now)s
                   and not poll_schedule.advanced
                   and greatest(newest.tick, events.created_at)
                       < %(now)s - 2 * poll_schedule.interval_minutes * interval '1 minute'
               order by newest.tick nulls first""",
            {"source": source, "now": now},
        ).fetchall()


@dataclass(frozen=True)
class PollSummary:
    """A marketplace's newest decisions, counted."""

    watched: int
    deferred: int
    by_interval: dict[str, int]
    longest_deferred_minutes: int


def poll_summary(connection: Connection, source: str, now: datetime) -> PollSummary:
    """How many events are watched and deferred, for how long by now, and how often they are polled."""
    row = connection.execute(
        """with mine as (
               select poll_schedule.*
               from market.poll_schedule inner join market.events using (event_key) where source = %(source)s
           ),
           intervals as (select interval_minutes, count(*) as events from mine group by interval_minutes)
           select count(*), count(*) filter (where deferred),
               (select coalesce(jsonb_object_agg(interval_minutes || ' min', events), '{}') from intervals),
               coalesce(max(extract(epoch from %(now)s - due_tick) / 60) filter (where deferred), 0)::integer
           from mine""",
        {"source": source, "now": now},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate without GROUP BY is one row
    return PollSummary(*row)


def newest_poll_schedule(connection: Connection, source: str) -> list[dict[str, Any]]:
    """The newest decision about each watched event, what is due first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """select events.external_id, events.name, events.date, poll_schedule.*
               from market.poll_schedule inner join market.events using (event_key)
               where source = %s and active order by due_tick, date, event_key""",
            [source],
        ).fetchall()
