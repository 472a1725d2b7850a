"""Judge the price ranges of a batch: each row is read into cents and UTC, or refused with a reason. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tickettape.imports.columns import DistinctColumn, objects, one_by_one, read_currency_code
from tickettape.imports.files import FileBatch
from tickettape.imports.judged import JudgedRows, ReadingRules, event_columns, judged_batch, not_for_sale
from tickettape.imports.mapping import RANGE_PRICES, RANGE_VALUES
from tickettape.imports.numbers import read_count, read_price

MARKETS = ("resale", "primary")
PRICE_BASES = ("before_fees", "all_in", "unknown")
RANGE_DEFAULTS = {"market": "resale", "price_basis": "unknown"}
"""Used if nothing is stated: nearly all histories are of resale, and hardly any says whether fees are included."""

_DOLLARS = frozenset({"$", "USD", "CAD", "AUD", "NZD", "MXN", "SGD", "HKD", "TWD", "BRL", "ARS", "CLP", "COP"})


def judge_ranges(batch: FileBatch, reading: ReadingRules) -> JudgedRows:
    """Judge every row of a batch. A row is refused for the first reason against it.

    `rows` of the outcome: line, event, second (the tick, UTC epoch), observed (microseconds, as given), lowest_price,
    average_price, highest_price (cents), listings, tickets (-1 if missing), currency (None if not stated), market,
    price_basis. A row with neither a price nor a count is counted in `nothing`.
    """
    length = len(batch.lines)
    defaults = RANGE_DEFAULTS | dict(reading.defaults)

    def column(name: str, read: Callable[[Any], Any]) -> DistinctColumn:
        return DistinctColumn(batch.columns.get(name), length, defaults.get(name), one_by_one(read))

    columns = event_columns(batch, reading)
    columns |= {name: column(name, read_price) for name in RANGE_PRICES}
    columns |= {name: column(name, read_count) for name in ("listings", "tickets")}
    columns |= {
        "currency": column("currency", read_currency_code),
        "market": column("market", lambda value: read_word(value, MARKETS)),
        "price_basis": column("price_basis", lambda value: read_word(value, PRICE_BASES)),
    }
    values = {
        name: columns[name].numbers() if name not in RANGE_PRICES else _cents(columns[name]) for name in RANGE_VALUES
    }
    sold_out = not_for_sale(columns)
    for name in RANGE_PRICES:  # a sold-out row has no price
        values[name] = np.where(sold_out, -1, values[name])
    currency, against = _currencies(columns)
    against = _contradictions(values, against)
    judged = judged_batch(
        batch,
        columns,
        {
            "event": columns["event"].objects() == None,  # noqa: E711  elementwise
            "time": columns["time"].numbers() == -1,
        },
        against,
    )
    observed = columns["time"].numbers()
    rows = pd.DataFrame(
        {
            "line": batch.lines,
            "event": columns["event"].objects(),
            "second": reading.tick_seconds(observed),
            "observed": observed,
            **values,
            "currency": currency,
            "market": columns["market"].objects(),
            "price_basis": columns["price_basis"].objects(),
        }
    )
    return judged.outcome(rows, nothing=np.all([one == -1 for one in values.values()], axis=0))


def read_word(value: Any, words: tuple[str, ...]) -> str:
    """One of the allowed words. Raises ValueError that names them."""
    word = str(value).lower().replace(" ", "_").replace("-", "_")
    if word not in words:
        raise ValueError(f"is not {' or '.join(words)}")
    return word


def _cents(column: DistinctColumn) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array([-1 if value is None else value[0] for value in column.read], np.int64)[column.codes]


def _currencies(columns: Mapping[str, DistinctColumn]) -> tuple[Any, Any]:
    """Each row's currency, as stated or from the sign of its prices; and why the two contradict each other, if so."""
    said = columns["currency"].objects()
    against = objects([None] * len(said))
    for name in RANGE_PRICES:
        signs = [value and value[1] for value in columns[name].read]
        if not any(signs):
            continue
        of_rows = objects(signs)[columns[name].codes]
        for at in np.flatnonzero(of_rows != None):  # noqa: E711  elementwise
            sign, currency = of_rows[at], said[at]
            if currency is None:
                said[at] = "USD" if sign == "$" else sign
            elif sign != currency and not (sign == "$" and currency in _DOLLARS):
                against[at] = f"{name} is in {sign} where the row is in {currency}"
    return said, against


def _contradictions(values: Mapping[str, Any], against: Any) -> Any:
    """Add why a row's prices contradict each other: one of them is above another that it must not exceed."""
    names = RANGE_PRICES
    for lower, upper in ((0, 1), (1, 2), (0, 2)):
        low, high = values[names[lower]], values[names[upper]]
        for at in np.flatnonzero((high != -1) & (low > high)):
            against[at] = against[at] or (
                f"{names[lower]} '{low[at] / 100:.2f}' is above {names[upper]} '{high[at] / 100:.2f}'"
            )
    return against
