"""Signs of life: whether the program that finds incidents still runs, which it cannot report itself.

There are two signs, both in the database: incidents are looked for each minute, and ticks start in their intervals.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tickettape.database import Connection

LOOK_IS_LATE = timedelta(minutes=5)  # looks come each minute, but a restart of the code server takes one or two
INTERVALS_LATE = 3  # one tick may be skipped while the one before still runs


def record_look(connection: Connection, watcher: str, now: datetime) -> None:
    """Record that a program looked for incidents."""
    connection.execute(
        """insert into market.watchers (watcher, first_at, looked_at) values (%(watcher)s, %(now)s, %(now)s)
           on conflict (watcher) do update set looked_at = excluded.looked_at""",
        {"watcher": watcher, "now": now},
    )


def missing_signs(connection: Connection, intervals: Mapping[str, timedelta], now: datetime) -> list[str]:
    """The missing signs: a sentence each, with what to do. `intervals`: marketplace -> interval of its ticks."""
    row = connection.execute("select min(first_at), max(looked_at) from market.watchers").fetchone()
    first, looked = row or (None, None)
    if first is None or looked is None:
        return ["No program has watched this database yet. Start one with `make dev`, or see deploy/."]
    wrong = []
    if now - looked > LOOK_IS_LATE:
        wrong.append(
            f"Nobody has looked for incidents since {_instant(looked)}: Dagster's daemon or its code server is gone. "
            "Start it again, and look at its log and at Deployment in the UI."
        )
    newest: dict[str, datetime] = dict(
        connection.execute(
            "select source, max(started_at) from market.scraper_jobs where source = any(%s) group by source",
            [list(intervals)],
        ).fetchall()
    )
    for source, interval in sorted(intervals.items()):
        started = newest.get(source)
        if now - max(started or first, first) > INTERVALS_LATE * interval:
            since = f"since {_instant(started)}" if started else "yet"
            wrong.append(
                f"No tick of {source} has started {since}, and one is due every {interval // timedelta(minutes=1)} "
                "minutes. Look in the UI at the schedules (start_ticks), and for a run that hangs."
            )
    return wrong


def alive_is_due(connection: Connection, watcher: str, now: datetime, every: timedelta) -> bool:
    """Whether it is time for the next message that all is well."""
    row = connection.execute("select alive_at from market.watchers where watcher = %s", [watcher]).fetchone()
    return row is None or row[0] is None or now - row[0] >= every


def record_alive(connection: Connection, watcher: str, now: datetime) -> None:
    """Record that the message was sent."""
    connection.execute("update market.watchers set alive_at = %s where watcher = %s", [now, watcher])


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
