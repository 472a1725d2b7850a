"""Evaluate all rules at the end of a tick: SQL says which rules and captures, `decisions` what they tell.

Everything that is decided, and how far it was decided, is written in one transaction, under one lock. So whatever ends
in between, and however often a tick is evaluated, an occasion is decided once.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from tickettape.database import Connection, wait_for_lock
from tickettape.listing_history import NewestStates, newest_states, states_between
from tickettape.price_alerts.decisions import DAY, State, decide, limit_of
from tickettape.price_alerts.event_sights import EventSights
from tickettape.price_alerts.occasion_log import OccasionRows, load_state
from tickettape.price_alerts.rule_store import RULE_COLUMNS, rule_from_row
from tickettape.price_alerts.rules import OF_HISTORY, Rule
from tickettape.price_alerts.sights import Sight

LOCK = "price alerts"
LONGEST_WAIT = timedelta(seconds=10)  # for another evaluation, which takes a second or two
REACH = timedelta(hours=3)
"""How old a capture may be to be evaluated, be it only as missed. What is older is a backfill, and tells nobody.

No day so new is packed, so the statements here read rows alone. What must be known of earlier days is read by
`states_between`, from both forms."""

MOST_LATE = 50
"""Events whose day is read to evaluate more than their newest capture: 0.2 s each, so a tick is not delayed much."""

FRESH_INTERVALS = 2  # a capture that is older tells nobody: the price may be gone


@dataclass
class Evaluated:
    """What an evaluation did."""

    events: int = 0
    rules: int = 0
    skipped_events: int = 0
    seconds: float = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def as_metadata(self) -> dict[str, int | float]:
        """The figures for Dagster's UI."""
        figures = {"events": self.events, "rules": self.rules, "events skipped": self.skipped_events}
        return {**figures, "seconds": round(self.seconds, 2), **self.outcomes}


@dataclass(frozen=True, slots=True)
class Pending:
    """An event with captures that were not evaluated: `ticks`, oldest first. `newest`: the last one is after all that
    were; `known`: it was evaluated before."""

    event_key: int
    event_id: UUID
    source: str
    ticks: list[datetime]
    newest: bool
    known: bool


_PENDING: LiteralString = """
    with about as materialized (select distinct event_key from price_alerts.rules_of_events)
    select events.event_key, events.id as event_id, events.source, unseen.ticks,
        unseen.ticks[cardinality(unseen.ticks)] > coalesce(marks.tick, '-infinity') as newest,
        marks.tick is not null as known
    from about
    inner join market.events on events.event_key = about.event_key
    left join price_alerts.watermarks as marks on marks.event_key = about.event_key
    cross join lateral (
        select array_agg(changes.tick order by changes.tick) as ticks
        from market.listing_changes as changes
        where changes.event_key = about.event_key and changes.tick > %(since)s and changes.tick <= %(now)s
            and not changes.partial and (marks.ticks is null or changes.tick <> all (marks.ticks))
    ) as unseen
    where events.source = any(%(sources)s) and unseen.ticks is not null
    order by events.event_key"""

# Left out are rules that nothing can come of, by the lowest prices of the event and what changed in it: a rule that
# waits for less than anything costs (and, on history, has a price of this hour), and one that has told, while the
# listing that keeps it from telling again stands as it did and nothing is a step cheaper.
_ASKED: LiteralString = """
    with ticks as materialized (
        select * from unnest(%(events)s::integer[], %(ticks)s::timestamptz[]) as newest (event_key, tick)
    ),
    lowest as materialized (
        select ticks.event_key, ticks.tick, min(snapshots.lowest_price_cents) as before_fees,
            min(snapshots.lowest_all_in_price_cents) as all_in
        from ticks
        left join market.section_snapshots as snapshots
            on snapshots.event_key = ticks.event_key and snapshots.tick = ticks.tick
        group by ticks.event_key, ticks.tick
    )
    select matched.event_key, rules.tenant_id, rules.created_at, own.state::text,
        case when own.reference_hour >= lowest.tick - interval '2 hours' then own.reference_cents end, (
            select count(*) from price_alerts.occasions as today
            where today.rule_id = rules.rule_id and today.outcome = 'tell' and today.tick
                >= date_trunc('day', %(now)s at time zone rules.time_zone) at time zone rules.time_zone
        ) as told_today, :rule_columns
    from price_alerts.rules_of_events as matched
    inner join price_alerts.rules on rules.rule_id = matched.rule_id
    inner join lowest on lowest.event_key = matched.event_key
    left join price_alerts.rule_events as own
        on own.rule_id = matched.rule_id and own.event_key = matched.event_key
    left join market.listing_changes as changes
        on changes.event_key = matched.event_key and changes.tick = lowest.tick and own.holder_number is not null
    cross join lateral (
        select coalesce(case rules.basis when 'all_in' then lowest.all_in else lowest.before_fees end, 0) as cents,
            coalesce((own.state ->> 'armed')::boolean, true) as armed,
            rules.condition in ('below_median', 'cheapest', 'fell') as of_history
    ) as now
    where matched.event_key = any(%(whole)s) or rules.condition in ('rose', 'few', 'back')
        or now.of_history and own.first_hour is not null
            and own.priced_hour is distinct from date_bin('1 hour', lowest.tick, timestamptz '2000-01-01 00:00Z')
        or now.armed and now.cents <= case when now.of_history then own.limit_cents else rules.price * 100 end
        or not now.armed and (
            changes.tick is null or changes.kept is not null or own.holder_number = any(changes.changed)
            or own.holder_id = any(changes.listing_ids)
            or now.cents <= (own.state ->> 'told_cents')::numeric * (100 - rules.step_percent) / 100)
    order by matched.event_key, rules.rule_id""".replace(":rule_columns", RULE_COLUMNS)

_SIZES = (1, 2, 4)

# the last column has a bit for each number of tickets that can be bought together: 1, 2 and 4 are bits as they are
_SECTIONS: LiteralString = """
    select snapshots.event_key, snapshots.section_key, snapshots.total_tickets,
        (snapshots.lowest_price_1ticket_cents is not null)::integer
            + 2 * (snapshots.lowest_price_2tickets_cents is not null)::integer
            + 4 * (snapshots.lowest_price_4tickets_cents is not null)::integer
    from unnest(%(events)s::integer[], %(ticks)s::timestamptz[]) as newest (event_key, tick)
    inner join market.section_snapshots as snapshots
        on snapshots.event_key = newest.event_key and snapshots.tick = newest.tick"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and an event that it is about, with what it remembers."""

    rule: Rule
    event_key: int
    tenant_id: UUID
    created_at: datetime
    state: State
    reference_cents: int | None
    told_today: int


def evaluate_alerts(connection: Connection, now: datetime, intervals: Mapping[str, timedelta]) -> Evaluated | None:
    """Evaluate what was captured since the last time. `intervals`: source -> the time between its ticks.

    Returns None if another evaluation takes too long: what it leaves is evaluated at the next tick.
    """
    started = time.monotonic()
    with wait_for_lock(connection, LOCK, at_most=LONGEST_WAIT) as alone:
        if not alone:
            return None
        with connection.transaction():
            done = _evaluate(connection, now, intervals)
    done.seconds = time.monotonic() - started
    return done


def _evaluate(connection: Connection, now: datetime, intervals: Mapping[str, timedelta]) -> Evaluated:
    pending = read_pending(connection, now, list(intervals))
    done = Evaluated(events=len(pending))
    if not pending:
        return done
    # whose whole day must be read: late captures, or, below, a partial one in between or no latest state after a crash
    late = [one.event_key for one in pending if (one.known and len(one.ticks) > 1) or not one.newest]
    asked = _read_asked(connection, now, pending, late[:MOST_LATE])
    sights = EventSights(connection, [key for key, ofs in asked.items() if ofs])
    _leave_out_what_is_left(connection, pending, set(late), asked, sights)
    newest = newest_states(connection, [one.event_key for one in pending if asked[one.event_key]])
    whole = [*late, *(one.event_key for one in pending if asked[one.event_key] and _state_is_missing(newest, one))]
    whole = list(dict.fromkeys(whole))
    done.skipped_events = len(whole[MOST_LATE:])
    whole = whole[:MOST_LATE]
    rows = OccasionRows(sights)
    told: Counter[UUID] = Counter()
    for one in pending:
        if not asked[one.event_key]:
            continue
        captures = _captures(connection, one, newest, one.event_key in whole, sights)
        for rule in asked[one.event_key]:
            done.rules += 1
            _decide_all(one, rule, captures, sights, rows, told, now - FRESH_INTERVALS * intervals[one.source])
    done.outcomes = rows.write(connection)
    write_watermarks(connection, pending, now - REACH)
    return done


def read_pending(connection: Connection, now: datetime, sources: Sequence[str]) -> list[Pending]:
    """The events of rules that have captures to evaluate."""
    with connection.cursor(row_factory=class_row(Pending)) as cursor:
        return cursor.execute(_PENDING, {"now": now, "since": now - REACH, "sources": list(sources)}).fetchall()


def write_watermarks(connection: Connection, pending: Sequence[Pending], since: datetime) -> None:
    """Note what was evaluated. Ticks before `since` are forgotten: they are not evaluated any more."""
    connection.execute(
        """insert into price_alerts.watermarks as marks (event_key, tick, ticks)
           select event_key, max(tick), array_agg(tick order by tick)
           from unnest(%(events)s::integer[], %(ticks)s::timestamptz[]) as evaluated (event_key, tick)
           group by event_key
           on conflict (event_key) do update set tick = greatest(marks.tick, excluded.tick), ticks = array(
               select tick from unnest(marks.ticks || excluded.ticks) as kept (tick)
               where tick > %(since)s order by tick)""",
        {
            "events": [one.event_key for one in pending for _ in one.ticks],
            "ticks": [tick for one in pending for tick in one.ticks],
            "since": since,
        },
    )


def _leave_out_what_is_left(
    connection: Connection,
    pending: Sequence[Pending],
    late: Collection[int],
    asked: dict[int, list[Asked]],
    sights: EventSights,
) -> None:
    """Leave out rules about what is left or comes back, while more is left: the snapshots of sections say so."""
    unsure = [one for one in pending if any(rule.rule.condition in ("few", "back") for rule in asked[one.event_key])]
    figures: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for event_key, section_key, tickets, sizes in connection.execute(
        _SECTIONS,
        {"events": [one.event_key for one in unsure], "ticks": [one.ticks[-1] for one in unsure]},
        binary=True,
    ).fetchall():
        figures[event_key][section_key] = (tickets, sizes)

    def may_tell(one: Asked) -> bool:
        seen = figures[one.event_key]
        rule, wanted = one.rule, sights.sections(one.event_key, one.rule)
        if rule.condition == "few":
            left = sum(tickets for section_key, (tickets, _) in seen.items() if section_key in wanted)
            return not one.state.armed or left <= (rule.few or 0)
        if rule.condition == "back" and not one.state.sold_out and not rule.at_least:
            return not any(
                tickets if rule.tickets is None else rule.tickets in _SIZES and rule.tickets & sizes
                for section_key, (tickets, sizes) in seen.items()
                if section_key in wanted
            )
        return True

    for each in unsure:
        if each.event_key not in late:
            asked[each.event_key] = [rule for rule in asked[each.event_key] if may_tell(rule)]


def _state_is_missing(newest: Mapping[int, NewestStates], one: Pending) -> bool:
    return one.event_key not in newest or newest[one.event_key].tick != one.ticks[-1]


def _read_asked(
    connection: Connection, now: datetime, pending: Sequence[Pending], whole: Sequence[int]
) -> dict[int, list[Asked]]:
    """The rules that may come to something, by event."""
    rows = connection.execute(
        _ASKED,
        {
            "now": now,
            "events": [one.event_key for one in pending],
            "ticks": [one.ticks[-1] for one in pending],
            "whole": list(whole),
        },
    ).fetchall()
    asked: dict[int, list[Asked]] = defaultdict(list)
    rules: dict[UUID, Rule] = {}
    for event_key, tenant_id, created_at, state, reference_cents, told_today, *columns in rows:
        rule = rules.get(columns[0]) or rules.setdefault(columns[0], rule_from_row(columns))
        asked[event_key].append(
            Asked(rule, event_key, tenant_id, created_at, load_state(state), reference_cents, told_today)
        )
    return asked


Capture = tuple[Sight, bool]
"""A capture to evaluate, and whether it is the event's newest."""


def _captures(
    connection: Connection,
    one: Pending,
    newest: Mapping[int, NewestStates],
    whole: bool,
    sights: EventSights,
) -> list[Capture]:
    """What is to be evaluated of an event, oldest first. Of an event that is new to us, the newest capture only."""
    if not whole:
        if _state_is_missing(newest, one):
            return []
        states = newest[one.event_key]
        return [(sights.sight(one.event_key, states.tick, *states.stands()), True)]
    ticks = set(one.ticks if one.known else one.ticks[-1:])
    found: list[Capture] = []
    before = None
    for tick, partial, stand in states_between(connection, one.event_key, min(ticks) - DAY, one.ticks[-1]):
        if partial:
            continue
        if tick in ticks:
            is_newest = one.newest and tick == one.ticks[-1]
            found.append((sights.sight(one.event_key, tick, stand, before), is_newest))
        before = stand
    return found


def _decide_all(
    one: Pending,
    asked: Asked,
    captures: Sequence[Capture],
    sights: EventSights,
    rows: OccasionRows,
    told: Counter[UUID],
    fresh_since: datetime,
) -> None:
    """Decide a rule at an event's captures. Only the newest one tells, and only if it is fresh."""
    rule, state, limit = asked.rule, asked.state, limit_of(asked.rule, asked.reference_cents)
    sections, holder = sights.sections(one.event_key, rule), None
    for sight, is_newest in captures:
        late = not is_newest or sight.tick < fresh_since
        if late and sight.tick < asked.created_at:
            continue
        # a late capture cannot arm a rule that has told since: it only says what was missed
        before = state if is_newest else replace(state, armed=True, told_cents=None)
        today = asked.told_today + told[rule.rule_id]
        decision = decide(rule, sections, sight, before, limit, today, late=late)
        if decision.occasion and decision.occasion.outcome == "tell":
            told[rule.rule_id] += 1
        if rule.condition in OF_HISTORY and decision.lowest_cents is not None:
            rows.price(rule, one.event_key, sight.tick, decision.lowest_cents)
        if is_newest:
            state, holder = decision.state, decision.holder
        rows.add(rule, asked.tenant_id, one.event_key, one.event_id, sight.tick, decision)
    if state != asked.state or (holder and not state.armed):
        rows.remember(rule, one.event_key, state, None if state.armed else holder)
