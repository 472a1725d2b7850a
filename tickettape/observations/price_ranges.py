"""Price ranges: the second kind of observation, of an event at a tick without its sections and listings.

An event may have captures of its listings too. The two are stored, rolled up and shown separately.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from operator import attrgetter

from psycopg.rows import class_row

from tickettape.catalogue import OtherCurrencyError, fix_currencies
from tickettape.database import Connection, month_of, month_refusals
from tickettape.observations.quarantine import hold_for_month
from tickettape.observations.voids import end_voids

Key = tuple[int, datetime]


class PriceRangeError(Exception):
    """Price ranges cannot be stored, and none of them was. The message says which, why, and what to do."""


@dataclass(frozen=True)
class PriceRange:
    """What sellers asked for one event at one tick. Prices are per ticket; at least one figure is stated.

    `market`: resale or primary. `price_basis`: before_fees, all_in or unknown. `currency`: ISO 4217.
    """

    tick: datetime
    event_key: int
    market: str
    price_basis: str
    currency: str
    lowest_price_cents: int | None = None
    average_price_cents: int | None = None
    highest_price_cents: int | None = None
    listings: int | None = None
    tickets: int | None = None

    @property
    def key(self) -> Key:
        """The event and tick, for which there is one price range."""
        return self.event_key, self.tick


PRICE_RANGE_COLUMNS = tuple(field.name for field in fields(PriceRange))
_COLUMNS = ", ".join(PRICE_RANGE_COLUMNS)
_values = attrgetter(*PRICE_RANGE_COLUMNS)


def store_price_ranges(connection: Connection, ranges: Sequence[PriceRange]) -> Counter[str]:
    """Store price ranges in the caller's transaction; how many were `added`, `replaced`, `unchanged`, `refused`.

    A stored one of the same event and tick is replaced if it differs; of two in `ranges` the later counts. A voided one
    stays void, unless the new one differs from it. Those of a month that takes no rows are `refused`, and held in
    quarantine until the month is back; so make the partitions first (`ensure_partitions`). An event without a currency
    gets that of its first price range. Raises PriceRangeError, with nothing stored, if an event has another currency or
    is not known, and psycopg's CheckViolation for an impossible price range.
    """
    counts: Counter[str] = Counter(added=0, replaced=0, unchanged=0, refused=0)
    if not ranges:
        return counts
    with connection.transaction():
        lock_price_ranges(connection)
        newest = {one.key: one for one in ranges}
        counts["unchanged"] += len(ranges) - len(newest)
        _settle_currencies(connection, newest.values())
        refusals = month_refusals(connection, {tick for _, tick in newest})
        late = [one for one in newest.values() if month_of(one.tick) in refusals]
        _hold(connection, late, refusals)
        counts["refused"] += len(late)
        for one in late:
            del newest[one.key]
        voided = _voided(connection, newest)
        for key, before in voided.items():
            if newest[key] == before:
                del newest[key]
                counts["unchanged"] += 1
        added, replaced = _write(connection, list(newest.values()))
        corrected = [key for key in voided if key in newest]
        end_voids(connection, corrected, "import", kind="price_range")
    counts["added"] += added - len(corrected)
    counts["replaced"] += replaced + len(corrected)
    counts["unchanged"] += len(newest) - added - replaced
    return counts


def lock_price_ranges(connection: Connection, *, alone: bool = False) -> None:
    """Keep writers and voids apart until the transaction ends. Writers share the lock; a void has it `alone`.

    Otherwise a void could come between a writer's check of what is void and its commit. Locking the rows of the events
    instead would block everything that refers to them, such as the refreshes.
    """
    shared = "" if alone else "_shared"
    connection.execute(f"select pg_advisory_xact_lock{shared}(hashtextextended('price ranges', 0))".encode())


def _settle_currencies(connection: Connection, ranges: Collection[PriceRange]) -> None:
    """Give events without a currency that of the ranges. Refuse another currency, and events that are not known."""
    stated: dict[int, str] = {}
    for one in ranges:
        if stated.setdefault(one.event_key, one.currency) != one.currency:
            raise PriceRangeError(
                f"Event {one.event_key} has price ranges in {stated[one.event_key]} and in {one.currency}, but an "
                "event has one currency. Nothing was stored."
            )
    event_keys = sorted(stated)
    known = connection.execute("select event_key from market.events where event_key = any(%s)", [event_keys]).fetchall()
    if unknown := set(stated) - {event_key for (event_key,) in known}:
        raise PriceRangeError(
            f"There is no event with the key {min(unknown)}. Nothing was stored. Add the event first."
        )
    try:
        fix_currencies(connection, stated)
    except OtherCurrencyError as error:
        raise PriceRangeError(f"{error}. Nothing was stored.") from error


def _hold(connection: Connection, late: Sequence[PriceRange], reasons: Mapping[date, str]) -> None:
    """Hold the price ranges of months that take no rows: one row of the quarantine for each event and month."""
    held: dict[tuple[int, date], list[PriceRange]] = defaultdict(list)
    for one in sorted(late, key=lambda one: one.key):
        held[one.event_key, month_of(one.tick)].append(one)
    for (event_key, month), ranges in held.items():
        rows = {"price_ranges": [asdict(one) for one in ranges]}
        hold_for_month(connection, event_key, ranges[0].tick, month, reasons[month], rows=rows, content="price_ranges")


def _voided(connection: Connection, keys: Collection[Key]) -> dict[Key, PriceRange]:
    """The voided price ranges at these keys, as they were."""
    with connection.cursor(row_factory=class_row(PriceRange)) as cursor:
        found = cursor.execute(
            f"""select {", ".join(f"kept.{name}" for name in PRICE_RANGE_COLUMNS)}
                from market.voids inner join market.voided_price_ranges as kept using (void_id)
                where voids.kind = 'price_range' and voids.ended_at is null and voids.event_key = any(%s)""",  # noqa: S608
            [list({event_key for event_key, _ in keys})],
        ).fetchall()
    return {one.key: one for one in found if one.key in keys}


def _write(connection: Connection, ranges: Sequence[PriceRange]) -> tuple[int, int]:
    """Insert what is new and update what differs; how many of each."""
    if not ranges:
        return 0, 0
    # a COPY into a table of the session's own: 200,000 rows a second; with arrays as parameters 60,000
    connection.execute(
        f"create temp table incoming_price_ranges as select {_COLUMNS} from market.price_ranges limit 0"  # noqa: S608
    )
    copy = f"copy pg_temp.incoming_price_ranges ({_COLUMNS}) from stdin"
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for one in ranges:
            stream.write_row(_values(one))
    connection.execute("analyze pg_temp.incoming_price_ranges")
    added = connection.execute(
        f"""insert into market.price_ranges ({_COLUMNS})
            select {_COLUMNS} from pg_temp.incoming_price_ranges order by event_key, tick
            on conflict (event_key, tick) do nothing"""  # noqa: S608
    ).rowcount
    replaced = 0
    if added < len(ranges):
        ticks = [one.tick for one in ranges]
        known, incoming = (
            ", ".join(f"{table}.{name}" for name in PRICE_RANGE_COLUMNS) for table in ("known", "incoming")
        )
        replaced = connection.execute(
            f"""update market.price_ranges as known set ({_COLUMNS}) = row({incoming})
                from pg_temp.incoming_price_ranges as incoming
                where known.event_key = incoming.event_key and known.tick = incoming.tick
                    -- lets the planner leave out the other months
                    and known.tick >= %s and known.tick <= %s
                    and ({known}) is distinct from ({incoming})""",  # noqa: S608
            [min(ticks), max(ticks)],
        ).rowcount
    connection.execute("drop table pg_temp.incoming_price_ranges")
    return added, replaced
