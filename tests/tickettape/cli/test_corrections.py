"""`tickettape replay`, `rebuild` and `void`, as people type them, on real answers of the simulator."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from tests.support.databases import fresh_database, use_database
from tests.support.markets import TEN, observe_ranges, price_range
from tests.support.oracle import assert_exact
from tickettape.cli import app
from tickettape.database import Connection, Warehouse, ensure_partitions
from tickettape.marketplaces.simulator import SimulatedMarketplace
from tickettape.observations import SNAPSHOT_COLUMNS, capture_tick, read_tick

HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR
TICKS = [START + hour * HOUR + 2 * step * TEN for hour in range(3) for step in range(3)]
SHOWN = "%Y-%m-%dT%H:%M:%SZ"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def succeeds(*arguments: str) -> str:
    code, output = run(*arguments)
    assert code == 0, output
    return output


def moments(start: datetime, end: datetime) -> list[str]:
    return ["--from", start.strftime(SHOWN), "--to", end.strftime(SHOWN)]


@dataclass(frozen=True)
class History:
    """Two events over three hours at three ticks an hour, read and rolled up."""

    connection: Connection
    ids: list[str]
    keys: list[int]
    ticks: list[datetime]

    def facts(self) -> list[tuple[object, ...]]:
        return self.connection.execute(
            """select c.event_key, c.tick, c.status, c.note, s.* from market.captures c
               left join market.section_snapshots s using (event_key, tick) order by 1, 2, s.section_key"""
        ).fetchall()

    def status(self, event_key: int, tick: datetime) -> str:
        row = self.connection.execute(
            "select status from market.captures where event_key = %s and tick = %s", [event_key, tick]
        ).fetchone()
        assert row
        return str(row[0])

    def hour(self, event_key: int, tick: datetime) -> tuple[int, int, int]:
        """(ok captures, voided captures, zone rows) of the hour that a tick is in."""
        row = self.connection.execute(
            """select h.ok_captures, h.voided_captures,
                   (select count(*) from analytics.aggregated_analytics a
                    where a.event_id = h.event_id and a.hour = h.hour)
               from analytics.event_hours h join market.events e on e.id = h.event_id
               where e.event_key = %s and h.hour = date_trunc('hour', %s, 'UTC')""",
            [event_key, tick],
        ).fetchone()
        assert row
        return row


@pytest.fixture(scope="module")
def written(server_url: str, template: str) -> Iterator[str]:
    """The name of a database with that history, to copy: made once, since it takes seconds."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        marketplace = SimulatedMarketplace()  # that of the settings, which the commands read answers with
        succeeds("track", "--search", "simulated")
        with Warehouse().connection() as connection:
            connection.execute(
                """update market.events set active = event_key in (
                       select event_key from market.events where date > now() order by date desc, event_key limit 2)"""
            )
            ensure_partitions(connection, TICKS)
            for tick in TICKS:
                capture_tick(connection, marketplace, tick, None, "test")
                read_tick(connection, marketplace, tick, 0.05, "test", only_received=True)
        succeeds("rebuild", *moments(START, START + 3 * HOUR))
        yield urlsplit(url).path[1:]


@pytest.fixture
def history(server_url: str, written: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    with fresh_database(server_url, written) as url:
        use_database(monkeypatch, url)
        with Warehouse().connection() as connection:
            assert_exact(connection)
            events = connection.execute("select external_id, event_key from market.events where active order by 1")
            ids, keys = zip(*events.fetchall(), strict=True)
            yield History(connection, list(ids), list(keys), TICKS)


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
        (["replay", "--from", "yesterday", "--to", "2026-11-22"], "no ISO instant"),
        (["rebuild", "--from", "2026-11-22", "--to", "2026-11-21"], "is not before"),
        (["void", "--event", "1", "--tick", "2026-11-21T10:00Z"], "Say why"),
        (["void", "--event", "1", "--reason", "r"], "Say which captures"),
        (["void", "--event", "1", "--reason", "r", "--tick", "2026-11-21", "--from", "2026-11-21"], "Say which"),
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
    assert (code, "has no event nobody" in output) == (1, True)
    code, output = run("replay", *moments(START - 3 * HOUR, START))
    assert (code, "No answer is stored" in output) == (1, True)


def test_the_kept_rows_of_a_void_have_every_column_of_a_snapshot(connection: Connection) -> None:
    columns = "select column_name from information_schema.columns where table_schema = 'market' and table_name = %s"
    kept = connection.execute(columns, ["voided_snapshots"]).fetchall()
    of_snapshots = connection.execute(columns, ["section_snapshots"]).fetchall()
    assert {*kept} == {*of_snapshots, ("void_id",)}
    assert {name for (name,) in of_snapshots} == {*SNAPSHOT_COLUMNS}


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
    assert (code, "no price range there that is not void" in output) == (1, True)
    observe_ranges(history.connection, price_range(history.keys[0], history.ticks[0] + TEN / 2))
    at[4] = (history.ticks[0] + TEN / 2).strftime(SHOWN)
    assert run(*at, "--kind", "listings")[0] == 1
    assert "The price range of" in succeeds(*at)
