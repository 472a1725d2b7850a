"""The fields that a marketplace's answers ever had: a new one is noted once, so that a change of format is seen."""

from collections.abc import Mapping
from datetime import datetime

from tickettape.database import Connection

MOST_AT_ONCE = 200  # a format has a hundred or two: a part whose fields are ids must not be news for ever


def record_answer_fields(connection: Connection, source: str, fields: Mapping[str, str]) -> list[str]:
    """Note the fields (each with the id of an event that has it) not known yet; those that are news.

    The first answers of a marketplace are news of nothing: they say what its answers look like.
    """
    known = {
        str(field)
        for (field,) in connection.execute("select field from market.answer_fields where source = %s", [source])
    }
    # in one order, so that two readers who note the same never wait for each other
    new = sorted(fields.keys() - known)[:MOST_AT_ONCE]
    if not new:
        return []
    noted = connection.execute(
        """insert into market.answer_fields (source, field, external_id)
           select %s, field, external_id from unnest(%s::text[], %s::text[]) as new (field, external_id)
           on conflict do nothing returning field""",
        [source, new, [fields[field] for field in new]],
    ).fetchall()
    return sorted(str(field) for (field,) in noted) if known else []


def new_answer_fields(connection: Connection, source: str, since: datetime) -> list[str]:
    """The fields first seen since then, but for those of a marketplace's first answers."""
    rows = connection.execute(
        """select field from market.answer_fields
           where source = %(source)s and first_seen_at >= %(since)s
               and first_seen_at > (select min(first_seen_at) from market.answer_fields where source = %(source)s)
           order by field""",
        {"source": source, "since": since},
    ).fetchall()
    return [str(field) for (field,) in rows]
