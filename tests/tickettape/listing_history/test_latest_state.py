"""What stands last of an event, kept beside its history."""

from tests.support.listing_chains import TICKS, offer, put, set_up, shelf, stored
from tickettape.archive.month_archive import close_month
from tickettape.database import Connection
from tickettape.listing_history import (
    microseconds,
    write_observation,
)
from tickettape.listing_history.deltas import Observation
from tickettape.listing_history.latest_state import load_latest_states


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
