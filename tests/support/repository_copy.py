"""A copy of the repository, to be changed as a contributor would change it, with a database of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import empty_home
from tickettape.settings import ROOT

COPIED = ("tickettape", "orchestration", "serving", "dbt_project", "profiles", "tests", "docs")
COPIED_FILES = (
    "dbt_project.yml",
    ".sqlfluff",
    "profiles.yml",
    "pyproject.toml",
    "dagster.yaml",
    "workspace.yaml",
    ".env.example",
)
BIN = Path(sys.executable).parent


class RepositoryCopy:
    """The repository in a folder of its own; what is run there runs the copy's code, in an empty environment."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "PYTHONPATH": str(folder),
        }

    def write(self, path: str, text: str) -> None:
        """Make a file, with its folders, or replace it."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def read(self, path: str) -> str | None:
        """A file's text; None where there is none."""
        file = self.folder / path
        return file.read_text() if file.exists() else None

    def run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command at the copy's root, for at most five minutes; `more` is added to its environment."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@contextmanager
def repository_copy() -> Iterator[RepositoryCopy]:
    """A copy of the repository for the block; its server is stopped and all of it removed at the end."""
    with empty_home() as home:
        folder = home / "repository"
        folder.mkdir()
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in COPIED_FILES:
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        yield RepositoryCopy(folder, home)
