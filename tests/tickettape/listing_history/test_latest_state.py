"""What stands last of an event, kept beside its history."""

from datetime import UTC, datetime, timedelta

from tests.support.listing_chains import offer, put, set_up, shelf, stored
from tests.support.markets import TEN
from tickettape.archive.month_archive import close_month
from tickettape.database import Connection
from tickettape.listing_history import (
    microseconds,
    write_observation,
)
from tickettape.listing_history.deltas import Observation
from tickettape.listing_history.latest_state import load_latest_states

START = datetime(2026, 10, 30, 22, 40, tzinfo=UTC)  # over a day's edge, and in the next night over a month's
TICKS = [START + number * TEN for number in range(12)] + [
    START + timedelta(days=1) + number * TEN for number in range(10)
]
LOTS = [(1, (1,)), (2, (2,)), (4, (2, 4)), (4, (1, 2, 3, 4))]


def test_a_look_in_a_closed_month_changes_neither_the_history_nor_what_the_next_is_compared_with(
    connection: Connection,
) -> None:
    event, sections, offer_terms = set_up(connection)
    put(connection, event, TICKS[0], shelf(sections, offer_terms, offer("VB1")))
    close_month(connection, TICKS[0].date().replace(day=1))
    before = stored(connection, event), load_latest_states(connection, [event])
    with connection.transaction():
        write_observation(connection, TICKS[1], event, Observation(microseconds(TICKS[1]), False, {}))
    assert (stored(connection, event), load_latest_states(connection, [event])) == before
