"""Stored answers drawn at random, to be read again and compared with the listing history."""

from dataclasses import dataclass
from datetime import datetime

from tickettape.database import Connection
from tickettape.observations.captures import StoredAnswer


@dataclass(frozen=True)
class SampledAnswer:
    """A stored answer whose listings are in the history."""

    event_key: int
    external_id: str
    tick: datetime
    answer: bytes


def sample_answers(connection: Connection, source: str, since: datetime, *, each: int) -> list[SampledAnswer]:
    """Stored answers drawn at random: `each` of the newest tick in the history, and of one drawn from all `since`."""
    rows = connection.execute(
        """with ticks as (
               (select tick from market.captures where tick >= %(since)s and status in ('ok', 'partial')
                order by tick desc limit 1)
               union
               (select tick from market.captures
                where tick >= %(since)s + random() * (now() - %(since)s) and status in ('ok', 'partial')
                order by tick limit 1)
           )
           select drawn.*
           from ticks cross join lateral (
               select events.event_key, events.external_id, ticks.tick, payloads.answer_zstd,
                   bases.answer_zstd as base_zstd
               from market.listing_ticks as changes
               inner join market.events on events.event_key = changes.event_key
               inner join market.capture_payloads as payloads
                   on payloads.event_key = changes.event_key and payloads.tick = changes.tick
               left join market.capture_payloads as bases
                   on bases.event_key = payloads.event_key and bases.tick = payloads.base_tick
               where changes.date = (ticks.tick at time zone 'UTC')::date and changes.tick = ticks.tick
                   and events.source = %(source)s
               order by random() limit %(each)s
           ) as drawn""",
        {"since": since, "source": source, "each": each},
    ).fetchall()
    return [
        SampledAnswer(event_key, external_id, tick, StoredAnswer(event_key, external_id, "", answer, base).answer)
        for event_key, external_id, tick, answer, base in rows
    ]
