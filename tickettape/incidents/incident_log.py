"""What was wrong and who was told: a repeat of what is known is folded into its row, and told again only in time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row, dict_row

from tickettape.database import Connection


@dataclass(frozen=True)
class Incident:
    """Something that is wrong. `about` names it: two of one name are one incident, whatever their words."""

    about: str
    title: str
    message: str
    first_at: datetime | None = None
    folded: int = 0


OF_A_PROGRAM = ("runs of ", "check ", "warnings of checks")
"""How what is about names an incident that only one program can see: its own runs and checks."""


def owned(incident: Incident, owner: str) -> Incident:
    """An incident by the name that it has where `owner`, a program beside the first, finds it."""
    if not owner or not incident.about.startswith(OF_A_PROGRAM):
        return incident
    return replace(incident, about=f"{incident.about} [{owner}]")


def _may_end(about: str, owner: str) -> bool:
    """Whether `owner` can see that an open incident is over: one that everybody sees, or one of its own."""
    return not about.startswith(OF_A_PROGRAM) or about.partition(" [")[2] == (f"{owner}]" if owner else "")


_COLUMNS = "about, title, message, first_at, folded"


def record_incidents(
    connection: Connection, incidents: Sequence[Incident], *, now: datetime, repeat: timedelta, owner: str = ""
) -> tuple[list[Incident], list[Incident]]:
    """Remember what is wrong now; what to tell people of it, and of what has ended.

    To be told: what is new, what could not be told, and what was last told longer ago than `repeat`. What comes back
    within `repeat` of a message goes on as the same incident, and its next end is not told again. What only one program
    can see, its own runs and checks, ends only where that program, `owner`, no longer finds it.
    """
    found = {incident.about: incident for incident in incidents}
    with connection.transaction(), connection.cursor(row_factory=class_row(Incident)) as cursor:
        cursor.execute("lock table market.incidents in share row exclusive mode")  # one watcher at a time
        open_ones = connection.execute("select about from market.incidents where ended_at is null").fetchall()
        ended = [about for (about,) in open_ones if about not in found and _may_end(about, owner)]
        over = cursor.execute(
            f"""with ended as (
                    update market.incidents set ended_at = %s where ended_at is null and about = any(%s)
                    returning {_COLUMNS}, sent_at, reopened
                )
                select {_COLUMNS} from ended where sent_at is not null and not reopened""",  # noqa: S608
            [now, ended],
        ).fetchall()
        cursor.execute(
            """update market.incidents as known set ended_at = null, reopened = true
               where about = any(%s) and sent_at > %s
                   and not exists (select from market.incidents where about = known.about and ended_at is null)
                   and incident_id = (select max(incident_id) from market.incidents where about = known.about)""",
            [list(found), now - repeat],
        )
        cursor.execute(
            """insert into market.incidents as known (about, title, message, first_at, last_at)
               select new.*, %(now)s, %(now)s
               from unnest(%(about)s::text[], %(titles)s::text[], %(messages)s::text[]) as new
               on conflict (about) where ended_at is null do update set
                   title = excluded.title, message = excluded.message, last_at = excluded.last_at,
                   folded = known.folded + 1""",
            {
                "now": now,
                "about": list(found),
                "titles": [incident.title for incident in found.values()],
                "messages": [incident.message for incident in found.values()],
            },
        )
        cursor.execute(
            f"""select {_COLUMNS} from market.incidents
                where ended_at is null and (sent_at is null or sent_at <= %s) order by incident_id""",  # noqa: S608
            [now - repeat],
        )
        return cursor.fetchall(), over


def record_told(connection: Connection, sent: Sequence[Incident], now: datetime) -> None:
    """Remember that people were told."""
    connection.execute(
        "update market.incidents set sent_at = %s, folded = 0 where ended_at is null and about = any(%s)",
        [now, [incident.about for incident in sent]],
    )


def reopen_untold(connection: Connection, over: Sequence[Incident]) -> None:
    """Open what has ended again, since nobody could be told: the next look ends it."""
    connection.execute(
        """update market.incidents as known set ended_at = null
           where about = any(%s) and incident_id = (
               select max(incident_id) from market.incidents where about = known.about)""",
        [[incident.about for incident in over]],
    )


def newest_incidents(connection: Connection, most: int) -> list[dict[str, Any]]:
    """What is wrong now and what was, the open ones first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from market.incidents order by ended_at is not null, last_at desc limit %s", [most]
        ).fetchall()
