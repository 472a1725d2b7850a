"""A right file of listings, as pandas and spreadsheets save it."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import strategies as st

COLUMNS = ["event", "time", "zone", "section", "price", "quantity", "listing", "note", "event_name"]
NOTES = [
    "",
    "aisle",
    'a "quoted" word',
    "two\nlines",
    "one, two",
    '6" riser',
    "back\\slash",
    "O'Brien",
    "a;b\tc|d",
    "x\\",
]


@dataclass(frozen=True)
class Listing:
    """What is true of a row."""

    event: str
    time: str
    zone: str
    section: str
    price: Decimal
    quantity: int
    listing: str | None
    note: str
    event_name: str


@st.composite
def listings(draw: st.DrawFn) -> list[Listing]:
    """Rows of a right file."""
    numbers = st.sampled_from(["7", "5990417", "17100000001", "17100000002"])
    names = st.sampled_from(
        ["Lower", "Lower, Bowl", 'Upper "A"', "Tribüne", "Box\\", "O'Brien's", "101", "Mar 2", "1-2"]
    )
    price = st.one_of(
        st.sampled_from(["85", "1250", "1250.50", "19.99", "0.5", "12345.67", "1000000"]).map(Decimal),
        st.integers(1, 300_000).map(lambda cents: Decimal(cents) / 100),
    )
    return draw(
        st.lists(
            st.builds(
                Listing,
                event=numbers,
                time=st.sampled_from(["2026-11-20T12:00:00+00:00", "2026-11-20T12:10:00+00:00"]),
                zone=names,
                section=names,
                price=price,
                quantity=st.integers(1, 12),
                listing=st.one_of(st.none(), st.integers(17_100_000_000, 17_100_000_099).map(str)),
                note=st.sampled_from(NOTES),
                event_name=st.sampled_from(["Bulls at Pacers", "Bulls, at Pacers", 'The "Final"']),
            ),
            min_size=1,
            max_size=12,
        )
    )


@st.composite
def saved_by_pandas(draw: st.DrawFn, rows: list[Listing]) -> bytes:
    """As `DataFrame.to_csv` writes them, with the types and options that people use."""
    frame = pd.DataFrame([vars(row) for row in rows], columns=draw(st.permutations(COLUMNS)))
    types: list[tuple[str, list[Any]]] = [
        ("event", [str, int, float]), ("listing", [str, float, "Int64"]), ("quantity", [int, float, str]),
        ("price", [str, float, "float32", "times"]),
    ]  # fmt: skip
    for name, kinds in types:
        kind = draw(st.sampled_from(kinds))
        if kind == "times":  # a price that was computed
            frame[name] = frame[name].astype(float) / 3 * 3 + draw(st.sampled_from([0, 2e-15]))
        elif name == "listing" and kind != "str":
            frame[name] = pd.to_numeric(frame[name]).astype("Int64" if kind == "Int64" else "float64")
        else:
            frame[name] = frame[name].astype(kind)
    if draw(st.booleans()):
        frame["time"] = pd.to_datetime(frame["time"])
    quoting = mostly(draw, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_NONE)
    escaped = quoting == csv.QUOTE_NONE or mostly(draw, False, True)
    text = frame.to_csv(
        index=draw(st.booleans()),
        sep=mostly(draw, ",", ";", "\t", "|", " "),
        quoting=quoting,
        quotechar=mostly(draw, '"', "'"),
        doublequote=not escaped,
        escapechar="\\" if escaped else None,
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        na_rep=mostly(draw, "", "NA", "nan", "NULL", "<NA>", "-"),
        float_format=mostly(draw, None, "%.2f", "%.3f", "%.6f", "%.17g", "%.3e"),
        decimal=mostly(draw, ".", ","),
    )
    return encoded(draw, text)


def mostly(draw: st.DrawFn, usual: Any, *others: Any) -> Any:
    """The usual in three of four cases: a file in which everything is odd shows little."""
    return draw(st.sampled_from([usual] * 3 * len(others) + list(others)))


def encoded(draw: st.DrawFn, text: str) -> bytes:
    others = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "mac_roman"]
    return text.encode(mostly(draw, "utf-8", *others), errors="replace")


_GERMAN: dict[int, int] = str.maketrans(".,", ",.")
Format = Callable[[Any], str]
PRICES: list[Format] = [
    str, "{:.2f}".format, "{:,.2f}".format, "${:,.2f}".format, lambda value: f"{value:,.2f}".translate(_GERMAN),
    lambda value: f"{value:,}", lambda value: f"{value:,}".translate(_GERMAN), lambda value: f"$ {value}",
    lambda value: f"{float(value):.2E}", lambda value: f"{value:,.2f} €", lambda value: f"{value:,.3f}",
]  # fmt: skip
IDS: list[Format] = [
    str, lambda text: f"{text}.0", lambda text: f"{text}.00", lambda text: f"{int(text):.2E}",
    lambda text: f'="{text}"', lambda text: f"{int(text):,}", lambda text: f" {text} ",
]  # fmt: skip
DATES = {"Mar 2": "2-Mar", "1-2": "2-Jan"}


@st.composite
def saved_by_a_spreadsheet(draw: st.DrawFn, rows: list[Listing]) -> bytes:
    """As spreadsheets save a sheet: numbers as they are shown, cells beside the table, rows short and long."""
    price, ids, whole = (draw(st.one_of(st.just(str), st.sampled_from(kinds))) for kinds in (PRICES, IDS, IDS[:4]))
    dates = draw(st.booleans())  # what looks like a date became one
    columns: list[tuple[str, list[str]]] = [
        (name, [_cell(row, name, price, ids, whole, dates=dates) for row in rows])
        for name in draw(st.permutations(COLUMNS))
    ]
    blank = [""] * len(rows)
    for place in draw(st.lists(st.integers(0, len(COLUMNS)), max_size=3)):
        name = draw(st.sampled_from(["", "", "old", "row", "note", "Column1"]))
        columns.insert(place, (name, draw(st.sampled_from([blank, [str(n) for n in range(len(rows))]]))))
    columns += [("", blank)] * draw(st.integers(0, 3))
    upper = draw(st.booleans())
    header = [name.upper() if upper else name for name, _ in columns]
    table = [header, *map(list, zip(*(values for _, values in columns), strict=True))]
    if draw(st.booleans()):
        table = [_without_end(line) for line in table]
    out = io.StringIO()
    sep = draw(st.sampled_from([",", ";", "\t"]))
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    if draw(st.sampled_from([False, False, True])):
        out.write(f"sep={sep}{ends}")
    # Python's csv would not quote a line break of another kind than its own
    writer = csv.writer(
        out, delimiter=sep, lineterminator=ends, quoting=csv.QUOTE_ALL if ends == "\r" else csv.QUOTE_MINIMAL
    )
    for line in table:
        writer.writerow(line + [""] * draw(st.sampled_from([0, 0, 1, 3])))
        if draw(st.sampled_from([False, False, False, True])):
            writer.writerow(draw(st.sampled_from([[], [""] * len(header), [" "] * 2])))
    return encoded(draw, out.getvalue())


def _cell(row: Listing, name: str, price: Format, ids: Format, whole: Format, *, dates: bool) -> str:
    value = getattr(row, name)
    if value is None:
        return ""
    if name == "price":
        return price(value)
    if name in ("event", "listing"):
        return ids(value)
    if name == "quantity":
        return whole(str(value))
    return DATES.get(value, value) if dates else str(value)


def _without_end(line: list[str]) -> list[str]:
    while line and not line[-1]:
        line = line[:-1]
    return line
