"""What an import writes: as it is, and again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.imported_files import ROWS, at, captures, facts, imports, refusals, write
from tests.support.markets import NOON, TEN, Section, add_event, observe
from tests.support.oracle import assert_exact
from tickettape.catalogue import track_rule
from tickettape.database import Connection
from tickettape.imports import ImportRequest, import_file, writer
from tickettape.imports.import_tables import write_captures


def test_the_same_file_again_changes_nothing_and_a_corrected_one_replaces_what_it_corrects(
    connection: Connection, tmp_path: Path
) -> None:
    imports(write(tmp_path / "mine.csv", ROWS))
    before = facts(connection)
    assert "0 added, 0 replaced, 3 unchanged" in imports(tmp_path / "mine.csv")
    assert facts(connection) == before
    corrected = [*ROWS[:3], ["7", at(10), "Floor", "A", "12.00", 2], ROWS[4]]
    assert "0 added, 1 replaced, 2 unchanged" in imports(write(tmp_path / "again.csv", corrected))
    changed = [row for row in facts(connection) if row not in before]
    assert [(row[1], row[2]) for row in changed] == [(NOON + TEN, "ok")]
    assert_exact(connection)


def test_history_before_the_first_tick_joins_the_zones_of_a_watched_event_and_spares_its_own_captures(
    connection: Connection, tmp_path: Path
) -> None:
    key = add_event(connection, "7")
    observe(connection, key, NOON, Section("Floor", "A", [5000]))
    connection.execute("update market.zones set external_id = '4711'")
    own = facts(connection)
    track_rule(connection, "simulator", "event", "7")
    output = imports(
        write(tmp_path / "mine.csv", [ROWS[0], ["7", at(-600), "Floor", "A", "10.50", 2]]),
        "--source", "simulator", "--into-marketplace", "--default", "currency=USD",
    )  # fmt: skip
    assert "1 added, 0 replaced, 0 unchanged, 1 left out" in output
    assert [row for row in facts(connection) if row[1] == NOON] == own
    assert connection.execute("select external_id, name from market.zones").fetchall() == [("4711", "Floor")]
    assert connection.execute("select name, venue, active from market.events").fetchone() == (
        "An evening",
        "The Hall",
        True,
    )
    assert "the marketplace's own capture" in refusals(connection)[0][1]
    assert_exact(connection)


def test_a_voided_import_stays_void_until_a_corrected_file_comes(connection: Connection, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    imports(file)
    code, output = run("void", "--source", "mine", "--event", "8", "--tick", at(0), "--reason", "another currency")
    assert code == 0, output
    assert "3 unchanged" in imports(file)
    assert captures(connection)[-1] == ("8", NOON, "void")
    assert "1 replaced" in imports(write(file, [*ROWS[:4], ["8", at(0), "Floor", "A", "89.99", 2]]))
    assert captures(connection)[-1] == ("8", NOON, "ok")
    assert connection.execute("select ended_by from market.voids").fetchall() == [("import",)]
    assert_exact(connection)


def test_an_interrupted_import_goes_on_where_it_is_started_again(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "mine.csv", ROWS)
    monkeypatch.setattr(writer, "CAPTURES_AT_ONCE", 1)
    whole = write_captures
    written: list[None] = []

    def dies(*arguments: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(whole(*arguments))

    monkeypatch.setattr(writer, "write_captures", dies)
    with pytest.raises(KeyboardInterrupt):
        import_file(connection, file, _request(), print)
    assert len(captures(connection)) == 2
    monkeypatch.setattr(writer, "write_captures", whole)
    assert "1 added, 0 replaced, 2 unchanged" in imports(file)
    assert connection.execute("select completed_at is not null from market.imports order by started_at").fetchall() == [
        (False,),
        (True,),
    ]
    assert_exact(connection)


def _request() -> ImportRequest:
    return ImportRequest("mine", datetime.now(UTC), defaults={"event_date": "2027-06-01T19:00Z"})
