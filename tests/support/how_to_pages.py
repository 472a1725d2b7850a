"""The how-to pages as steps that can be followed: what they say to write into files, and what they say to run.

A block belongs to the words before it: "In `file`:", with a place or not. A block of commands without such words is
run, one of SQL is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from tickettape.settings import ROOT

PAGES = ROOT / "docs" / "how-to"
Place = Literal["whole", "after", "before", "instead of", "at the end"]

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_IN_FILE = re.compile(
    r"\bIn\s+`(?P<file>[^`\s]+)`"
    r"(?:,\s+(?P<place>at\s+the\s+end|(?P<beside>after|before|instead\s+of)\s+`(?P<anchor>[^`]+)`))?:\s*$"
)
_ANY_FILE = re.compile(r"\bIn\s+`[^`]+/[^`]+`")


@dataclass(frozen=True)
class FileStep:
    """Something to write into a file; `anchor` is a piece of the line beside which it goes, or what it replaces."""

    file: str
    place: Place
    anchor: str
    block: str

    def applied(self, text: str | None) -> str:
        """The file's new text; `text` is the old one, None where there is no file.

        Raises ValueError where the page does not fit the file.
        """
        if self.place == "at the end":
            return (text or "") + self.block
        if self.place == "whole":
            if text is not None:
                raise ValueError(f"{self.file} is there already")
            return self.block
        if text is None or text.count(self.anchor) != 1:
            found = "no such file" if text is None else f"{text.count(self.anchor)} times"
            raise ValueError(f"{self.file} should have `{self.anchor}` once: {found}")
        if self.place == "instead of":
            return text.replace(self.anchor, self.block.strip())
        lines = text.splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if self.anchor in line)
        lines.insert(at + (self.place == "after"), self.block)
        return "".join(lines)


@dataclass(frozen=True)
class Commands:
    """What to run, a line each."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """What to ask the database when all steps are done."""

    sql: str


Step = FileStep | Commands | Query


def pages() -> list[str]:
    """The names of the pages, as `add-a-mart`."""
    return sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README")


def read_page(name: str, substitutions: Mapping[str, str]) -> list[Step]:
    """The steps of a page in order. `substitutions`: what stands for something else in this walk, such as a URL."""
    text = (PAGES / f"{name}.md").read_text()
    for written, meant in substitutions.items():
        text = text.replace(written, meant)
    return read_steps(text)


def read_steps(text: str) -> list[Step]:
    """The steps of a page's text. Raises ValueError for a block, or words before one, that cannot be followed."""
    steps: list[Step] = []
    end = 0
    for found in _BLOCK.finditer(text):
        words, end = text[end : found.start()], found.end()
        indent, language, body = found.groups()
        block = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        if in_file := _IN_FILE.search(words.rstrip()):
            place = cast(Place, " ".join((in_file["beside"] or in_file["place"] or "whole").split()))
            steps.append(FileStep(in_file["file"], place, in_file["anchor"] or "", block))
        elif _ANY_FILE.search(words):
            raise ValueError(f"Which place is meant? {words.strip()[-200:]}")
        elif language == "sh":
            steps.append(Commands(tuple(block.splitlines())))
        elif language == "sql":
            steps.append(Query(block))
        else:
            raise ValueError(f"A block of {language} says of no file: {words.strip()[-200:]}")
    return steps
