"""Judge the rows of a batch: listings in cents and UTC, or refused with a reason. Pure.

Values repeat (an observation's time stands in each of its rows), so each distinct value of a batch is read once,
by plain functions; what follows is arithmetic on whole columns.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from tickettape.imports.files import FileBatch
from tickettape.imports.mapping import EVENT_COLUMNS
from tickettape.marketplaces import HIGHEST_PRICE_CENTS
from tickettape.observations import COUNTED_SIZES

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before it nobody resold tickets online: a wrong unit or epoch
LONGEST = {"event": 255, "event_name": 500, "venue": 255, "city": 100, "state": 50, "country": 100, "category": 100}
LONGEST_TEXT = 255  # of any other
ANY, WHOLE = "any", "whole"  # how a listing may be split, where it is not a list of numbers

_PRICE = re.compile(r"\$?\s?([0-9]{1,10})(?:\.([0-9]{1,2})0*)?")
_QUANTITY = re.compile(r"([0-9]{1,4})(?:\.0+)?")  # 10,000 seats are no listing


@dataclass(frozen=True)
class ReadingRules:
    """How to read what a file leaves open. `bin_seconds`: the UTC grid that times are rounded down to."""

    now: datetime
    time_zone: ZoneInfo | None = None
    bin_seconds: int = 1
    defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RowRefusal:
    """A row that was refused; what could be read of it says which capture it is missing from."""

    line: int
    reason: str
    event: str | None = None
    second: int | None = None
    zone: str | None = None
    payload: bytes | None = None


@dataclass(frozen=True)
class JudgedRows:
    """A batch: its good rows and its refusals.

    `rows`: line, event, second (the tick, UTC epoch), observed (microseconds, as given), zone, zone_id, section,
    section_id (text or None), price, all_in (cents; -1 where null), quantity, sells (bits: 1, 2 and 4 may be
    bought), listing. A quantity of 0 is an observation without inventory.
    `events`: what the batch says of each event, by OF_EVENTS.
    """

    rows: pd.DataFrame
    refusals: list[RowRefusal]
    events: dict[str, dict[str, Any]]


class _Column:
    """A column by its distinct values: read, with a reason where it cannot be, and where each row's is."""

    def __init__(self, values: pa.Array | None, length: int, default: str | None, read: Callable[[Any], Any]) -> None:
        distinct: list[Any]
        if values is None:
            distinct, self.codes = [None], np.zeros(length, np.int64)
        else:
            encoded = values.dictionary_encode()
            distinct = [*encoded.dictionary.to_pylist(), None]
            self.codes = encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        self.read: list[Any] = []
        self.reasons: list[str | None] = []
        for value in distinct:
            given = value.strip() if isinstance(value, str) else value
            given = default if given is None or given == "" else given
            try:
                self.read.append(None if given is None else read(given))
                self.reasons.append(None)
            except ValueError as reason:
                self.read.append(None)
                self.reasons.append(f"{str(given)[:60]!r} {reason}")

    def numbers(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Each row's number; -1 where there is none."""
        return np.array([-1 if value is None else value for value in self.read], np.int64)[self.codes]

    def objects(self) -> "np.ndarray[Any, np.dtype[np.object_]]":
        """Each row's value; None where there is none."""
        return _objects(self.read)[self.codes]


def judge_rows(batch: FileBatch, reading: ReadingRules) -> JudgedRows:
    """Judge every row of a batch; the first reason against a row is the one it is refused for."""
    length = len(batch.lines)

    def column(name: str, read: Callable[[Any], Any]) -> _Column:
        return _Column(batch.columns.get(name), length, reading.defaults.get(name), read)

    columns = {
        "event": column("event", lambda value: read_text(value, "event")),
        "time": column("time", lambda value: read_observation_time(value, reading)),
        "quantity": column("quantity", read_quantity),
        "price": column("price", read_cents),
        "all_in_price": column("all_in_price", read_cents),
        "buyable": column("buyable", read_buyable),
        "currency": column("currency", read_currency),
    }
    for name in ("zone", "section", "zone_id", "section_id", "listing", *EVENT_COLUMNS):
        columns[name] = (
            column(name, lambda value: read_instant(value, reading))
            if name == "event_date"
            else column(name, lambda value, name=name: read_text(value, name))  # type: ignore[misc]
        )
    counts, prices = columns["quantity"].numbers(), columns["price"].numbers()
    for_sale = counts > 0
    zones = columns["zone"].objects()
    absent = {
        "event": columns["event"].objects() == None,  # noqa: E711  elementwise
        "time": columns["time"].numbers() == -1,
        "quantity": counts == -1,
        "price": for_sale & (prices == -1),
        "zone": for_sale & (zones == None),  # noqa: E711
        "section": for_sale & (columns["section"].objects() == None),  # noqa: E711
    }
    reasons = _objects([None] * length)
    for name, one in columns.items():
        if any(one.reasons):
            said = _objects([reason and f"{name} {reason}" for reason in one.reasons])[one.codes]
            reasons = np.where(reasons == None, said, reasons)  # noqa: E711
    for name, missing in absent.items():
        reasons = np.where((reasons == None) & missing, f"{name} is missing", reasons)  # noqa: E711
    blank = np.ones(length, bool)
    for values in batch.columns.values():
        blank &= values.is_null().to_numpy(zero_copy_only=False)
    refused = (reasons != None) & ~blank  # noqa: E711
    good = (reasons == None) & ~blank  # noqa: E711
    observed = columns["time"].numbers()
    second = observed // 1_000_000 // reading.bin_seconds * reading.bin_seconds
    events = columns["event"].objects()
    rows = pd.DataFrame(
        {
            "line": batch.lines,
            "event": events,
            "second": second,
            "observed": observed,
            **{name: columns[name].objects() for name in ("zone", "zone_id", "section", "section_id")},
            "price": prices,
            "all_in": columns["all_in_price"].numbers(),
            "quantity": counts,
            "sells": _sells(columns["buyable"], counts),
            "listing": columns["listing"].objects(),
        }
    )[good]
    refusals = [
        RowRefusal(
            int(batch.lines[at]),
            str(reasons[at]),
            events[at],
            None if observed[at] == -1 else int(second[at]),
            zones[at],
            _payload(batch, int(at)),
        )
        for at in np.flatnonzero(refused)
    ]
    refusals += [
        RowRefusal(
            one.line, f"it has {one.found} values where the header has {one.expected}", payload=one.text.encode()
        )
        for one in batch.malformed
    ]
    return JudgedRows(rows, refusals, _events(columns, good))


def _events(columns: Mapping[str, _Column], good: "np.ndarray[Any, Any]") -> dict[str, dict[str, Any]]:
    """What the newest row of each event says of it."""
    codes = pd.Series(columns["event"].codes)[good]
    said: dict[str, dict[str, Any]] = {}
    for at, code in codes.drop_duplicates(keep="last").items():
        values = {name: columns[name].read[columns[name].codes[int(str(at))]] for name in EVENT_COLUMNS}
        said[columns["event"].read[code]] = {name: value for name, value in values.items() if value is not None}
    return said


def _sells(buyable: _Column, counts: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, Any]":
    """Bits of 1, 2 and 4: whether exactly so many may be bought."""

    def of_rows(values: list[Any]) -> "np.ndarray[Any, Any]":
        return np.array(values)[buyable.codes]

    anything = of_rows([how == ANY for how in buyable.read])
    smallest = of_rows([min(how) if isinstance(how, frozenset) else 0 for how in buyable.read])
    # nothing said, or a list of which nothing fits the quantity: only the whole is surely sold
    only_whole = ~anything & ((smallest == 0) | (smallest > counts))
    bits = np.zeros(len(counts), np.int64)
    for size in COUNTED_SIZES:
        listed = of_rows([isinstance(how, frozenset) and size in how for how in buyable.read])
        sells = (counts >= size) & (listed | anything) | (counts == size) & only_whole
        bits |= np.where(sells, size, 0)
    return bits


def _payload(batch: FileBatch, at: int) -> bytes:
    row = {name: values[at].as_py() for name, values in batch.columns.items()}
    return json.dumps(row, default=str, ensure_ascii=False).encode()


def _objects(values: list[Any]) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """An array of the values as they are: numpy must not look into them."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def read_text(value: Any, name: str) -> str:
    """A name or an id. Raises ValueError where it is too long."""
    found = str(value)
    longest = LONGEST.get(name, LONGEST_TEXT)
    if len(found) > longest:
        raise ValueError(f"is longer than {longest} characters")
    if "\x00" in found:
        raise ValueError("holds a NUL character")
    return found


def read_instant(value: Any, reading: ReadingRules) -> int:
    """UTC microseconds since 1970 of an ISO text or a timestamp. Raises ValueError saying why not."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("is no ISO time") from None
    if isinstance(instant, date) and not isinstance(instant, datetime):
        instant = datetime.combine(instant, datetime.min.time())
    if not isinstance(instant, datetime):
        raise ValueError("is no time")
    if instant.tzinfo is None:
        if reading.time_zone is None:
            raise ValueError("has no time zone: say --time-zone UTC, or where its clock hangs")
        instant = instant.replace(tzinfo=reading.time_zone)
        if instant.utcoffset() != instant.replace(fold=1).utcoffset():
            raise ValueError(f"is no single instant in {reading.time_zone}: its clocks change then")
    return int((instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / _MICROSECOND)


def read_observation_time(value: Any, reading: ReadingRules) -> int:
    """As `microseconds`, of something that was seen: neither in the future nor before EARLIEST."""
    observed = read_instant(value, reading)
    if observed > reading.now.timestamp() * 1e6:
        raise ValueError("is in the future")
    if observed < EARLIEST.timestamp() * 1e6:
        raise ValueError(f"is before {EARLIEST:%Y}")
    return observed


def read_cents(value: Any) -> int:
    """Exact cents of a price. Raises ValueError saying why not."""
    if isinstance(value, str):
        match = _PRICE.fullmatch(value)
        if match is None:
            raise ValueError("is not a number with at most two decimals")
        amount = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))
    elif isinstance(value, float | int | Decimal) and not isinstance(value, bool) and math.isfinite(value):
        amount = round(value * 100)
        if abs(float(value * 100) - amount) > _A_HUNDREDTH_CENT:
            raise ValueError("has more than two decimals")
    else:
        raise ValueError("is not a number")
    if amount <= 0:
        raise ValueError("is not above 0")
    if amount > HIGHEST_PRICE_CENTS:
        raise ValueError(f"is above {HIGHEST_PRICE_CENTS / 100:,.2f}")
    return amount


def read_quantity(value: Any) -> int:
    """Tickets of a listing, 0 to 9999. Raises ValueError saying why not."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise ValueError("is not a whole number from 0 to 9999")
    return int(match[1])


def read_buyable(value: Any) -> frozenset[int] | str:
    """The quantities one may buy: numbers ("1,2,4"), `any`, or `whole`. Raises ValueError saying why not."""
    said = str(value).lower()
    if said in (ANY, WHOLE):
        return said
    parts = [part.strip() for part in said.split(",")]
    if not all(_QUANTITY.fullmatch(part) for part in parts):
        raise ValueError(f"is neither numbers with commas nor `{ANY}` nor `{WHOLE}`")
    return frozenset(n for n in map(int, parts) if n > 0) or WHOLE


def read_currency(value: Any) -> str:
    """The currency, which must be US dollars."""
    if str(value).upper() != "USD":
        raise ValueError("is not USD")
    return "USD"


_MICROSECOND = pd.Timedelta(microseconds=1).to_pytimedelta()
_A_HUNDREDTH_CENT = 0.01  # what a binary fraction of dollars may be off
