"""Clients that are generated from an OpenAPI document, with the programs in clients/ that read all by them.

What a step says is kept, and a step that fails says it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.described_answers import Document
from tests.support.tools import NODE_FOLDER

FILES = dict.fromkeys(("text/csv", "image/png", "image/svg+xml"), "application/octet-stream")
"""The box office's files, as docs/api.md says."""

CLIENTS = Path(__file__).with_name("clients")
Row = tuple[str, dict[str, Any], int | str | None]
"""The operation, the row, and one of its fields that the program used by name."""

# httpx left out is five times as fast, and no type of a row is from there
_MYPY = """
[mypy]
strict = true
follow_imports = silent
cache_dir = /dev/null
[mypy-httpx.*]
follow_imports = skip
"""
_TYPESCRIPT = {
    "compilerOptions": {
        "strict": True,
        "target": "es2022",
        "module": "nodenext",
        "lib": ["es2022", "dom", "dom.asynciterable"],
        "types": [],
        "skipLibCheck": True,
        "noEmitOnError": True,
    },
    "files": ["read_everything.ts"],
}


class StepFailedError(Exception):
    """A step ended with another status than 0: what it said."""


class PythonClient:
    """The client of openapi-python-client, in a folder of its own."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "openapi.json").write_text(json.dumps(document))
        (folder / "mypy.ini").write_text(_MYPY)
        (folder / "config.json").write_text(json.dumps({"post_hooks": [], "content_type_overrides": FILES}))
        self._step(
            *("-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"),
            *("--output-path", "tickettape_client", "--config", "config.json", "--fail-on-warning"),
        )

    def check(self) -> None:
        """Check the types of the program. Raises StepFailedError."""
        self._step("-m", "mypy", "--config-file", "mypy.ini", str(CLIENTS / "read_everything.py"))

    def read(self, url: str, key: str) -> list[Row]:
        """The rows that the program reads. Raises StepFailedError."""
        return _rows(self._step(str(CLIENTS / "read_everything.py"), URL=url, KEY=key))

    def _step(self, *arguments: str, **more: str) -> str:
        more |= {"PYTHONPATH": str(self._folder), "MYPYPATH": str(self._folder)}
        return _step(self._folder, sys.executable, *arguments, **more)


class TypeScriptClient:
    """The types of openapi-typescript, for openapi-fetch, in a folder of their own."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
        (folder / "openapi.json").write_text(json.dumps(document))
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "tsconfig.json").write_text(json.dumps(_TYPESCRIPT))
        (folder / "read_everything.ts").write_text((CLIENTS / "read_everything.ts").read_text())
        self._step("openapi-typescript/bin/cli.js", "openapi.json", "--output", "openapi.d.ts")

    def check(self) -> None:
        """Compile the program, which checks its types. Raises StepFailedError."""
        self._step("typescript/bin/tsc")

    def read(self, url: str, key: str) -> list[Row]:
        """The rows that the compiled program reads. Raises StepFailedError."""
        return _rows(_step(self._folder, "node", "read_everything.js", URL=url, KEY=key))

    def _step(self, program: str, *arguments: str) -> str:
        return _step(self._folder, "node", f"node_modules/{program}", *arguments)


def _step(folder: Path, *command: str, **more: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | more, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise StepFailedError(done.stdout + done.stderr)
    return done.stdout


def _rows(text: str) -> list[Row]:
    return [(operation, row, field) for operation, row, field in map(json.loads, text.splitlines())]
