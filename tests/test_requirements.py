"""The page of requirements: every row has a state, and every link shows what it says."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tickettape.settings import ROOT

PAGE = ROOT / "docs" / "requirements.md"
HEADER = "| id | requirement | state | where |"
STATES = ("met", "departed", "operator's", "planned")
BROUGHT_BY = ("more marketplaces",)
"""What a planned row waits for."""

SHORTEST_REASON = 60  # letters: "it is slow" is none

ROW = re.compile(r"^\| (R-\d+) \| (.+) \| ([^|]+) \| (.+) \|$")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
TEST_NAME = re.compile(r"\btest_\w+\b(?!\.py)")


@dataclass(frozen=True)
class Requirement:
    """One requirement: whether it is met, and where that can be seen."""

    id: str
    promise: str
    state: str
    where: str

    @property
    def links(self) -> list[tuple[str, str]]:
        """(text, target) of every link."""
        return LINK.findall(self.where)

    @property
    def words(self) -> str:
        """What it says beside its links."""
        return LINK.sub("", self.where).strip()


def requirements(page: str) -> list[Requirement]:
    """Every row of the page's tables."""
    return [Requirement(*found.groups()) for line in page.splitlines() if (found := ROW.match(line))]


def rows_that_cannot_be_read(page: str) -> list[str]:
    """Lines of a table of requirements that are neither its header nor a row of four cells."""
    lines, wrong, inside = page.splitlines(), [], False
    for line in lines:
        inside = line.startswith("|") and (inside or line == HEADER)
        if inside and line not in (HEADER, "|---|---|---|---|") and not ROW.match(line):
            wrong.append(line)
    return wrong + [line for line in lines if line.startswith("| R-") and not ROW.match(line) and line not in wrong]


def is_named_in(file: Path, name: str) -> bool:
    """Whether a file has a function, a dbt test or a heading of this name."""
    text = file.read_text()
    if file.suffix == ".py":
        return re.search(rf"^(async )?def {re.escape(name)}\(", text, re.MULTILINE) is not None
    if file.suffix == ".md":
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        return name in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    return re.search(rf"\bname: {re.escape(name)}\b", text) is not None


def broken_links(row: Requirement) -> list[str]:
    """The targets that are not there: a file, or what an anchor or a link's text names in it."""
    broken = []
    for text, target in row.links:
        path, _, anchor = target.partition("#")
        file = (PAGE.parent / path).resolve()
        if "://" in target or not file.is_relative_to(ROOT) or not file.is_file():
            broken.append(f"{row.id}: {target}")
            continue
        names = {*TEST_NAME.findall(text), *([anchor] if anchor else [])}
        broken += [f"{row.id}: {path} has no {name}" for name in sorted(names) if not is_named_in(file, name)]
    return broken


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


@pytest.fixture(scope="module")
def rows(page: str) -> list[Requirement]:
    return requirements(page)


def test_every_row_can_be_read_and_has_one_of_the_four_states(page: str, rows: list[Requirement]) -> None:
    assert rows_that_cannot_be_read(page) == []
    assert {row.state for row in rows} <= set(STATES)


def test_ids_are_unique_and_ascending(rows: list[Requirement]) -> None:
    numbers = [int(row.id.removeprefix("R-")) for row in rows]
    assert numbers == sorted(set(numbers))
    assert [row.id for row in rows] == [f"R-{number:03}" for number in numbers]


def test_what_is_not_planned_has_a_link(rows: list[Requirement]) -> None:
    assert [row.id for row in rows if row.state != "planned" and not row.links] == []


def test_every_link_leads_to_what_it_names(rows: list[Requirement]) -> None:
    assert [broken for row in rows for broken in broken_links(row)] == []


def test_a_departure_gives_a_figure_or_a_reason(rows: list[Requirement]) -> None:
    departed = [row for row in rows if row.state == "departed"]
    assert [row.id for row in departed if not re.search(r"\d", row.words) and len(row.words) < SHORTEST_REASON] == []
    assert [row.id for row in departed if len(row.words) < SHORTEST_REASON / 2] == []


def test_what_is_planned_says_what_will_bring_it(rows: list[Requirement]) -> None:
    assert [row.id for row in rows if row.state == "planned" and not row.where.startswith(BROUGHT_BY)] == []


def test_as_much_is_planned_as_the_page_says(page: str, rows: list[Requirement]) -> None:
    counts = Counter(row.state for row in rows)
    print(", ".join(f"{state}: {counts[state]}" for state in STATES))  # noqa: T201
    assert re.findall(r"^Planned: (\d+)$", page, re.MULTILINE) == [str(counts["planned"])], counts


@pytest.mark.parametrize(
    "link",
    [
        "[a page](gone.md)",
        "[a folder](decisions)",
        "[a site](https://example.com/requirements.md)",
        "[outside](../../elsewhere.md)",
        "[a function](../tests/test_layers.py#test_nothing_of_this_name)",
        "[test_nothing_of_this_name](../tests/test_layers.py)",
        "[a heading](decisions/README.md#nothing-of-this-name)",
        "[a test of dbt](../dbt_project/tests/tests.yml#nothing_of_this_name)",
    ],
)
def test_control_a_broken_link_is_found(link: str) -> None:
    whole = "[test_rooms_are_entered_by_their_face](../tests/test_layers.py#test_rooms_are_entered_by_their_face)"
    (row,) = requirements(f"| R-001 | a promise | met | {whole}; {link} |")
    assert len(broken_links(row)) == 1
    assert broken_links(Requirement(row.id, row.promise, row.state, whole)) == []


@pytest.mark.parametrize(
    "line", ["| R-1 | a promise | met |", "| a promise | met | here | there |", "| R-x | a | b | c |"]
)
def test_control_a_row_that_cannot_be_read_is_found(line: str) -> None:
    assert rows_that_cannot_be_read(f"{HEADER}\n|---|---|---|---|\n{line}\n") == [line]
