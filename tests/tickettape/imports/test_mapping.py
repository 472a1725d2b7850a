"""Which columns of a file are which of ours."""

from pathlib import Path

from tests.support.file_rows import rows
from tickettape.imports.mapping import resolve_columns


def test_two_columns_are_one_with_a_blank_between_and_nothing_where_one_is_empty(tmp_path: Path) -> None:
    content = "day,clock\n2026-01-01,12:00\n2026-01-01,\nNA,12:00\n"
    assert rows(tmp_path / "mine.csv", content, time=("day", "clock")) == [
        (2, "2026-01-01 12:00"),
        (3, None),
        (4, None),
    ]
    assert resolve_columns(["day", "clock", "a+b"], {"time": "day + clock", "event": "a+b"}, {}, required=()) == {
        "time": ("day", "clock"),
        "event": ("a+b",),
    }
