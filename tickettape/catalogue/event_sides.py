"""The events that several sources have: links, resolved into groups of sides.

People, rules and prices follow the event, of which each source's event is one side. `group_sides` decides what belongs
together; `store_event_sides` keeps it for everybody who asks in SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tickettape.database import Connection

Side = tuple[str, str]
"""An event at its source: (source, the source's id)."""


@dataclass(frozen=True)
class LinkedPair:
    """Two events of two sources, and the state of their link: `automatic`, `confirmed` or `refused`."""

    one: Side
    other: Side
    state: str
    confidence: float = 1.0


def group_sides(links: Iterable[LinkedPair]) -> list[frozenset[Side]]:
    """The sides of each event, at least two.

    Links lead on: of A = B and B = C follows A = C. But two events of one source are never one event, and neither is a
    refused pair. So links are taken one by one, confirmed ones first and then the surest, and one that would put such a
    pair together is left out.
    """
    links = list(links)
    refused = {frozenset((link.one, link.other)) for link in links if link.state == "refused"}
    live = [link for link in links if link.state in ("automatic", "confirmed")]
    group_of: dict[Side, set[Side]] = {}
    for link in sorted(live, key=lambda link: (link.state != "confirmed", -link.confidence, link.one, link.other)):
        one, other = (group_of.setdefault(side, {side}) for side in (link.one, link.other))
        if one is other or {source for source, _ in one} & {source for source, _ in other}:
            continue
        if any(frozenset((left, right)) in refused for left in one for right in other):
            continue
        one |= other
        group_of.update(dict.fromkeys(other, one))
    groups = {id(group): frozenset(group) for group in group_of.values() if len(group) > 1}
    return sorted(groups.values(), key=sorted)


def store_event_sides(connection: Connection) -> None:
    """Resolve all links anew. Call it in the transaction that changed a link, with the links locked."""
    rows = connection.execute(
        """select source, external_id, other_source, other_external_id, state, confidence from market.event_links
           where state in ('automatic', 'confirmed', 'refused')"""
    ).fetchall()
    groups = group_sides(
        LinkedPair((source, external_id), (other_source, other_external_id), state, confidence)
        for source, external_id, other_source, other_external_id, state, confidence in rows
    )
    sides = [(number, *side) for number, group in enumerate(groups) for side in sorted(group)]
    connection.execute(
        """create temporary table if not exists new_sides
               (source text, external_id varchar(255), event_key integer, catalogue_event_id uuid) on commit drop"""
    )
    connection.execute(
        """insert into pg_temp.new_sides
           select grouped.source, grouped.external_id, known.event_key,
               first_value(known.id) over (partition by grouped.number order by known.event_key nulls last)
           from unnest(%s::integer[], %s::text[], %s::text[]) as grouped (number, source, external_id)
           left join market.events as known using (source, external_id)""",
        [[number for number, *_ in sides], [source for _, source, _ in sides], [one for *_, one in sides]],
    )
    # only what has changed is written
    connection.execute(
        """delete from market.event_sides as stored where not exists (
               select from pg_temp.new_sides as found
               where (found.source, found.external_id, found.catalogue_event_id)
                       = (stored.source, stored.external_id, stored.catalogue_event_id)
                   and found.event_key is not distinct from stored.event_key)"""
    )
    connection.execute(
        """insert into market.event_sides (source, external_id, event_key, catalogue_event_id)
           select source, external_id, event_key, catalogue_event_id from pg_temp.new_sides
           where catalogue_event_id is not null
           on conflict do nothing"""
    )
    connection.execute("drop table pg_temp.new_sides")
