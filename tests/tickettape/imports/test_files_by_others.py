"""Whatever pandas or a spreadsheet makes of a right file: it is read to the same rows, or refused with a reason.

It is never read to other rows.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.files_by_others import Listing, listings, saved_by_a_spreadsheet, saved_by_pandas
from tests.support.profiles import LONG
from tickettape.database import Connection
from tickettape.imports import FileError, ImportRefused, ImportRequest, MappingError, import_file
from tickettape.imports.files import open_file, read_batches
from tickettape.imports.judge_rows import judge_rows
from tickettape.imports.mapping import REQUIRED_COLUMNS, resolve_columns

MANY = settings(
    max_examples=1_000 if LONG else 60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def read(connection: Connection, path: Path) -> tuple[list[tuple[int, Listing | None]], list[str]]:
    """The rows of a file by the order of their lines, None where one is refused; and the reasons."""
    request = ImportRequest(
        "mine", datetime(2026, 11, 29, tzinfo=UTC), defaults={"event_date": "2027-06-01T19:00Z"}, most_refused=1.0,
        check_only=True, bin_seconds=1,
    )  # fmt: skip
    outcome = import_file(connection, path, request, lambda text: None)
    file = open_file(path)
    mapping = resolve_columns(file.names, {}, request.defaults, required=REQUIRED_COLUMNS)
    found: list[tuple[int, Listing | None]] = []
    for batch in read_batches(file, mapping):
        judged = judge_rows(batch, request.reading)
        found += [(one.line, None) for one in judged.refusals]
        figures: list[Any] = judged.rows.to_dict("records")
        found += [
            (row["line"], Listing(time=datetime.fromtimestamp(row["second"], UTC).isoformat(), note="", event_name="",
                                  **{name: row[name] for name in ("event", "zone", "section", "price", "quantity",
                                                                  "listing")}))
            for row in figures
        ]  # fmt: skip
    assert outcome.rows_refused == sum(row is None for _, row in found)
    return sorted(found, key=lambda one: one[0]), outcome.reasons


def check(connection: Connection, path: Path, content: bytes, rows: list[Listing]) -> None:
    path.write_bytes(content)
    try:
        found, reasons = read(connection, path)
    except (ImportRefused, FileError, MappingError) as refused:
        assert len(str(refused)) > 20  # noqa: PT017  there is a reason
        return
    assert any(row is None for _, row in found) == bool(reasons)
    if len(found) != len(rows):
        # rows in pieces, at a line break without quotes: each piece but a row's first is refused
        assert all(row is None or row in map(_figures, rows) for _, row in found)
        assert sum(row is not None for _, row in found) <= len(rows)
        assert any(row is None for _, row in found)
        return
    for (line, row), right in zip(found, rows, strict=True):
        assert row is None or row == _figures(right), f"line {line} of {content!r}"


def _figures(row: Listing) -> Listing:
    return Listing(row.event, row.time, row.zone, row.section, int(row.price * 100), row.quantity, row.listing, "", "")  # type: ignore[arg-type]


@MANY
@given(data=st.data())
def test_what_pandas_saves_is_read_to_the_same_rows_or_refused(
    connection: Connection, tmp_path: Path, data: st.DataObject
) -> None:
    rows = data.draw(listings())
    check(connection, tmp_path / "mine.csv", data.draw(saved_by_pandas(rows)), rows)


@MANY
@given(data=st.data())
def test_what_a_spreadsheet_saves_is_read_to_the_same_rows_or_refused(
    connection: Connection, tmp_path: Path, data: st.DataObject
) -> None:
    rows = data.draw(listings())
    check(connection, tmp_path / "mine.csv", data.draw(saved_by_a_spreadsheet(rows)), rows)


@pytest.mark.parametrize("saver", [saved_by_pandas, saved_by_a_spreadsheet])
def test_control_many_of_their_rows_are_read(
    connection: Connection, tmp_path: Path, saver: Callable[[list[Listing]], st.SearchStrategy[bytes]]
) -> None:
    """The property would hold of an import that refuses everything."""
    were_read: list[bool] = []

    @settings(MANY, max_examples=60, phases=[Phase.generate])
    @given(data=st.data())
    def count(data: st.DataObject) -> None:
        rows = data.draw(listings())
        (tmp_path / "mine.csv").write_bytes(data.draw(saver(rows)))
        try:
            found, _ = read(connection, tmp_path / "mine.csv")
        except (ImportRefused, FileError, MappingError):
            were_read.extend([False] * len(rows))
        else:
            were_read.extend(row is not None for _, row in found)

    count()
    assert sum(were_read) > 20
