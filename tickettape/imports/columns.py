"""A column of a batch. Each distinct value is read once, however many rows have it. Pure.

Plain functions read the values: texts and currencies here, times in `times`, ids and names in `names`, prices and
counts in `numbers`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "nat", "null", "(null)", "<null>", "none", "<na>",
     "\\n", "-", "--", "\u2013", "\u2014", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#null!", "#ref!", "#value!",
     "#name?", "#div/0!", "#num!", "#error!", "#spill!", "#calc!"}
)  # fmt: skip
"""What R, pandas, Excel and SQL write for a missing value or an error. It is never read as a zone or a price."""

LONGEST = {"event": 255, "event_name": 500, "venue": 255, "city": 100, "state": 50, "country": 100, "category": 100}
LONGEST_TEXT = 255  # of every other text

_CURRENCY = re.compile("[A-Z]{3}")

_FORMULA = re.compile('="([^"]*)"')  # keeps a spreadsheet from reading a text as a number

Read = Any  # the value that was read, a Mended, or a ValueError that says why it cannot be read


@dataclass(frozen=True)
class Mended:
    """A value that is not read as it is written. `how`: what had changed it; `shown`: how reports show the result."""

    value: Any
    how: str
    shown: str | None = None


@dataclass
class Change:
    """One kind of change to values of a column or to whole rows: how many rows, and the line of the first."""

    what: str
    rows: int
    line: int
    example: str = ""

    def __str__(self) -> str:
        return f"{self.rows:,} {self.what} (line {self.line:,}{self.example and ': ' + self.example})."


class DistinctColumn:
    """A column by its distinct values.

    `given` has them stripped, `read` as they were read, and `reasons` why some cannot be read. `codes` has the index of
    each row's value. Rows without a value get `default`.
    """

    def __init__(
        self,
        values: pa.Array | None,
        length: int,
        default: str | None,
        read: Callable[[Sequence[Any]], Sequence[Read]],
        read_default: Callable[[Sequence[Any]], Sequence[Read]] | None = None,
    ) -> None:
        distinct: list[Any]
        if values is None:
            distinct, self.codes = [None], np.zeros(length, np.int64)
        else:
            encoded = values.dictionary_encode()
            distinct = [*encoded.dictionary.to_pylist(), None]
            self.codes = encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        self.given = [_given(value) for value in distinct]
        found = list(read(self.given))
        if default is not None:
            (of_default,) = (read_default or read)([default])
            found = [of_default if value is None else one for value, one in zip(self.given, found, strict=True)]
        self._mended = [one if isinstance(one, Mended) else None for one in found]
        found = [one.value if isinstance(one, Mended) else one for one in found]
        self._nothing = [
            isinstance(value, str) and value.strip() != "" and given is None
            for value, given in zip(distinct, self.given, strict=True)
        ]
        self._distinct = distinct
        self.read = [None if isinstance(one, ValueError) else one for one in found]
        self.reasons = [
            f"{str(default if value is None else value)[:60]!r} {one}" if isinstance(one, ValueError) else None
            for value, one in zip(self.given, found, strict=True)
        ]

    def numbers(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Each row's number, or -1 if it has none."""
        return np.array([-1 if value is None else value for value in self.read], np.int64)[self.codes]

    def objects(self) -> "np.ndarray[Any, np.dtype[np.object_]]":
        """Each row's value, or None if it has none."""
        return objects(self.read)[self.codes]

    def row_reasons(self) -> "np.ndarray[Any, np.dtype[np.object_]] | None":
        """Why each row's value cannot be read (None: it can). None instead of an array if all can be read."""
        return objects(self.reasons)[self.codes] if any(self.reasons) else None

    def lines_of(self, lines: "np.ndarray[Any, np.dtype[np.int64]]") -> list[int]:
        """The first line of each distinct value, or 0 if no row has it."""
        first = np.zeros(len(self.given), np.int64)
        first[self.codes[::-1]] = lines[::-1]
        found: list[int] = first.tolist()
        return found

    def blank(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Which rows have no value in this column."""
        return np.array([value is None for value in self.given], bool)[self.codes]

    def changes(self, name: str, lines: "np.ndarray[Any, np.dtype[np.int64]]") -> list[Change]:
        """The changes to the values of this batch, one for each kind."""
        if not any(self._nothing) and not any(self._mended):
            return []
        counts, first = np.bincount(self.codes, minlength=len(self.given)).tolist(), self.lines_of(lines)
        found: dict[str, Change] = {}
        for at, (mended, nothing) in enumerate(zip(self._mended, self._nothing, strict=True)):
            if not counts[at] or not (mended or nothing):
                continue
            what = f"values of {name} " + (mended.how if mended else "stand for nothing")
            example = str(self._distinct[at]).strip()[:60]
            if mended:
                example += f" is read as {mended.shown or mended.value}"
            known = found.setdefault(what, Change(what, 0, first[at], example))
            known.rows += counts[at]
        return list(found.values())


class Changes:
    """The changes in a whole file."""

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}

    def add(self, changes: Iterable[Change]) -> None:
        """Add the changes of a batch."""
        for one in changes:
            if one.what in self._changes:
                self._changes[one.what].rows += one.rows
            else:
                self._changes[one.what] = one

    def said(self) -> list[str]:
        """A line for each kind."""
        return [str(one) for one in self._changes.values()]


def one_by_one(read: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Read]]:
    """Turn a reader of one value into a reader of a list. None stays None."""

    def read_all(values: Sequence[Any]) -> list[Read]:
        found: list[Read] = []
        for value in values:
            try:
                found.append(None if value is None else read(value))
            except ValueError as reason:
                found.append(reason)
        return found

    return read_all


def read_text(value: Any, name: str) -> str:
    """A name or an id, as text. Raises ValueError if it is too long or contains a NUL character."""
    found = str(value)
    longest = LONGEST.get(name, LONGEST_TEXT)
    if len(found) > longest:
        raise ValueError(f"is longer than {longest} characters")
    if "\x00" in found:
        raise ValueError("contains a NUL character")
    return found


def objects(values: Sequence[Any]) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """An array with the values as its elements: numpy must not turn nested values into dimensions."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _given(value: Any) -> Any:
    """A value without blanks around it and without `="…"`; None if it is missing."""
    if isinstance(value, str):
        text = value.strip()
        if formula := _FORMULA.fullmatch(text):
            text = formula[1].strip()
        return None if text.lower() in MISSING or not text.strip("#") else text
    return None if value is None or value != value else value  # NaN differs from itself


def read_currency_code(value: Any) -> str:
    """A currency code of three letters, in capitals. Raises ValueError with the reason."""
    code = str(value).upper()
    if _CURRENCY.fullmatch(code) is None:
        raise ValueError("is not a currency: write three letters, as in USD")
    return code
