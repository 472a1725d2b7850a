"""The table `months`: the state of each month of facts, and which months are due for the archive.

The states are open → closed (by the archive) → archived → restored, then closed again. Writers, refreshes and the
archive ask this table. They do not decide by the date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from psycopg.rows import class_row

from tickettape.database.connections import Connection

ATTACHED_STATES = ("open", "closed", "restored")


@dataclass(frozen=True)
class MonthState:
    """A month of facts, and the last finished step of its archive (None if none has begun)."""

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


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """The instants at which a UTC month and the next one begin."""
    return _midnight(month), _midnight(month_after(month))


def known_months(connection: Connection, *, now: datetime) -> list[MonthState]:
    """Every month that ever had a partition, oldest first."""
    with connection.cursor(row_factory=class_row(MonthState)) as cursor:
        return cursor.execute(
            """select months.month, state, coalesce(pinned_until >= %s, false) as pinned, step, reached_at
               from market.months left join market.archives
                   on archives.month = months.month and state in ('closed', 'archived')
               order by months.month""",
            [now.astimezone(UTC).date()],
        ).fetchall()


def state_of_month(connection: Connection, month: date) -> str | None:
    """The state of a month; None if it never had a partition."""
    row = connection.execute("select state from market.months where month = %s", [month]).fetchone()
    return str(row[0]) if row else None


def month_refusals(connection: Connection, ticks: Iterable[datetime]) -> dict[date, str]:
    """The months of `ticks` that take no rows, with the reason; empty if all of them take rows.

    The other months stay open until the caller's transaction ends, because closing a month waits for that.
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
    """The months for which the archive has work, oldest first, each with "archive" or "drop".

    A month is archived if all of it is before the cut-off (`raw_months` months ago), except the newest attached month
    and pinned months. A detached month is dropped after `keep_detached_days`.
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
    """The same time `months` calendar months earlier; if that month has no such day, its last day."""
    first = instant.astimezone(UTC).replace(day=1)
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    target = first.replace(year=year, month=month + 1)
    last_day = (month_after(target.date()) - timedelta(days=1)).day
    return target.replace(day=min(instant.astimezone(UTC).day, last_day))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
