"""The table `months`: what may be done with each month of facts, and which months' time has come.

open → closed (by the archive) → archived → restored, and from there closed again. Writers, refreshes and the
archive ask this table, never a date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from psycopg.rows import class_row

from tickettape.database.connections import Connection

ATTACHED_STATES = ("open", "closed", "restored")


@dataclass(frozen=True)
class MonthState:
    """A month of facts, and how far its archive has come (`step`: None where none was begun)."""

    month: date
    state: str
    pinned: bool
    step: str | None
    reached_at: datetime | None


def month_of(instant: datetime) -> date:
    """The first day of the UTC month that an instant falls in."""
    return instant.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """The UTC instants a month begins at and ends before."""
    return _midnight(month), _midnight(month_after(month))


def known_months(connection: Connection, *, now: datetime) -> list[MonthState]:
    """Every month that facts were ever stored for, oldest first."""
    with connection.cursor(row_factory=class_row(MonthState)) as cursor:
        return cursor.execute(
            """select months.month, state, coalesce(pinned_until >= %s, false) as pinned, step, reached_at
               from market.months left join market.archives
                   on archives.month = months.month and state in ('closed', 'archived')
               order by months.month""",
            [now.astimezone(UTC).date()],
        ).fetchall()


def state_of_month(connection: Connection, month: date) -> str | None:
    """The state of a month; None where nothing was ever stored for it."""
    row = connection.execute("select state from market.months where month = %s", [month]).fetchone()
    return str(row[0]) if row else None


def month_refusals(connection: Connection, ticks: Iterable[datetime]) -> dict[date, str]:
    """Why months of `ticks` take no rows; empty where all of them do.

    The others stay open until the caller's transaction ends: closing one waits for it.
    """
    wanted = sorted({month_of(tick) for tick in ticks})
    rows = connection.execute(
        "select month, state from market.months where month = any(%s) order by month for share", [wanted]
    ).fetchall()
    states = {month: str(state) for month, state in rows}
    return {
        month: f"{month:%Y-%m} is {states[month]}: run `tickettape restore {month:%Y-%m}`, then replay this"
        if month in states
        else f"{month:%Y-%m} has no partition"
        for month in wanted
        if states.get(month) not in ("open", "restored")
    }


def months_to_archive(
    months: Sequence[MonthState], *, now: datetime, raw_months: int, keep_detached_days: int
) -> list[tuple[date, str]]:
    """The months whose archive has something to do, oldest first, and what: "archive" or "drop".

    Archived is what lies wholly before the cut-off (`raw_months` months ago), but never the newest attached
    month; dropped is what was detached so many days ago. Pinned months are left alone.
    """
    cut_off = months_before(now, raw_months)
    attached = [month.month for month in months if month.state in ATTACHED_STATES]
    due = []
    for month in months:
        over = month_bounds(month.month)[1] <= cut_off
        if month.state == "closed" or (
            month.state in ATTACHED_STATES and over and not month.pinned and month.month != attached[-1]
        ):
            due.append((month.month, "archive"))
        kept_since = month.reached_at if (month.state, month.step) == ("archived", "detached") else None
        if kept_since is not None and kept_since + timedelta(days=keep_detached_days) <= now:
            due.append((month.month, "drop"))
    return due


def months_before(instant: datetime, months: int) -> datetime:
    """The same time so many calendar months earlier; the month's last day where it has no such day."""
    first = instant.astimezone(UTC).replace(day=1)
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    target = first.replace(year=year, month=month + 1)
    last_day = (month_after(target.date()) - timedelta(days=1)).day
    return target.replace(day=min(instant.astimezone(UTC).day, last_day))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
