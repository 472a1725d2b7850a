"""The page of scenarios, held: each code on it has its tests, and each code in a test's name is on it."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from tickettape.settings import ROOT

PAGE = ROOT / "docs" / "scenarios.md"
ROW = re.compile(r"^\| ([a-z]\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\]\(\.\./([^)#]+)#(\w+)\)")
CODE = re.compile(r"(?<=_)([abrsv]\d+)(?=_|$)")

Tests = dict[str, set[tuple[str, str]]]
"""Code -> (file, test) of every test of it."""


def linked_tests(page: str) -> Tests:
    """What the page links to."""
    return {code: set(LINK.findall(shown_by)) for code, _, _, shown_by in ROW.findall(page)}


@cache
def coded_tests() -> Tests:
    """Every test whose name holds a code."""
    found: Tests = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in names_in(path):
            for code in CODE.findall(name):
                found[code].add((path.relative_to(ROOT).as_posix(), name))
    return dict(found)


def names_in(path: Path) -> list[str]:
    """The names of a file's tests."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.parse(path.read_text()).body
    return [node.name for node in nodes if isinstance(node, functions) and node.name.startswith("test_")]


def test_the_page_names_every_test_of_every_code_and_no_other() -> None:
    assert linked_tests(PAGE.read_text()) == coded_tests()


def test_every_code_is_defined_once() -> None:
    codes = [code for code, *_ in ROW.findall(PAGE.read_text())]
    assert len(codes) == len(set(codes)) > 30


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("| r2 | ", "| r99 | "),
        ("#test_r2_a_row_exactly", "#test_r2_a_row_nearly"),
        ("test_partitions.py#test_a1", "test_health.py#test_a1"),
        ("(../tests/tickettape/rollups/test_scenarios.py#test_r2", "(#test_r2"),
    ],
    ids=["a code that no test has", "a test that is not there", "a test in another file", "a code without a test"],
)
def test_control_what_does_not_agree_is_found(written: str, instead: str) -> None:
    page = PAGE.read_text()
    assert page.count(written) >= 1
    assert linked_tests(page.replace(written, instead)) != coded_tests()
