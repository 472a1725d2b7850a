"""Listings of another currency."""

from pathlib import Path

from tests.support.commands import run
from tests.support.imported_files import BASE, HEADER, ROWS, at, captures, facts, imports, write
from tests.support.markets import add_event
from tests.support.oracle import assert_exact
from tickettape.catalogue import event_currencies
from tickettape.database import Connection


def test_listings_of_another_currency_import_and_an_event_keeps_the_one_it_has(
    connection: Connection, tmp_path: Path
) -> None:
    def currencies() -> dict[str, str]:
        return dict(connection.execute("select external_id, currency from market.events where source = 'mine'"))

    header = [*HEADER, "currency"]
    rows = [[*row, "EUR" if row[0] == "7" else ""] for row in ROWS]
    imports(write(tmp_path / "euros.csv", rows, header))
    assert currencies() == {"7": "EUR", "8": "USD"}  # USD where nothing is said, as ever
    imports(write(tmp_path / "again.csv", [["7", at(20), "Floor", "A", "10.50", 2]]))  # the event's own
    assert currencies() == {"7": "EUR", "8": "USD"}
    before = facts(connection)
    for name, changed, words in (
        ("other.csv", [["7", at(30), "Floor", "A", "10.50", 2, "CHF"]], "is stored in EUR, and the file has it in CHF"),
        ("both.csv", [["9", at(0), "A", "A", 1, 2, "EUR"], ["9", at(0), "A", "A", 1, 2, "CHF"]], "in CHF and in EUR"),
    ):
        code, output = run("import", str(write(tmp_path / name, changed, header)), *BASE)
        assert code == 1
        assert words in output
    assert facts(connection) == before
    assert_exact(connection)


def test_a_marketplaces_event_gets_no_currency_that_nobody_says(connection: Connection, tmp_path: Path) -> None:
    known, unknown = (add_event(connection, external_id, "vividseats") for external_id in "78")
    connection.execute("update market.events set currency = 'CAD' where event_key = %s", [known])
    into = [*BASE, "--source", "vividseats", "--into-marketplace"]
    file = write(tmp_path / "mine.csv", ROWS)
    code, output = run("import", str(file), *into)
    assert code == 1
    assert "1 events have no currency yet: 8." in output
    assert "--default currency=" in output
    assert event_currencies(connection, [known, unknown]) == {known: "CAD"}
    assert captures(connection, "vividseats") == []
    imports(write(file, [ROWS[0]]), *into)  # in the event's own
    code, output = run("import", str(write(file, ROWS[-1:])), *into, "--default", "currency=CAD")
    assert code == 0
    assert connection.execute("select distinct currency from market.events").fetchall() == [("CAD",)]
