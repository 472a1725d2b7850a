"""Read ids and names as spreadsheets and libraries write them: `5990417.0`, `1.71E+10`, `="0101"`. Pure.

If two ids became one, a listing would be lost. If one id became two, a zone would look sold out. So a value that can be
read in only one way is read, and a damaged one is refused.
"""

import re
from collections.abc import Iterable
from typing import Any

from tickettape.imports.columns import Mended, read_text

WHOLE_FLOAT = "had the `.0` of a number"
_WHOLE_FLOAT = re.compile(r"(-?[0-9]+)\.0+")
_MARKED = re.compile(r"[0-9]+(?:,[0-9]+)+(?:\.0+)?|[0-9]{1,3}(?:\.[0-9]{3})+(?:,0+)?")  # 5,990,417 or 5.990.417 or 7,0
_MARKED_NAME = re.compile(r"[0-9]+,0+|[0-9]{1,3}(?:\.000)+")
_SCIENTIFIC = re.compile(r"[+-]?(?:[0-9][.,][0-9]+[Ee]\+?[0-9]{1,3}|[0-9][Ee]\+[0-9]{2,3})")
_ESCAPED = re.compile(r"\\(?:[\\\"',;|\t]|$)")
_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE = re.compile(rf"[0-9]{{1,2}}-(?:{_MONTH})|(?:{_MONTH})-[0-9]{{2}}")
_EXACT_DIGITS = 15  # of a number: a spreadsheet keeps this many, a float a few more
_LONG = re.compile(rf"[0-9]{{{_EXACT_DIGITS + 1},}}")
EXACT = 2**53


def read_name(value: Any, name: str) -> str | Mended:
    """A zone's or section's name. Raises ValueError if a spreadsheet or a library has damaged it."""
    text = read_text(value, name)
    if _SCIENTIFIC.fullmatch(text):
        raise ValueError("is a number of which digits were lost: format its column as text, and save it again")
    if _DATE.fullmatch(text):
        raise ValueError("is a date that a spreadsheet made of a name: format its column as text, and save it again")
    if len(text) > 1 and text[0] == text[-1] == "'":
        raise ValueError("is in single quotes, which CSV does not know: save it with double quotes")
    if _ESCAPED.search(text):
        raise ValueError("has a backslash, which programs read in different ways: save it with double quotes")
    if isinstance(value, str) and _MARKED_NAME.fullmatch(value):
        raise ValueError(_MARKS)
    whole = _WHOLE_FLOAT.fullmatch(text)
    if whole is None:
        return text
    if abs(int(whole[1])) >= EXACT:
        raise ValueError("is a number of which digits were lost: keep its column as text or whole numbers")
    return Mended(whole[1], WHOLE_FLOAT)


def read_id(value: Any, name: str) -> str | Mended:
    """An id of an event, zone, section or listing. Raises ValueError like `read_name`."""
    if isinstance(value, str) and _MARKED.fullmatch(value):
        raise ValueError(_MARKS)
    return read_name(value, name)


_MARKS = "is a number with marks in it, of thousands or decimals: format its column as text, and save it again"


class GuessedText:
    """Finds ids and names whose letters depend on a guessed encoding. If the guess is wrong, they would stay wrong."""

    def __init__(self, guessed_as: str | None) -> None:
        self._guessed_as, self._examples = guessed_as, list[str]()

    def add(self, name: str, read: Iterable[Any], line_of: Iterable[int]) -> None:
        """Check the distinct values of a column; `line_of`: a line of each."""
        if self._guessed_as is None or len(self._examples) > 2:
            return
        odd = [(value, line) for value, line in zip(read, line_of, strict=True) if value and not value.isascii()]
        self._examples += [f"line {line:,}: {name} {value}" for value, line in odd[: 3 - len(self._examples)]]

    def refusal(self) -> str | None:
        """Why the file is refused; None if it is not."""
        if not self._examples:
            return None
        return (
            f"It is not UTF-8, and its encoding is not known. As {self._guessed_as}: "
            f"{'; '.join(self._examples)}. If that is right, say --encoding {self._guessed_as}. Otherwise name "
            "another: mac_roman, cp1250, …"
        )


class LongIds:
    """Finds out whether a spreadsheet has replaced the last digits of a file's ids with zeros: it keeps only 15."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}
        self._sound: set[str] = set()

    def add(self, name: str, read: Iterable[Any], line_of: Iterable[int]) -> None:
        """Check the distinct values of a column; `line_of`: a line of each."""
        if name in self._sound:
            return
        seen = self._seen.setdefault(name, {})
        for value, line in zip(read, line_of, strict=True):
            if value is not None and _LONG.fullmatch(value):
                if value[_EXACT_DIGITS:].strip("0"):
                    self._sound.add(name)
                    return
                seen.setdefault(value, line)

    def refusal(self) -> str | None:
        """Why the file is refused: different ids may have become one. None if it is not."""
        for name, seen in self._seen.items():
            if name not in self._sound and len(seen) > 1:
                some = "; ".join(f"line {line:,}: {value}" for value, line in list(seen.items())[:3])
                return (
                    f"Each long {name} ends in zeros after {_EXACT_DIGITS} digits: {some}. A spreadsheet keeps no "
                    "more digits, so different ids may have become one. Format the column as text before you open the "
                    "file in a spreadsheet."
                )
        return None
