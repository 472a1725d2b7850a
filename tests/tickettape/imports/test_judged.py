"""A refusal, and what it keeps."""

from datetime import UTC, datetime

from tests.support.judged_rows import ROW, judged


def test_a_refusal_keeps_the_row_and_what_could_be_read_of_it() -> None:
    (refused,) = judged(ROW | {"price": "abc"}).refusals
    assert (refused.line, refused.event) == (2, "1")
    assert refused.second == datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    assert refused.payload
    assert b'"price": "abc"' in refused.payload


def test_good_rows_beside_a_bad_one_are_read_and_empty_lines_are_nothing() -> None:
    found = judged(ROW, ROW | {"price": "abc"}, dict.fromkeys(ROW), ROW | {"price": "12"})
    assert found.rows["line"].tolist() == [2, 5]
    assert found.rows["price"].tolist() == [1050, 1200]
    assert [refused.line for refused in found.refusals] == [3]
