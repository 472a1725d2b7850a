"""Judge the listings of a batch: each row is read into cents and UTC, or refused with a reason. Pure.

Values repeat: all rows of an observation have the same time. So plain functions read each distinct value of a batch
once, and the rest is arithmetic on whole columns.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tickettape.imports.columns import DistinctColumn, Mended, one_by_one, read_currency_code
from tickettape.imports.files import FileBatch
from tickettape.imports.judged import JudgedRows, ReadingRules, event_columns, judged_batch, not_for_sale
from tickettape.imports.names import read_id, read_name
from tickettape.imports.numbers import ROUNDED, read_cents, read_count
from tickettape.observations import COUNTED_SIZES

ANY, WHOLE = "any", "whole"  # which quantities may be bought, if it is not a list of numbers

MOST_TICKETS = 9999  # no listing has 10,000 seats
_QUANTITY = re.compile(r"([0-9]{1,4})(?:\.0+)?")
_LIST = re.compile(r"[\[({]([^\[\](){}]*)[\])}]")


def judge_rows(batch: FileBatch, reading: ReadingRules) -> JudgedRows:
    """Judge every row of a batch. A row is refused for the first reason against it.

    `rows` of the outcome: line, event, second (the tick, UTC epoch), observed (microseconds, as given), zone, zone_id,
    section, section_id (text or None), price, all_in (cents; -1 if missing), quantity, sells (bits: 1, 2 and 4 may be
    bought), listing, currency (None if not stated). A row with a quantity of 0, or marked as sold out, belongs to an
    observation but adds no inventory.
    """
    length = len(batch.lines)

    def column(name: str, read: Callable[[Any], Any]) -> DistinctColumn:
        return DistinctColumn(batch.columns.get(name), length, reading.defaults.get(name), one_by_one(read))

    columns = event_columns(batch, reading) | {
        "quantity": column("quantity", read_quantity),
        "price": column("price", read_cents),
        "all_in_price": column("all_in_price", read_cents),
        "buyable": column("buyable", read_buyable),
        "currency": column("currency", read_currency_code),
    }
    for name in ("zone", "section", "zone_id", "section_id", "listing"):
        reader = read_name if name in ("zone", "section") else read_id
        columns[name] = column(name, lambda value, name=name, reader=reader: reader(value, name))  # type: ignore[misc]
    counts = np.where(not_for_sale(columns), 0, columns["quantity"].numbers())
    prices = columns["price"].numbers()
    for_sale = counts > 0
    judged = judged_batch(
        batch,
        columns,
        {
            "event": columns["event"].objects() == None,  # noqa: E711  elementwise
            "time": columns["time"].numbers() == -1,
            "quantity": counts == -1,
            "price": for_sale & (prices == -1),
            "zone": for_sale & (columns["zone"].objects() == None),  # noqa: E711
            "section": for_sale & (columns["section"].objects() == None),  # noqa: E711
        },
    )
    observed = columns["time"].numbers()
    rows = pd.DataFrame(
        {
            "line": batch.lines,
            "event": columns["event"].objects(),
            "second": reading.tick_seconds(observed),
            "observed": observed,
            **{name: columns[name].objects() for name in ("zone", "zone_id", "section", "section_id")},
            "price": prices,
            "all_in": columns["all_in_price"].numbers(),
            "quantity": counts,
            "sells": _sells(columns["buyable"], counts),
            "listing": columns["listing"].objects(),
            "currency": columns["currency"].objects(),
        }
    )
    return judged.outcome(rows)


def _sells(buyable: DistinctColumn, counts: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, Any]":
    """The bits 1, 2 and 4 of each row: whether exactly that many tickets may be bought."""

    def of_rows(values: list[Any]) -> "np.ndarray[Any, Any]":
        return np.array(values)[buyable.codes]

    anything = of_rows([how == ANY for how in buyable.read])
    smallest = of_rows([min(how) if isinstance(how, frozenset) else 0 for how in buyable.read])
    # if nothing is stated, or every listed number is above the quantity, only the whole is certainly for sale
    only_whole = ~anything & ((smallest == 0) | (smallest > counts))
    bits = np.zeros(len(counts), np.int64)
    for size in COUNTED_SIZES:
        listed = of_rows([isinstance(how, frozenset) and size in how for how in buyable.read])
        sells = (counts >= size) & (listed | anything) | (counts == size) & only_whole
        bits |= np.where(sells, size, 0)
    return bits


def read_quantity(value: Any) -> int | Mended:
    """The number of tickets of a listing, 0 to 9999. Raises ValueError with the reason."""
    try:
        return read_count(value, MOST_TICKETS)
    except ValueError as error:
        reason = str(error)
        raise ValueError(
            reason if reason == ROUNDED or "comma" in reason else f"is not a whole number from 0 to {MOST_TICKETS}"
        ) from None


def read_buyable(value: Any) -> frozenset[int] | str:
    """The quantities that may be bought: numbers ("1,2,4"), `any` or `whole`. Raises ValueError with the reason."""
    said = str(value).lower()
    if said in (ANY, WHOLE):
        return said
    if listed := _LIST.fullmatch(said):  # as pandas writes a list; numpy separates its numbers with blanks
        said = listed[1].strip() if "," in listed[1] else ",".join(listed[1].split())
        if not said:
            return WHOLE
    parts = [_QUANTITY.fullmatch(part.strip()) for part in said.split(",")]
    if not all(parts):
        raise ValueError(f"is neither numbers separated by commas nor `{ANY}` nor `{WHOLE}`")
    return frozenset(n for part in parts if part and (n := int(part[1])) > 0) or WHOLE
