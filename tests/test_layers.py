"""The house's rules, held: a core and two shells, rooms that show a face, no cycle, nothing too large."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tickettape.settings import ROOT

PACKAGES = ("tickettape", "orchestration", "serving")
SHELLS = ("orchestration", "serving")
FORBIDDEN = {
    "tickettape": {*SHELLS, "dagster", "dagster_dbt", "dagster_postgres", "fastapi", "starlette", "uvicorn"},
    "orchestration": {"serving", "fastapi", "starlette", "uvicorn"},
    "serving": {"orchestration", "dagster", "dagster_dbt", "dagster_postgres"},
}
"""What a package may not import."""

PLAYS_A_SERVER = "tickettape.marketplaces.simulator"
"""The simulator plays a marketplace, and a marketplace is an HTTP server."""

MOST_LINES = 400
LARGEST_ROOM = 0.2  # of all lines of Python and SQL

Sources = dict[str, str]
"""Module -> its source."""


@dataclass(frozen=True)
class Import:
    """One name that a module imports: `from target import name`, or `import target`."""

    importer: str
    target: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.importer} imports {self.target}{f'.{self.name}' if self.name else ''}"


def sources(root: Path = ROOT) -> Sources:
    """Every module of the three packages but the applied migrations."""
    found = {}
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            if path.parent.name != "versions":
                parts = path.relative_to(root).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


@cache
def imports_of(module: str, source: str) -> list[Import]:
    """Every import of a module, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [Import(module, node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [Import(module, alias.name, None) for alias in node.names]
    return found


def imports(modules: Sources) -> Iterator[Import]:
    """Every import of every module."""
    for module, source in modules.items():
        yield from imports_of(module, source)


def room_of(module: str) -> str | None:
    """The room of the core that a module is in; None for a module that stands beside the rooms, or outside."""
    package, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    return f"{package}.{name}" if package == "tickettape" and name and (ROOT / package / name).is_dir() else None


def faces(modules: Sources) -> dict[str, set[str]]:
    """What each room shows: the names in its `__all__`."""
    shown = {}
    for module, source in modules.items():
        if room_of(module) == module:
            lists = [
                node.value
                for node in ast.parse(source).body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            ]
            shown[module] = {name for names in lists for name in ast.literal_eval(names)}
    return shown


def across_packages(modules: Sources) -> list[Import]:
    """Imports that a package must not make."""
    return [
        one
        for one in imports(modules)
        if one.target.partition(".")[0] in FORBIDDEN[one.importer.partition(".")[0]]
        and not (one.importer.startswith(PLAYS_A_SERVER) and one.target.partition(".")[0] in ("starlette", "uvicorn"))
    ]


def into_rooms(modules: Sources) -> list[Import]:
    """Imports of another room's inside. The command line may be imported by nobody."""
    shown = faces(modules)
    found = []
    for one in imports(modules):
        room = room_of(one.target)
        by_the_face = one.target == room and one.name in shown.get(room, set())
        if room is not None and room != room_of(one.importer) and not by_the_face:
            found.append(one)
    return found


def cycles(edges: dict[str, set[str]]) -> list[str]:
    """What is on a way back to itself."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [*edges[start]]
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo.extend(edges.get(one, ()))
        return seen

    return sorted(one for one in list(edges) if one in reached(one))


def room_edges(modules: Sources) -> dict[str, set[str]]:
    """Which room imports which."""
    edges: dict[str, set[str]] = defaultdict(set)
    for one in imports(modules):
        importer, target = room_of(one.importer), room_of(one.target)
        if importer and target and importer != target:
            edges[importer].add(target)
    return edges


def module_edges(modules: Sources) -> dict[str, set[str]]:
    """Which module imports which, by files: a room's face is not one of its modules."""
    edges: dict[str, set[str]] = defaultdict(set)
    shown = faces(modules)
    for one in imports(modules):
        inside = f"{one.target}.{one.name}"
        target = inside if inside in modules and one.name not in shown.get(one.target, ()) else one.target
        if target in modules and one.importer not in shown:
            edges[one.importer].add(target)
    return edges


def test_the_core_knows_neither_shell_and_the_shells_not_each_other() -> None:
    assert list(map(str, across_packages(sources()))) == []


def test_rooms_are_entered_by_their_face() -> None:
    assert list(map(str, into_rooms(sources()))) == []


def test_no_room_and_no_module_is_on_a_way_back_to_itself() -> None:
    modules = sources()
    assert cycles(room_edges(modules)) == []
    assert cycles(module_edges(modules)) == []


@pytest.mark.parametrize(
    ("importer", "statement", "rule"),
    [
        ("tickettape.rollups.marks", "import dagster", across_packages),
        ("tickettape.rollups.marks", "def f():\n    from orchestration import jobs", across_packages),
        ("tickettape.api_schema.apply", "from starlette.requests import Request", across_packages),
        ("serving.app", "from orchestration.jobs import tick", across_packages),
        ("orchestration.jobs", "from serving.app import build_app", across_packages),
        ("serving.app", "from tickettape.observations.captures import store_captures", into_rooms),
        ("tickettape.archive.month_archive", "import tickettape.observations.captures", into_rooms),
        ("tickettape.archive.month_archive", "from tickettape.observations import captures", into_rooms),
        ("serving.app", "from tickettape.cli import app", into_rooms),
    ],
)
def test_control_a_forbidden_import_is_found(importer: str, statement: str, rule: object) -> None:
    modules = sources()
    modules[importer] += f"\n{statement}\n"
    assert rule in (across_packages, into_rooms)
    assert [one.importer for one in (across_packages if rule is across_packages else into_rooms)(modules)] == [importer]


def test_control_a_way_back_is_found() -> None:
    modules = sources()
    modules["tickettape.database.locks"] += "\nfrom tickettape.archive import ArchiveError\n"
    assert "tickettape.database" in cycles(room_edges(modules))
    modules = sources()
    modules["tickettape.observations.captures"] += "\nfrom tickettape.observations.tick_capture import capture_tick\n"
    assert "tickettape.observations.captures" in cycles(module_edges(modules))


def test_no_room_is_over_a_fifth_of_the_house_and_no_module_over_400_lines() -> None:
    lines: dict[str, int] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".py", ".sql"):
                lines[str(path.relative_to(ROOT))] = len(path.read_text().splitlines())
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
    rooms: dict[str, int] = defaultdict(int)
    for name, count in lines.items():
        rooms["/".join(name.split("/")[:2])] += count
    total = sum(lines.values())
    assert {room: count for room, count in rooms.items() if count > LARGEST_ROOM * total} == {}


def test_what_a_room_shows_is_used_by_somebody_else() -> None:
    modules = sources()
    shown = faces(modules)
    used = {(one.target, one.name) for one in imports(modules) if one.target in shown}
    assert [f"{room}.{name}" for room, names in shown.items() for name in names if (room, name) not in used] == []
