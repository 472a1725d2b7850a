"""A voided capture counts no more, until it is brought back."""

from datetime import UTC, datetime, timedelta

from tests.support.commands import run
from tests.support.corrected_history import SHOWN, History, moments, succeeds
from tests.support.oracle import assert_exact
from tickettape.database import Connection
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import SNAPSHOT_COLUMNS, capture_tick, read_tick

HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR


def test_a_voided_capture_counts_neither_as_prices_nor_as_sold_out_and_the_reason_is_kept(history: History) -> None:
    one, other = history.keys
    bad = history.ticks[-1]
    assert history.hour(one, bad)[:2] == (3, 0)
    output = succeeds(
        "void", "--event", history.ids[0], "--tick", bad.strftime(SHOWN), "--reason", "prices of another currency"
    )
    assert "captures void" in output
    assert history.status(one, bad) == "void"
    assert history.hour(one, bad)[:2] == (2, 1)
    assert history.hour(other, bad)[:2] == (3, 0)
    # the newest capture is gone: the latest prices are those of the one before, nothing is sold out
    assert history.connection.execute(
        "select distinct timestamp from analytics.latest_prices l join market.events e on e.id = l.event_id"
        " where event_key = %s",
        [one],
    ).fetchall() == [(history.ticks[-2],)]
    assert history.connection.execute(
        "select tick, reason, capture_status from market.voids where event_key = %s", [one]
    ).fetchall() == [(bad, "prices of another currency", "ok")]
    assert_exact(history.connection)


def test_an_hour_whose_captures_are_all_void_is_a_gap_that_says_why(history: History) -> None:
    hour = history.ticks[3]
    succeeds("void", "--event", history.ids[0], *moments(hour, hour + HOUR), "--reason", "a bad proxy")
    assert history.hour(history.keys[0], hour) == (0, 3, 0)
    assert_exact(history.connection)


def test_an_undo_brings_every_row_back_as_it_was(history: History) -> None:
    before = history.facts()
    window = moments(history.ticks[1], history.ticks[4])
    succeeds("void", "--event", history.ids[1], *window, "--reason", "mistaken")
    assert history.facts() != before
    output = succeeds("void", "--undo", "--event", history.ids[1], *window)
    assert "is ok again" in output
    assert history.facts() == before
    assert_exact(history.connection)
    code, output = run("void", "--undo", "--event", history.ids[1], "--tick", history.ticks[1].strftime(SHOWN))
    assert code == 1
    assert "is not void any more: undo at" in output


def test_a_replay_does_not_resurrect_a_voided_capture_unless_it_is_asked_to(history: History) -> None:
    bad, before = history.ticks[0], history.facts()
    voiding = ["void", "--event", history.ids[0], "--tick", bad.strftime(SHOWN), "--reason", "parser"]
    succeeds(*voiding)
    everything = moments(START, START + 3 * HOUR)
    output = succeeds("replay", *everything)
    assert "Read 17 answers" in output
    assert history.status(history.keys[0], bad) == "void"
    assert_exact(history.connection)
    assert "Read 18 answers" in succeeds("replay", *everything, "--voided")
    assert history.facts() == before
    assert history.connection.execute("select ended_by from market.voids").fetchall() == [("replay",)]
    assert_exact(history.connection)


def test_a_tick_that_runs_again_leaves_a_voided_capture_alone(history: History) -> None:
    bad = history.ticks[-1]
    succeeds("void", "--event", history.ids[0], "--tick", bad.strftime(SHOWN), "--reason", "r")
    assert capture_tick(history.connection, SimulatedMarketplace(), bad, None, "again").total() == 0
    assert read_tick(history.connection, SimulatedMarketplace(), bad, 0.05, "again", only_received=True)[0] == []
    assert history.status(history.keys[0], bad) == "void"


def test_the_kept_rows_of_a_void_have_every_column_of_a_snapshot(connection: Connection) -> None:
    columns = "select column_name from information_schema.columns where table_schema = 'market' and table_name = %s"
    kept = connection.execute(columns, ["voided_snapshots"]).fetchall()
    of_snapshots = connection.execute(columns, ["section_snapshots"]).fetchall()
    assert {*kept} == {*of_snapshots, ("void_id",)}
    assert {name for (name,) in of_snapshots} == {*SNAPSHOT_COLUMNS}
