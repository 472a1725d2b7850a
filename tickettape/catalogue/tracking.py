"""Tracking rules, and the events that each has found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from tickettape.database import Connection

RULE_KINDS = ("event", "performer", "venue", "search")
_RULE_COLUMNS = "rule_id, source, kind, value, discovered_at, because_of"


@dataclass(frozen=True)
class TrackingRule:
    """What to watch: one event, or all events of a performer, at a venue or in a search."""

    rule_id: int
    source: str
    kind: str
    value: str
    discovered_at: datetime | None
    because_of: int | None = None
    """The rule of another source that found this event there; None for a rule that somebody made."""

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def track_rule(connection: Connection, source: str, kind: str, value: str) -> None:
    """Start watching. Tracking the same rule twice changes nothing."""
    connection.execute(
        """insert into market.tracked_rules (source, kind, value) values (%s, %s, %s)
           on conflict (source, kind, value) do update set because_of = null
           where tracked_rules.because_of is not null""",
        [source, kind, value],
    )


def untrack_rule(connection: Connection, source: str, kind: str, value: str) -> bool:
    """Stop watching. Events that no other rule covers are retired at the next tick. False if nobody tracks it.

    Rules that follow its events to other sources go too.
    """
    done = connection.execute(
        """delete from market.tracked_rules
           where source = %s and kind = %s and value = %s and because_of is null""",
        [source, kind, value],
    )
    return done.rowcount > 0


def follow_linked_events(connection: Connection, source: str) -> None:
    """Let the rules of other sources hold here too: track the sides that their events have at this source.

    An event that a rule of this source has found needs none. Where the link or the event is gone, so is its rule.
    """
    connection.execute(
        """with followed as materialized (
               select here.external_id, min(rules.rule_id) as because_of
               from market.event_sides as here
               inner join market.event_sides as there
                   on there.catalogue_event_id = here.catalogue_event_id and there.source != here.source
               inner join market.events on events.event_key = there.event_key and events.active
               inner join market.rule_events on rule_events.event_key = there.event_key
               inner join market.tracked_rules as rules
                   on rules.rule_id = rule_events.rule_id and rules.because_of is null
               where here.source = %(source)s
                   and not exists (
                       select from market.rule_events as own
                       inner join market.tracked_rules as own_rules
                           on own_rules.rule_id = own.rule_id and own_rules.because_of is null
                       where own.event_key = here.event_key)
               group by here.external_id
           ),
           gone as (
               delete from market.tracked_rules
               where source = %(source)s and because_of is not null
                   and value not in (select external_id from followed)
           )
           insert into market.tracked_rules (source, kind, value, because_of)
           select %(source)s, 'event', external_id, because_of from followed
           on conflict do nothing""",
        {"source": source},
    )


def tracking_rules(connection: Connection, source: str) -> list[TrackingRule]:
    """Every rule of a marketplace, oldest first."""
    with connection.cursor(row_factory=class_row(TrackingRule)) as cursor:
        return cursor.execute(
            f"select {_RULE_COLUMNS} from market.tracked_rules where source = %s order by rule_id",  # noqa: S608
            [source],
        ).fetchall()


def tracked_sources(connection: Connection) -> list[str]:
    """The marketplaces that have tracking rules, whichever program watches them."""
    rows = connection.execute("select distinct source from market.tracked_rules order by source").fetchall()
    return [str(source) for (source,) in rows]


def record_discovery(connection: Connection, rule: TrackingRule, external_ids: Sequence[str], at: datetime) -> None:
    """Store which events a rule has found, and when."""
    connection.execute("update market.tracked_rules set discovered_at = %s where rule_id = %s", [at, rule.rule_id])
    connection.execute(
        """insert into market.rule_events (rule_id, event_key)
           select %s, event_key from market.events where source = %s and external_id = any(%s)
           on conflict do nothing""",
        [rule.rule_id, rule.source, list(external_ids)],
    )


def due_tracking_rules(connection: Connection, source: str, *, now: datetime, every: timedelta) -> list[TrackingRule]:
    """The rules whose newest discovery is at least `every` ago, or that had none; the oldest rule first."""
    return [
        rule
        for rule in tracking_rules(connection, source)
        if rule.discovered_at is None or rule.discovered_at <= now - every
    ]


def record_discovery_outcome(connection: Connection, source: str, at: datetime, *, failure: str | None) -> None:
    """Store the outcome of a marketplace's newest discovery. `failure`: what failed or was left out, and why."""
    connection.execute(
        """insert into market.discoveries (source, discovered_at, reason) values (%s, %s, %s)
           on conflict (source) do update set
               discovered_at = excluded.discovered_at, reason = excluded.reason""",
        [source, at, failure],
    )


def newest_discovery(connection: Connection, source: str) -> tuple[datetime | None, str | None]:
    """When a marketplace's events were discovered last (None: never), and what failed then (None: nothing)."""
    row = connection.execute(
        "select discovered_at, reason from market.discoveries where source = %s", [source]
    ).fetchone()
    return (row[0], row[1]) if row else (None, None)
