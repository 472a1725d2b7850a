"""The catalogue: what is tracked, which events that makes, and the zones and sections they have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from tickettape.database import Connection

RULE_KINDS = ("production", "performer", "venue", "search")


@dataclass(frozen=True)
class Rule:
    """Something to watch: one production, or all of a performer's, a venue's or a search's."""

    rule_id: int
    source: str
    kind: str
    value: str
    discovered_at: datetime | None

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


@dataclass(frozen=True)
class Event:
    """An event to watch, as the tables join it and as the marketplace knows it."""

    event_key: int
    external_id: str
    name: str
    date: datetime


@dataclass(frozen=True)
class SeenZone:
    """A zone as an answer names it."""

    event_key: int
    external_id: str
    name: str
    display_order: int


_RULE_COLUMNS = "rule_id, source, kind, value, discovered_at"


def track(connection: Connection, source: str, kind: str, value: str) -> None:
    """Watch from now on; tracking the same twice is once."""
    connection.execute(
        "insert into market.tracked_rules (source, kind, value) values (%s, %s, %s) on conflict do nothing",
        [source, kind, value],
    )


def untrack(connection: Connection, source: str, kind: str, value: str) -> bool:
    """Watch no longer: no new events; those that no other rule names are retired. False if it was not tracked."""
    done = connection.execute(
        "delete from market.tracked_rules where source = %s and kind = %s and value = %s",
        [source, kind, value],
    )
    return done.rowcount > 0


def rules(connection: Connection, source: str) -> list[Rule]:
    """Every rule of a marketplace, oldest first."""
    with connection.cursor(row_factory=class_row(Rule)) as cursor:
        return cursor.execute(
            f"select {_RULE_COLUMNS} from market.tracked_rules where source = %s order by rule_id",  # noqa: S608
            [source],
        ).fetchall()


def note_discovered(connection: Connection, rule: Rule, external_ids: Sequence[str], at: datetime) -> None:
    """Remember which events a rule stands for, and when it was asked."""
    connection.execute("update market.tracked_rules set discovered_at = %s where rule_id = %s", [at, rule.rule_id])
    connection.execute(
        """insert into market.rule_events (rule_id, event_key)
           select %s, event_key from market.events where source = %s and external_id = any(%s)
           on conflict do nothing""",
        [rule.rule_id, rule.source, list(external_ids)],
    )


def upsert_events(connection: Connection, source: str, productions: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Add or refresh catalogue entries; (added, refreshed). An event that moved to a later date lives again."""
    added = refreshed = 0
    for production in productions:
        row = connection.execute(
            """insert into market.events as known
                   (source, external_id, name, venue, city, state, country, venue_time_zone, date, category,
                    performer_id, performer_name, image_url)
               values (%(source)s, %(external_id)s, %(name)s, %(venue)s, %(city)s, %(state)s, %(country)s,
                       %(venue_time_zone)s, %(date)s, %(category)s, %(performer_id)s, %(performer_name)s,
                       %(image_url)s)
               on conflict (source, external_id) do update set
                   name = excluded.name, venue = excluded.venue, city = excluded.city, state = excluded.state,
                   country = excluded.country, venue_time_zone = excluded.venue_time_zone, date = excluded.date,
                   category = excluded.category, performer_id = excluded.performer_id,
                   performer_name = excluded.performer_name, image_url = excluded.image_url,
                   updated_at = now(),
                   active = known.active or excluded.date > now(),
                   retired_because = case when excluded.date > now() then null else known.retired_because end
               where (known.name, known.venue, known.city, known.state, known.country, known.venue_time_zone,
                      known.date, known.category, known.performer_id, known.performer_name, known.image_url)
                   is distinct from
                     (excluded.name, excluded.venue, excluded.city, excluded.state, excluded.country,
                      excluded.venue_time_zone, excluded.date, excluded.category, excluded.performer_id,
                      excluded.performer_name, excluded.image_url)
                   or not known.active and excluded.date > now()
               returning xmax = 0""",
            {"source": source, **production},
        ).fetchone()
        if row is not None:
            added, refreshed = (added + 1, refreshed) if row[0] else (added, refreshed + 1)
    return added, refreshed


def retire(connection: Connection, source: str, *, now: datetime, misses_to_retire: int) -> dict[str, int]:
    """Stop watching what is past, what the marketplace no longer knows, and what no rule names; counts by reason.

    A single miss retires nothing: a 404 was seen on valid events.
    """
    retired = connection.execute(
        """with reasons as (
               select event_key,
                   case
                       when date <= %(now)s then 'past'
                       when (select count(*) filter (where status = 'missing')
                             from (select status from market.captures c
                                   where c.event_key = e.event_key and c.status not in ('missed', 'void')
                                       and c.tick > %(now)s - interval '2 days'
                                   order by tick desc limit %(misses)s) as newest) = %(misses)s
                           then 'unknown to the marketplace'
                       when not exists (select from market.rule_events r where r.event_key = e.event_key)
                           then 'untracked'
                   end as reason
               from market.events e
               where source = %(source)s and active
           ),
           retired as (
               update market.events e set active = false, retired_because = reason, updated_at = %(now)s
               from reasons
               where e.event_key = reasons.event_key and reason is not null
               returning reason
           )
           select reason, count(*) from retired group by reason order by reason""",
        {"source": source, "now": now, "misses": misses_to_retire},
    ).fetchall()
    return {str(reason): int(count) for reason, count in retired}


def watched_at(connection: Connection, source: str, tick: datetime) -> list[Event]:
    """The events to capture at a tick: watched, and not begun by then. Ordered by date, soonest first."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            """select event_key, external_id, name, date from market.events
               where source = %s and date > %s and (active or retired_because = 'past')
               order by date, event_key""",
            [source, tick],
        ).fetchall()


def find_event(connection: Connection, source: str, external_id: str) -> Event | None:
    """The event that a source knows by this id."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            "select event_key, external_id, name, date from market.events where source = %s and external_id = %s",
            [source, external_id],
        ).fetchone()


def lock_names(connection: Connection) -> None:
    """Let one transaction at a time make zones, sections and lots, until it ends.

    Two that make the same ones in another order would wait for each other for ever.
    """
    connection.execute("select pg_advisory_xact_lock(7153907)")


def places(connection: Connection, event_keys: Sequence[int]) -> list[tuple[int, str, str, str | None, int | None]]:
    """(event_key, zone id, name shown, section id, section_key) of events; None where a zone has no section yet."""
    return connection.execute(
        """select zones.event_key, zones.external_id, zones.display_name, sections.external_id, section_key
           from market.zones left join market.sections using (event_key, zone_key)
           where zones.event_key = any(%s)""",
        [list(event_keys)],
    ).fetchall()


def ensure_zones(connection: Connection, zones: Iterable[SeenZone]) -> dict[tuple[int, str], int]:
    """Make the zones that are new; every given (event_key, zone id) with its zone_key.

    Names are fixed at first sight and unique per event: "" becomes `Zone <id>`, a second zone of the same
    name gets ` (<id>)`. A later name only changes display_name.
    """
    seen = {(zone.event_key, zone.external_id): zone for zone in zones}
    event_keys = sorted({event_key for event_key, _ in seen})
    known = _zones(connection, event_keys)
    new = [zone for key, zone in seen.items() if key not in known]
    if new:
        lock_names(connection)  # two zones of one name must not both find it free
        known = _zones(connection, event_keys)
        taken = {(event_key, name) for (event_key, _), (_, name, _) in known.items()}
        made = []
        for zone in sorted(new, key=lambda zone: (zone.event_key, zone.display_order, zone.external_id)):
            if (zone.event_key, zone.external_id) in known:
                continue
            name = zone.name.strip() or f"Zone {zone.external_id}"
            while (zone.event_key, name) in taken:
                name = f"{name} ({zone.external_id})"
            taken.add((zone.event_key, name))
            made.append((zone.event_key, zone.external_id, name, zone.name.strip() or name, zone.display_order))
        rows = connection.execute(
            """insert into market.zones (event_key, external_id, name, display_name, display_order)
               select * from unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::integer[])
               returning event_key, external_id, zone_key, name, display_name""",
            _columns(made, 5),
        ).fetchall()
        known |= {(event_key, external_id): tuple(rest) for event_key, external_id, *rest in rows}
    renamed = [
        (zone.name.strip(), event_key, external_id)
        for (event_key, external_id), zone in seen.items()
        if zone.name.strip() and zone.name.strip() != known.get((event_key, external_id), (0, "", zone.name.strip()))[2]
    ]
    if renamed:
        with connection.cursor() as cursor:
            cursor.executemany(
                "update market.zones set display_name = %s where event_key = %s and external_id = %s", renamed
            )
    return {key: known[key][0] for key in seen}


def _zones(connection: Connection, event_keys: Sequence[int]) -> dict[tuple[int, str], tuple[int, str, str]]:
    rows = connection.execute(
        """select event_key, external_id, zone_key, name, display_name from market.zones
           where event_key = any(%s)""",
        [list(event_keys)],
    ).fetchall()
    return {(event_key, external_id): (zone_key, name, shown) for event_key, external_id, zone_key, name, shown in rows}


def ensure_sections(
    connection: Connection, sections: Mapping[tuple[int, int, str], str]
) -> dict[tuple[int, int, str], int]:
    """Make the sections that are new, given (event_key, zone_key, section id) -> name; each with its section_key."""
    event_keys = sorted({event_key for event_key, _, _ in sections})
    known = _sections(connection, event_keys)
    new = [(*key, name) for key, name in sections.items() if key not in known]
    if not new:
        return known
    lock_names(connection)
    rows = connection.execute(
        """insert into market.sections (event_key, zone_key, external_id, name)
           select * from unnest(%s::integer[], %s::integer[], %s::text[], %s::text[])
           on conflict do nothing
           returning event_key, zone_key, external_id, section_key""",
        _columns(sorted(new), 4),
    ).fetchall()
    if len(rows) < len(new):
        return _sections(connection, event_keys)  # somebody else has made some meanwhile
    return known | {
        (event_key, zone_key, external_id): section_key for event_key, zone_key, external_id, section_key in rows
    }


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows as columns: one statement with arrays for all of them."""
    return [[row[number] for row in rows] for number in range(width)]


def _sections(connection: Connection, event_keys: Sequence[int]) -> dict[tuple[int, int, str], int]:
    rows = connection.execute(
        "select event_key, zone_key, external_id, section_key from market.sections where event_key = any(%s)",
        [list(event_keys)],
    ).fetchall()
    return {(event_key, zone_key, external_id): section_key for event_key, zone_key, external_id, section_key in rows}


def due_rules(connection: Connection, source: str, *, now: datetime, every: timedelta) -> list[Rule]:
    """The rules that were not asked for so long, oldest first."""
    return [
        rule for rule in rules(connection, source) if rule.discovered_at is None or rule.discovered_at <= now - every
    ]
