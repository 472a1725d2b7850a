"""The dbt project without the files that dbt cannot parse.

dbt parses all of its files or none. Without this, one half-written model would stop every rollup.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tickettape.rollups.registry import ROLLUP_NAMES
from tickettape.settings import ROOT

PROJECT_FILES = ("dbt_project.yml", "dbt_project")
MOST_LEFT_OUT = 20  # each one costs another parse, which takes some seconds
_NAMED_FILE = re.compile(r"dbt_project/[^\s()'\",:]+\.(?:sql|ya?ml|md|csv)")


@dataclass(frozen=True)
class ReadableProject:
    """`folder`: where dbt finds the project. `left_out`: the files that are not in it, each with dbt's message."""

    folder: Path = ROOT
    left_out: dict[str, str] = field(default_factory=dict)


def readable_project(parse: Callable[[Path], str | None], copy: Path) -> ReadableProject:
    """The project itself if dbt can parse it, else a copy in the folder `copy` without the files that dbt cannot parse.

    `parse` parses the project in a folder, and returns dbt's message if that fails. Raises RuntimeError with the
    message if it names no file, or if it names a rollup's file: without that rollup nothing may be refreshed.
    """
    said = parse(ROOT)
    if said is None:
        return ReadableProject()
    _copy_project(copy)
    left_out: dict[str, str] = {}
    while said is not None:
        culprit = _newest_named(said, copy)
        if culprit is None or culprit.stem in ROLLUP_NAMES or len(left_out) == MOST_LEFT_OUT:
            raise RuntimeError(f"dbt cannot read its project: {said}")
        (copy / culprit).unlink()
        left_out[str(culprit)] = said
        said = parse(copy)
    return ReadableProject(copy, left_out)


def _copy_project(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PROJECT_FILES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy2(ROOT / name, folder / name)


def _newest_named(said: str, folder: Path) -> Path | None:
    """The newest of the files in dbt's message. If two models have the same name, that is the one added last."""
    named = {Path(name) for name in _NAMED_FILE.findall(said) if (folder / name).is_file()}
    return max(named, key=lambda file: (folder / file).stat().st_mtime, default=None)
