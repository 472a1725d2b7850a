"""The figures of some ticks are those of their captures and snapshots, and of no other tick."""

from tests.support.markets import NOON, TEN, Section, add_event, observe
from tickettape.database import Connection
from tickettape.observations import Capture, read_figures, store_captures


def test_an_hours_figures_are_its_own(connection: Connection) -> None:
    event, other, elsewhere = (
        add_event(connection),
        add_event(connection, "2"),
        add_event(connection, "1", "vividseats"),
    )
    observe(connection, event, NOON, Section("Lower", "101", [900, 1000]), Section("Upper", "301"))
    observe(connection, other, NOON)
    observe(connection, event, NOON + TEN, Section("Lower", "101", [100]))
    observe(connection, elsewhere, NOON, Section("Lower", "101", [1]))
    store_captures(connection, [Capture(other, NOON + TEN, "received", answer=b"{}")], job_id=None)
    first = read_figures(connection, "simulator", NOON, NOON + TEN)
    assert (first.answers_read, first.ok, first.empty, first.unread) == (2, 1, 1, 0)
    assert (first.rows, first.lowest_price_cents) == (2, 900)
    both = read_figures(connection, "simulator", NOON, NOON + 2 * TEN)
    assert (both.answers_read, both.unread, both.rows, both.lowest_price_cents) == (3, 1, 3, 100)


def test_where_nothing_was_captured_all_is_nought(connection: Connection) -> None:
    found = read_figures(connection, "simulator", NOON, NOON + TEN)
    assert (found.answers_read, found.rows, found.lowest_price_cents) == (0, 0, None)
