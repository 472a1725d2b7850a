"""Whether anything still works, as the database shows it."""

from datetime import timedelta

from tests.support.markets import NOON, TEN
from tickettape.database import Connection
from tickettape.incidents import alive_is_due, missing_signs, record_alive, record_look

INTERVALS = {"fair": TEN, "foul": 2 * TEN}
MINUTE = timedelta(minutes=1)


def start_tick(connection: Connection, source: str, minute: int) -> None:
    connection.execute(
        "insert into market.scraper_jobs (source, started_at, status) values (%s, %s, 'failed')",
        [source, NOON + minute * MINUTE],
    )


def test_a_program_that_never_ran_one_that_is_gone_and_ticks_that_do_not_start_are_told(connection: Connection) -> None:
    def wrong(minute: int) -> list[str]:
        return [one.split(".")[0] for one in missing_signs(connection, INTERVALS, NOON + minute * MINUTE)]

    assert wrong(0) == ["No program has watched this database yet"]
    record_look(connection, "dagster", NOON)
    assert wrong(5) == []
    gone = "Nobody has looked for incidents since 2026-11-20 12:00 UTC: Dagster's daemon or its code server is gone"
    assert wrong(6) == [gone]
    record_look(connection, "dagster", NOON + 31 * MINUTE)
    assert wrong(30) == []  # a first start is judged from its own beginning
    assert wrong(31) == ["No tick of fair has started yet, and one is due every 10 minutes"]
    start_tick(connection, "fair", 31)
    start_tick(connection, "foul", 20)
    record_look(connection, "other program", NOON + 80 * MINUTE)
    assert wrong(61) == []
    assert wrong(62) == ["No tick of fair has started since 2026-11-20 12:31 UTC, and one is due every 10 minutes"]
    assert len(wrong(81)) == 2


def test_that_all_is_well_is_due_again_after_its_time(connection: Connection) -> None:
    record_look(connection, "dagster", NOON)
    assert alive_is_due(connection, "dagster", NOON, TEN)
    record_alive(connection, "dagster", NOON)
    assert not alive_is_due(connection, "dagster", NOON + TEN - MINUTE, TEN)
    assert alive_is_due(connection, "dagster", NOON + TEN, TEN)
