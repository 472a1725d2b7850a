"""A file that dbt cannot parse is left out of a copy; whatever else is wrong stops."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tickettape.rollups import dbt_project
from tickettape.rollups.dbt_project import readable_project
from tickettape.settings import ROOT

MART = "dbt_project/models/marts/half_written.sql"


def refusing(*files: str) -> Callable[[Path], str | None]:
    """A parse that refuses the first of some files that is there; in the project itself, the first in any case."""

    def parse(folder: Path) -> str | None:
        there = [file for file in files if folder == ROOT or (folder / file).is_file()]
        return f"Compilation Error in model ({there[0]})" if there else None

    return parse


@pytest.fixture
def half_written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A model that comes to be in every copy, and another that it is mistaken for."""
    files = [MART, MART.replace("half", "badly")]
    whole = dbt_project._copy_project

    def copy(folder: Path) -> None:
        whole(folder)
        for file in files:
            (folder / file).write_text("select")

    monkeypatch.setattr(dbt_project, "_copy_project", copy)
    return files


def test_a_project_that_dbt_can_read_is_read_where_it_is(tmp_path: Path) -> None:
    project = readable_project(lambda _: None, tmp_path / "copy")
    assert (project.folder, project.left_out) == (ROOT, {})
    assert not (tmp_path / "copy").exists()


def test_files_that_cannot_be_read_are_left_out_of_a_copy_with_what_dbt_says(
    tmp_path: Path, half_written: list[str]
) -> None:
    project = readable_project(refusing(*half_written), tmp_path / "copy")
    assert project.folder == tmp_path / "copy"
    assert project.left_out == {file: f"Compilation Error in model ({file})" for file in half_written}
    originals = {path.relative_to(ROOT) for path in (ROOT / "dbt_project").rglob("*.sql")}
    assert {path.relative_to(project.folder) for path in project.folder.rglob("*.sql")} == originals


def test_a_rollup_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    (rollup,) = (ROOT / "dbt_project").rglob("event_hours.sql")
    with pytest.raises(RuntimeError, match=r"dbt cannot read its project: .*event_hours"):
        readable_project(refusing(str(rollup.relative_to(ROOT))), tmp_path / "copy")


def test_an_error_that_names_no_file_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no profile"):
        readable_project(lambda _: "there is no profile", tmp_path / "copy")
