"""A chain is read the same whether its days are rows or packed."""

from datetime import timedelta
from itertools import islice

from tests.support.listing_chains import TICKS, offer, put, set_up, shelf, stored
from tests.support.packed_history import chain_tiers
from tickettape.archive.month_archive import close_month
from tickettape.database import Connection
from tickettape.listing_history.rows import instant
from tickettape.listing_history.stored_deltas import deltas_from, deltas_of_day, tick_before
from tickettape.observations.packed_days import pack_day

DAYS = sorted({tick.date() for tick in TICKS})


def packed_chain(connection: Connection) -> int:
    """An event with an answer at each of TICKS, one of them partial, all of its days packed; its key."""
    event, sections, terms = set_up(connection)
    for number, tick in enumerate(TICKS):
        offers = [offer("VB1", 100 + number), offer(f"VB{2 + number % 3}")]
        put(connection, event, tick, shelf(sections, terms, *offers), "partial" if number == 3 else "ok")
    connection.execute("delete from market.dirty_buckets")
    assert [pack_day(connection, event, day)[2] for day in DAYS] == [None] * len(DAYS)
    assert chain_tiers(connection) == (0, len(TICKS))
    return event


def test_a_day_and_the_tick_before_are_read_of_packed_days_without_unpacking_them(connection: Connection) -> None:
    event = packed_chain(connection)
    chain = stored(connection, event)
    assert [instant(delta.tick) for delta in chain] == TICKS
    for number, tick in enumerate(TICKS):
        of_day = [delta for delta in chain[: number + 1] if instant(delta.tick).date() == tick.date()]
        assert deltas_of_day(connection, event, tick) == of_day
        assert tick_before(connection, event, tick) == (TICKS[number - 1] if number else None)
    assert tick_before(connection, event, None) == TICKS[-1]
    assert tick_before(connection, event + 1, None) is None
    assert chain_tiers(connection) == (0, len(TICKS))


def test_a_chain_that_is_followed_unpacks_the_days_it_reaches_and_no_more(connection: Connection) -> None:
    event = packed_chain(connection)
    chain = stored(connection, event)
    first_day = sum(tick.date() == DAYS[0] for tick in TICKS)
    assert list(islice(deltas_from(connection, event, TICKS[2]), 2)) == chain[2:4]
    assert chain_tiers(connection) == (first_day, len(TICKS) - first_day)
    assert list(deltas_from(connection, event, TICKS[2] + timedelta(seconds=1))) == chain[3:]
    assert chain_tiers(connection) == (len(TICKS), 0)
    assert list(deltas_from(connection, event, TICKS[-1] + timedelta(seconds=1))) == []


def test_days_of_a_closed_month_are_read_as_they_are(connection: Connection) -> None:
    event = packed_chain(connection)
    chain = stored(connection, event)
    close_month(connection, DAYS[0].replace(day=1))
    assert list(deltas_from(connection, event, TICKS[0])) == chain
    in_closed = sum(tick.month == DAYS[0].month for tick in TICKS)
    assert chain_tiers(connection) == (len(TICKS) - in_closed, in_closed)
