"""A delta as a row of arrays: written through COPY and read back, it is the same delta."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.markets import NOON, add_event
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history.deltas import Delta
from tickettape.listing_history.rows import DELTA_COLUMNS, delta_from_row, instant, microseconds, row_from_delta

NUMBERS = st.integers(0, 2**31 - 1)
CENTS = st.integers(0, 2**31 - 1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)  # as columns take them
OFFERS = st.tuples(TEXTS, NUMBERS, TEXTS, NUMBERS)
STANDINGS = st.tuples(NUMBERS, st.integers(0, 2**50), CENTS, CENTS, st.integers(-1, 100))
STANDING_OFFERS = st.lists(st.tuples(OFFERS, STANDINGS), max_size=4)
CHANGES = st.integers(-(2**30), 2**30)
STEPS = st.tuples(CHANGES, CHANGES, st.integers(-101, 101))
DELTAS = st.builds(
    Delta,
    tick=st.just(microseconds(NOON)),
    partial=st.booleans(),
    stayed=st.none() | STANDING_OFFERS,
    came=STANDING_OFFERS,
    went=STANDING_OFFERS,
    changed=st.lists(st.tuples(NUMBERS, STEPS), max_size=4),
    unseen=st.lists(NUMBERS, max_size=4),
)


def test_a_tick_of_the_chain_is_exact_to_the_microsecond() -> None:
    for moment in (NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=20_000)):
        assert instant(microseconds(moment)) == moment


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example replaces the row before
@given(delta=DELTAS)
def test_a_delta_comes_back_from_the_database_as_it_was(connection: Connection, delta: Delta) -> None:
    ensure_partitions(connection, [NOON])
    names = ", ".join(DELTA_COLUMNS)
    with connection.transaction(force_rollback=True):
        event = add_event(connection)
        connection.execute(
            """insert into market.captures (event_key, tick, status, fetched_at, job_id)
               values (%s, %s, 'ok', %s, gen_random_uuid())""",
            [event, NOON, NOON],
        )
        with (
            connection.cursor() as cursor,
            cursor.copy(f"copy market.listing_changes (event_key, {names}) from stdin") as copy,
        ):
            copy.write_row([event, *row_from_delta(delta)])
        row = connection.execute(f"select {names} from market.listing_changes").fetchone()
    assert row is not None
    assert delta_from_row(row) == delta
