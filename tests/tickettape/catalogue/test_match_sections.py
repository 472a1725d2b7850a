"""Sections of two sources at one venue: `market.match_sections`."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.databases import fresh_database
from tickettape.database import Connection


@pytest.fixture(scope="module")
def read_only(server_url: str, template: str) -> Iterator[Connection]:
    """A connection for all tests of this file, none of which writes."""
    with fresh_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


def match_sections(connection: Connection, left: list[str], right: list[str]) -> dict[tuple[str, str], str]:
    rows = connection.execute("select * from market.match_sections(%s, %s)", [left, right])
    return {(one, other): rule for one, other, rule in rows}


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        ("213", "213", "exact"),
        ("Section 446", "446", "exact"),
        ("Sec. 101", "101", "exact"),
        ("Floor D", "FLOOR D", "exact"),
        ("Lower Level 101", "101", "last number"),
        ("Promenade 320", "middle level 320", "last number"),
        ("106CT", "Courtyard 106CT", "last number"),
        ("Upper Level 315 Row A", "315", "last number"),
    ],
)
def test_one_section_is_found_by_its_rule(read_only: Connection, left: str, right: str, rule: str) -> None:
    assert match_sections(read_only, [left], [right]) == {(left, right): rule}
    assert match_sections(read_only, [right], [left]) == {(right, left): rule}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Loge Suites 106", "106"),
        ("106CT", "106"),
        ("17", "117"),  # nobody guesses the missing hundred
        ("Floor 1", "Floor A"),
        ("Floor 1", "1"),
        ("Balcony", "Upper Balcony"),
        ("Club 210", "Club"),
        ("", ""),
    ],
)
def test_two_sections_are_not_taken_for_one(read_only: Connection, left: str, right: str) -> None:
    assert match_sections(read_only, [left], [right]) == {}


def test_a_tie_is_a_no_and_what_is_written_alike_comes_first(read_only: Connection) -> None:
    assert match_sections(read_only, ["Lower 101", "Upper 101"], ["101"]) == {}
    found = match_sections(read_only, ["101", "Upper 101"], ["101", "102"])
    assert found == {("101", "101"): "exact"}
