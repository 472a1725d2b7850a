"""The rows of a file, read as an import reads them."""

from pathlib import Path
from typing import Any

from tickettape.imports.files import open_file, read_batches


def rows(path: Path, content: bytes | str, **mapping: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """What is read: line, event, price."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = open_file(path)
    batches = list(read_batches(file, mapping or {"event": ("event",), "price": ("price",)}))
    return [
        (int(line), *(column[at].as_py() for column in batch.columns.values()))
        for batch in batches
        for at, line in enumerate(batch.lines)
    ]
