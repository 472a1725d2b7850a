"""The log of incidents: what was wrong, and what was reported.

An incident that is found again is counted in its row. It is reported again only after a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row, dict_row

from tickettape.database import Connection


@dataclass(frozen=True)
class Incident:
    """Something that is wrong. `about` identifies it: two with the same `about` are one incident, whatever their text.

    `folded`: how often it was found again since it was last reported.
    """

    about: str
    title: str
    message: str
    first_at: datetime | None = None
    folded: int = 0


OF_A_PROGRAM = ("runs of ", "check ", "warnings of checks")
"""The beginnings of `about` for incidents that only one program can see: those of its own runs and checks."""


def owned(incident: Incident, owner: str) -> Incident:
    """The incident under the name that it gets if `owner` finds it. `owner`: a program beside the first; else ""."""
    if not owner or not incident.about.startswith(OF_A_PROGRAM):
        return incident
    return replace(incident, about=f"{incident.about} [{owner}]")


def _may_end(about: str, owner: str) -> bool:
    """Whether `owner` may end an open incident: one that every program can see, or one of its own."""
    return not about.startswith(OF_A_PROGRAM) or about.partition(" [")[2] == (f"{owner}]" if owner else "")


_COLUMNS = "about, title, message, first_at, folded"


def record_incidents(
    connection: Connection, incidents: Sequence[Incident], *, now: datetime, repeat: timedelta, owner: str = ""
) -> tuple[list[Incident], list[Incident]]:
    """Record the current incidents. Returns those to report, and the ended ones to report.

    To report: new incidents, those that could not be reported yet, and those last reported longer ago than `repeat`. An
    incident that comes back within `repeat` of its last message is reopened, and its next end is not reported. An
    incident that only one program can see ends only if that program, `owner`, no longer finds it.
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
    """Record that incidents were reported."""
    connection.execute(
        "update market.incidents set sent_at = %s, folded = 0 where ended_at is null and about = any(%s)",
        [now, [incident.about for incident in sent]],
    )


def reopen_untold(connection: Connection, over: Sequence[Incident]) -> None:
    """Reopen incidents whose end could not be reported. The next look ends them again."""
    connection.execute(
        """update market.incidents as known set ended_at = null
           where about = any(%s) and incident_id = (
               select max(incident_id) from market.incidents where about = known.about)""",
        [[incident.about for incident in over]],
    )


def newest_incidents(connection: Connection, most: int) -> list[dict[str, Any]]:
    """The newest incidents, open ones first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from market.incidents order by ended_at is not null, last_at desc limit %s", [most]
        ).fetchall()
