"""Sections of two sources at one venue."""

import pytest

from tickettape.catalogue.match_sections import match_sections


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
def test_one_section_is_found_by_its_rule(left: str, right: str, rule: str) -> None:
    assert match_sections([left], [right]) == {(left, right): rule}
    assert match_sections([right], [left]) == {(right, left): rule}


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
def test_two_sections_are_not_taken_for_one(left: str, right: str) -> None:
    assert match_sections([left], [right]) == {}


def test_a_tie_is_a_no_and_what_is_written_alike_comes_first() -> None:
    assert match_sections(["Lower 101", "Upper 101"], ["101"]) == {}
    assert match_sections(["101", "Upper 101"], ["101", "102"]) == {("101", "101"): "exact"}
