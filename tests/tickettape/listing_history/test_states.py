"""What stood at observations: the same whether it is read from the beginning or back from the newest."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.listing_chains import TICKS, offer, put, set_up, shelf, stored
from tickettape.database import Connection
from tickettape.listing_history.deltas import Observation, Offer, Prices, next_delta
from tickettape.listing_history.rows import DELTA_COLUMNS
from tickettape.listing_history.states import newest_states, states_between, states_of, undo_delta

offers = st.tuples(st.sampled_from(["A", "B", "C"]), st.just(1), st.sampled_from(["1", "2"]), st.just(1))
shown = st.dictionaries(offers, st.tuples(st.integers(1, 3), st.integers(0, 2), st.just(-1)), max_size=4)


@given(st.lists(st.tuples(shown, st.booleans()), min_size=2, max_size=6), st.booleans())
def test_a_delta_that_is_undone_gives_what_stood_before_it(
    observations: list[tuple[dict[Offer, Prices], bool]], keyframe: bool
) -> None:
    _, stand = next_delta(None, Observation(0, False, observations[0][0]), keyframe=True)
    for tick, (listings, partial) in enumerate(observations[1:], 1):
        delta, after = next_delta(stand, Observation(tick, partial, listings), keyframe=keyframe)
        assert undo_delta(after, delta) == stand
        stand = after


def test_the_newest_two_are_what_the_chain_says(connection: Connection) -> None:
    event, sections, terms = set_up(connection)
    put(connection, event, TICKS[0], shelf(sections, terms, offer("A", 100), offer("B", 200)))
    put(connection, event, TICKS[1], shelf(sections, terms, offer("A", 90), offer("C", 300)))
    (event_id,) = connection.execute("select id from market.events").fetchone() or (None,)
    assert event_id is not None
    states = list(states_between(connection, event, TICKS[0], TICKS[1]))
    assert [(tick, partial) for tick, partial, _ in states] == [(TICKS[0], False), (TICKS[1], False)]
    newest = newest_states(connection, [event])[event]
    assert (newest.tick, newest.before_tick) == (TICKS[1], TICKS[0])
    assert newest.stands() == (states[1][2], states[0][2])
    columns = ", ".join(DELTA_COLUMNS)
    rows = connection.execute(f"select {columns} from market.listing_changes order by tick").fetchall()
    assert [stand for _, _, stand in states_of(rows)] == [stand for _, _, stand in states]
    assert len(stored(connection, event)) == 2


def test_a_partial_observation_has_no_newest_states(connection: Connection) -> None:
    event, sections, terms = set_up(connection)
    put(connection, event, TICKS[0], shelf(sections, terms, offer("A", 100)))
    put(connection, event, TICKS[1], shelf(sections, terms, offer("B", 100)), "partial")
    assert newest_states(connection, [event]) == {}
    put(connection, event, TICKS[2], shelf(sections, terms, offer("B", 100)))
    assert newest_states(connection, [event]) == {}
    put(connection, event, TICKS[3], shelf(sections, terms, offer("B", 100)))
    assert newest_states(connection, [event])[event].before_tick == TICKS[2]
