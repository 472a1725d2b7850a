"""Voids of price ranges: they move to `voided_price_ranges` and back, with the same log as captures' voids.

The triggers mark the hour both times. A voided price range leaves no row, because its tick counts as not observed.
"""

from datetime import datetime

from tickettape.database import Connection
from tickettape.observations.price_ranges import PRICE_RANGE_COLUMNS, lock_price_ranges
from tickettape.observations.voids import NothingToDo, end_voids, hold_open

_COLUMNS = ", ".join(PRICE_RANGE_COLUMNS)


def price_range_ticks(
    connection: Connection, event_key: int, start: datetime, end: datetime, *, voided: bool
) -> list[datetime]:
    """The ticks in [start, end) at which an event has a price range, or one that is void; oldest first."""
    known = (
        "select tick from market.voids where kind = 'price_range' and ended_at is null"
        if voided
        else "select tick from market.price_ranges where true"
    )
    rows = connection.execute(
        f"{known} and event_key = %s and tick >= %s and tick < %s order by tick",
        [event_key, start, end],
    ).fetchall()
    return [tick for (tick,) in rows]


def void_price_range(connection: Connection, event_key: int, tick: datetime, *, reason: str, by: str) -> None:
    """Void a price range, in one transaction.

    Raises NothingToDo if there is none, if it is void already, or if its month takes no writes.
    """
    with connection.transaction():
        lock_price_ranges(connection, alone=True)
        hold_open(connection, tick)
        (void_id,) = connection.execute(
            """insert into market.voids (event_key, tick, reason, voided_by, kind)
               select event_key, tick, %s, %s, 'price_range'
               from market.price_ranges where event_key = %s and tick = %s
               returning void_id""",
            [reason, by, event_key, tick],
        ).fetchone() or (None,)
        if void_id is None:
            raise NothingToDo(f"There is no valid price range at {tick:%Y-%m-%d %H:%M:%S} UTC.")
        connection.execute(
            f"""with moved as (
                    delete from market.price_ranges where event_key = %s and tick = %s returning {_COLUMNS}
                )
                insert into market.voided_price_ranges (void_id, {_COLUMNS}) select %s, {_COLUMNS} from moved""",  # noqa: S608
            [event_key, tick, void_id],
        )


def undo_price_range_void(connection: Connection, event_key: int, tick: datetime) -> None:
    """Bring a voided price range back as it was, in one transaction.

    Raises NothingToDo if it is not void, or if its month takes no writes.
    """
    with connection.transaction():
        lock_price_ranges(connection, alone=True)
        hold_open(connection, tick)
        back = connection.execute(
            f"""insert into market.price_ranges ({_COLUMNS})
                select {", ".join(f"kept.{name}" for name in PRICE_RANGE_COLUMNS)}
                from market.voids inner join market.voided_price_ranges as kept using (void_id)
                where voids.kind = 'price_range' and voids.ended_at is null
                    and voids.event_key = %s and voids.tick = %s""",  # noqa: S608
            [event_key, tick],
        ).rowcount
        if not back:
            raise NothingToDo(f"The price range at {tick:%Y-%m-%d %H:%M:%S} UTC is not void.")
        end_voids(connection, [(event_key, tick)], "undo", kind="price_range")
