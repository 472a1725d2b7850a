"""`tickettape replay`, `rebuild` and `void`, as people type them, on real answers of the simulator."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import run
from tests.support.corrected_history import SHOWN, History, moments, succeeds
from tests.support.markets import TEN, observe_ranges, price_range
from tests.support.oracle import assert_exact

HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR


def test_a_replay_mends_what_a_bad_parser_stored_of_one_event_and_leaves_the_others(history: History) -> None:
    before = history.facts()
    history.connection.execute("update market.section_snapshots set lowest_price_cents = 1")
    output = succeeds("replay", *moments(START, START + 3 * HOUR), "--event", history.ids[0])
    assert "Read 9 answers" in output
    one, other = history.keys
    assert [row for row in history.facts() if row[0] == one] == [row for row in before if row[0] == one]
    assert [row for row in history.facts() if row[0] == other] != [row for row in before if row[0] == other]
    assert_exact(history.connection)


def test_a_rebuild_heals_rollups_that_were_edited_by_hand(history: History) -> None:
    history.connection.execute("update analytics.aggregated_analytics set min_price = 0.01")
    history.connection.execute("delete from analytics.daily_analytics")
    output = succeeds("rebuild", *moments(START + TEN, START + 3 * HOUR))
    assert "zone days" in output
    assert_exact(history.connection)


@pytest.mark.parametrize("undo", [False, True])
def test_nothing_is_voided_or_undone_in_a_month_that_is_archived(history: History, undo: bool) -> None:
    bad = ["--event", history.ids[0], "--tick", history.ticks[0].strftime(SHOWN)]
    if undo:
        succeeds("void", *bad, "--reason", "r")
    before = history.facts()
    history.connection.execute("update market.months set state = 'archived'")
    code, output = run("void", *bad, *(["--undo"] if undo else ["--reason", "r"]))
    assert code == 1
    assert f"{history.ticks[0]:%Y-%m} is archived" in output
    assert history.facts() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "--from", "2026-11-21T10:00", "--to", "2026-11-22"], "has no time zone"),
        (["replay", "--from", "yesterday", "--to", "2026-11-22"], "is not an ISO instant"),
        (["rebuild", "--from", "2026-11-22", "--to", "2026-11-21"], "must be before"),
        (["void", "--event", "1", "--tick", "2026-11-21T10:00Z"], "Give the reason"),
        (["void", "--event", "1", "--reason", "r"], "Name the captures"),
        (
            ["void", "--event", "1", "--reason", "r", "--tick", "2026-11-21", "--from", "2026-11-21"],
            "Name the captures",
        ),
    ],
)
def test_what_is_asked_wrongly_is_refused_before_anything_is_read(arguments: list[str], said: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert said in " ".join(output.replace("│", " ").split())


def test_what_is_not_there_is_named(history: History) -> None:
    tick = (history.ticks[0] + timedelta(seconds=1)).strftime(SHOWN)
    code, output = run("void", "--event", history.ids[0], "--tick", tick, "--reason", "r")
    assert (code, "the nearest: " in output) == (1, True)
    code, output = run("void", "--event", "nobody", "--tick", tick, "--reason", "r")
    assert (code, "There is no event nobody" in output) == (1, True)
    code, output = run("replay", *moments(START - 3 * HOUR, START))
    assert (code, "No answers are stored" in output) == (1, True)


def ranges_of(history: History) -> list[tuple[datetime, int]]:
    """(hour, observations) of the first event's price ranges, as they are rolled up."""
    return history.connection.execute(
        """select hour, observation_count from analytics.range_hours
           inner join market.events on events.id = event_id where event_key = %s order by hour""",
        [history.keys[0]],
    ).fetchall()


def test_price_ranges_are_voided_brought_back_and_rebuilt_by_the_same_commands(history: History) -> None:
    one, first = history.keys[0], history.ticks[0]
    observe_ranges(history.connection, *(price_range(one, tick) for tick in history.ticks[:5]))
    succeeds("rebuild", *moments(START, START + 3 * HOUR))
    before = ranges_of(history)
    assert before == [(START, 3), (START + HOUR, 2)]
    facts = history.facts()
    range_of_time = ["void", "--event", history.ids[0], *moments(first, history.ticks[4])]

    output = succeeds(*range_of_time, "--kind", "price_range", "--reason", "of another event")
    assert output.count("is void") == 4
    assert ranges_of(history) == [(START + HOUR, 1)]
    assert history.facts() == facts
    assert_exact(history.connection)
    assert "price ranges" in succeeds(*range_of_time, "--undo", "--kind", "price_range")
    assert ranges_of(history) == before
    assert_exact(history.connection)

    both = succeeds("void", "--event", history.ids[0], "--tick", first.strftime(SHOWN), "--reason", "wrong")
    assert both.count("is void") == 2
    assert (history.status(one, first), ranges_of(history)) == ("void", [(START, 2), (START + HOUR, 2)])
    succeeds("void", "--event", history.ids[0], "--tick", first.strftime(SHOWN), "--undo")
    assert (history.facts(), ranges_of(history)) == (facts, before)
    assert_exact(history.connection)


def test_a_kind_that_is_not_there_is_not_voided(history: History) -> None:
    at = ["void", "--event", history.ids[0], "--tick", history.ticks[0].strftime(SHOWN), "--reason", "wrong"]
    code, output = run(*at, "--kind", "price_range")
    assert (code, "has no valid price range at that time" in output) == (1, True)
    observe_ranges(history.connection, price_range(history.keys[0], history.ticks[0] + TEN / 2))
    at[4] = (history.ticks[0] + TEN / 2).strftime(SHOWN)
    assert run(*at, "--kind", "listings")[0] == 1
    assert "The price range of" in succeeds(*at)
