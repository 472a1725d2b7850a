"""The links between events of two sources: found by rules, decided by people, kept with their evidence.

A person's decision stays until a person undoes it. The rules are in `match_rules`; here they are applied to what the
database knows, and what they find is stored.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from tickettape.catalogue.event_sides import Side, store_event_sides
from tickettape.catalogue.match_rules import KnownVenues, ListedEvent, VenueId, learn_venues, match_events
from tickettape.database import Connection

BY_RULES = "rules"
BY_HAND = "by hand"
LEARNED = "venue learned from events that agree"
HELD = timedelta(days=1)  # a link is made or ended until so long after its event began


class LinkError(Exception):
    """A link cannot be decided like this. The message is a full sentence for a person."""


@dataclass(frozen=True)
class EventLink:
    """A pair of events of two sources, and what is thought of it."""

    link_id: int
    source: str
    external_id: str
    other_source: str
    other_external_id: str
    state: str
    rule: str
    evidence: dict[str, Any]
    confidence: float
    decided_by: str
    decided_at: datetime


_COLUMNS = ", ".join(column.name for column in fields(EventLink))


def match_sources(connection: Connection, now: datetime) -> Counter[str]:
    """Match the coming events of each two sources; how many links were made and ended, by their new state.

    What a person decided is left alone. A link that the rules no longer find is ended: its events have another date or
    venue, or there is a tie.
    """
    counts: Counter[str] = Counter()
    with connection.transaction():
        _lock(connection)
        rows = connection.execute("select distinct source from market.events where active or listed_at is not null")
        sources = sorted(str(source) for (source,) in rows)  # as `_ordered` has them, whatever the collation
        catalogues = {source: listed_events(connection, source, now - HELD) for source in sources}
        for left, right in combinations(catalogues, 2):
            counts += _match_two(connection, catalogues[left], catalogues[right], left, right)
        store_event_sides(connection)
    return counts


def listed_events(connection: Connection, source: str, since: datetime) -> list[ListedEvent]:
    """The dated events of a source that begin after an instant."""
    with connection.cursor(row_factory=class_row(ListedEvent)) as cursor:
        return cursor.execute(
            """select source, external_id, name, venue_external_id as venue_id, nullif(venue, 'unknown') as venue, city,
                   state, latitude, longitude, venue_time_zone as time_zone, date, date_status
               from market.events
               where source = %s and date > %s and (active or listed_at is not null)
                   and sales_state is distinct from 'cancelled'""",
            [source, since],
        ).fetchall()


def _match_two(
    connection: Connection, lefts: list[ListedEvent], rights: list[ListedEvent], left: str, right: str
) -> Counter[str]:
    known = event_links(connection, left, right)
    confirmed = {side for one in known if one.state == "confirmed" for side in _pair(one)}
    refused = {_pair(one) for one in known if one.state == "refused"}
    _learn(connection, lefts, rights)
    found = {
        (one.left.key, one.right.key): one
        for one in match_events(
            [one for one in lefts if one.key not in confirmed],
            [one for one in rights if one.key not in confirmed],
            _known_venues(connection, left, right),
            refused,
        )
    }
    counts: Counter[str] = Counter()
    coming = {one.key for one in [*lefts, *rights]}
    for link in known:  # first what ends: an event is one event of another source at most
        over = link.state in ("automatic", "proposed") and _pair(link) not in found
        if over and coming.issuperset(_pair(link)):
            _store(connection, _pair(link), "ended", "no longer found", link.evidence, link.confidence, BY_RULES)
            counts["ended"] += 1
    stored = {_pair(one): one for one in known}  # what was decided is not found
    for pair, match in sorted(found.items(), key=lambda one: one[1].state == "automatic"):
        before = stored.get(pair)
        if before and (before.state, before.rule) == (match.state, match.rule):
            continue
        _store(connection, pair, match.state, match.rule, dict(match.evidence), match.confidence, BY_RULES)
        counts[match.state] += 1
    return counts


def _learn(connection: Connection, lefts: Sequence[ListedEvent], rights: Sequence[ListedEvent]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into market.venue_links
                   (source, venue_external_id, other_source, other_venue_external_id, state, rule, evidence, decided_by)
               values (%s, %s, %s, %s, 'automatic', %s, %s, %s) on conflict do nothing""",
            [
                (*one, *other, LEARNED, Jsonb({"days": days}), BY_RULES)
                for (one, other), days in learn_venues(lefts, rights).items()
            ],
        )


def _known_venues(connection: Connection, left: str, right: str) -> KnownVenues:
    rows = connection.execute(
        """select (source, venue_external_id), (other_source, other_venue_external_id), state, rule
           from market.venue_links where source = %s and other_source = %s""",
        [left, right],
    ).fetchall()
    pairs: list[tuple[tuple[VenueId, VenueId], str, str]] = [
        ((tuple(one), tuple(other)), state, rule) for one, other, state, rule in rows
    ]
    return KnownVenues(
        {pair: rule for pair, state, rule in pairs if state != "refused"},
        {pair for pair, state, _ in pairs if state == "refused"},
    )


def event_links(
    connection: Connection, source: str | None = None, other: str | None = None, state: str | None = None
) -> list[EventLink]:
    """The links, of two sources or all, surest first. The sources in the order of their names."""
    with connection.cursor(row_factory=class_row(EventLink)) as cursor:
        return cursor.execute(
            f"""select {_COLUMNS} from market.event_links
                where (%(source)s::text is null or source = %(source)s)
                    and (%(other)s::text is null or other_source = %(other)s)
                    and (%(state)s::text is null or state = %(state)s)
                order by confidence desc, link_id""",  # noqa: S608
            {"source": source, "other": other, "state": state},
        ).fetchall()


def decide_link(connection: Connection, one: Side, other: Side, state: str, by: str) -> None:
    """Confirm or refuse that two events are one; a person's decision stays. Raises LinkError.

    A link by a rule to a third event gives way to a confirmed one.
    """
    pair = _ordered(one, other)
    with connection.transaction():
        _lock(connection)
        if state == "confirmed":
            for rival in _rivals(connection, pair):
                if rival.state == "confirmed":
                    raise LinkError(
                        f"{rival.source} {rival.external_id} and {rival.other_source} {rival.other_external_id} are "
                        "confirmed as one event. Refuse that link first."
                    )
                _store(connection, _pair(rival), "ended", "another one was confirmed", rival.evidence, 0.0, by)
        known = _link(connection, pair)
        evidence = known.evidence if known else {}
        _store(connection, pair, state, known.rule if known else BY_HAND, evidence, 1.0, by)
        store_event_sides(connection)


def link_known(connection: Connection, one: Side, other: Side, rule: str, evidence: dict[str, Any], by: str) -> bool:
    """Link two events of which `by` knows that they are one. What a person decided stays.

    Returns whether they are linked. Raises LinkError if both are of one source.
    """
    pair = _ordered(one, other)
    with connection.transaction():
        _lock(connection)
        known = _link(connection, pair)
        if known is not None and known.state in ("automatic", "confirmed", "refused"):
            return known.state != "refused"
        if _rivals(connection, pair):
            return False
        _store(connection, pair, "automatic", rule, evidence, 1.0, by)
        store_event_sides(connection)
    return True


def undo_decision(connection: Connection, one: Side, other: Side) -> str:
    """Take back the newest change of a link; returns the state that it has now. Raises LinkError."""
    pair = _ordered(one, other)
    with connection.transaction():
        _lock(connection)
        known = _link(connection, pair)
        if known is None:
            raise LinkError(f"There is no link between {' '.join(one)} and {' '.join(other)}.")
        before = connection.execute(
            """select state, rule, evidence, confidence, decided_by from market.event_link_changes
               where link_id = %s order by changed_at desc limit 1""",
            [known.link_id],
        ).fetchone()
        # without an earlier state it was made by hand: then the rules decide again
        state, rule, evidence, confidence, by = before or ("ended", "taken back", known.evidence, 0.0, BY_RULES)
        if state in ("automatic", "confirmed") and _rivals(connection, pair):
            raise LinkError("One of the two events is now linked to another one. Refuse that link first.")
        _store(connection, pair, state, rule, evidence, confidence, by)
        store_event_sides(connection)
    return str(state)


def decide_venues(connection: Connection, one: VenueId, other: VenueId, state: str, by: str) -> None:
    """Say that two venues of two sources are one ("confirmed") or are not ("refused"). Raises LinkError."""
    connection.execute(
        """insert into market.venue_links
               (source, venue_external_id, other_source, other_venue_external_id, state, rule, evidence, decided_by)
           values (%s, %s, %s, %s, %s, %s, '{}', %s)
           on conflict (source, venue_external_id, other_source, other_venue_external_id) do update set
               state = excluded.state, rule = excluded.rule, decided_by = excluded.decided_by, decided_at = now()""",
        [*(part for side in _ordered(one, other) for part in side), state, f"venue {BY_HAND}", by],
    )


def _lock(connection: Connection) -> None:
    """Keep the others that change links out until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('event links', 0))")


def _rivals(connection: Connection, pair: tuple[Side, Side]) -> list[EventLink]:
    """The live links of either event to a third one of the other's source."""
    (source, external_id), (other_source, other_external_id) = pair
    with connection.cursor(row_factory=class_row(EventLink)) as cursor:
        return cursor.execute(
            f"""select {_COLUMNS} from market.event_links
                where source = %s and other_source = %s and state in ('automatic', 'confirmed')
                    and (external_id = %s) != (other_external_id = %s)""",  # noqa: S608
            [source, other_source, external_id, other_external_id],
        ).fetchall()


def _link(connection: Connection, pair: tuple[Side, Side]) -> EventLink | None:
    with connection.cursor(row_factory=class_row(EventLink)) as cursor:
        return cursor.execute(
            f"""select {_COLUMNS} from market.event_links
                where source = %s and external_id = %s and other_source = %s and other_external_id = %s""",  # noqa: S608
            [*pair[0], *pair[1]],
        ).fetchone()


def _store(
    connection: Connection,
    pair: tuple[Side, Side],
    state: str,
    rule: str,
    evidence: dict[str, Any],
    confidence: float,
    by: str,
) -> None:
    connection.execute(
        """insert into market.event_links (source, external_id, other_source, other_external_id,
               state, rule, evidence, confidence, decided_by)
           values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
           on conflict (source, external_id, other_source, other_external_id) do update set
               state = excluded.state, rule = excluded.rule, evidence = excluded.evidence,
               confidence = excluded.confidence, decided_by = excluded.decided_by, decided_at = clock_timestamp()""",
        [*pair[0], *pair[1], state, rule, Jsonb(evidence), confidence, by],
    )


def _pair(link: EventLink) -> tuple[Side, Side]:
    return (link.source, link.external_id), (link.other_source, link.other_external_id)


def _ordered(one: Side, other: Side) -> tuple[Side, Side]:
    if one[0] == other[0]:
        raise LinkError(f"Both are from {one[0]}. A link joins two sources.")
    return (one, other) if one < other else (other, one)
