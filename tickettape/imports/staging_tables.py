"""The staging tables of an import: rows come in any order and are read back by capture. They last for the session."""

import io
from collections.abc import Mapping, Sequence

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv

from tickettape.database import Connection

LISTING_COLUMNS = (
    "event_no",
    "section_no",
    "second",
    "observed",
    "price",
    "all_in",
    "quantity",
    "sells",
    "listing",
    "line",
)
REFUSAL_COLUMNS = ("line", "event", "event_no", "second", "observed", "reason", "payload")
STAGED_KEY = ["second", "event_no"]


def make_staging_tables(connection: Connection) -> None:
    """Make this session's empty staging tables."""
    connection.execute("set temp_buffers = '64MB'")
    connection.execute(
        """drop table if exists pg_temp.staged_listings, pg_temp.staged_ranges, pg_temp.staged_refused,
               pg_temp.staged_unsure;
           create temp table staged_listings (
               event_no integer not null, section_no integer not null, second bigint not null,
               observed bigint not null, price integer not null, all_in integer not null,
               quantity smallint not null, sells smallint not null, listing text, line bigint not null);
           create temp table staged_ranges (
               event_no integer not null, second bigint not null, observed bigint not null,
               lowest_price integer not null, average_price integer not null, highest_price integer not null,
               listings integer not null, tickets integer not null,
               currency text, market text not null, price_basis text not null, line bigint not null);
           create temp table staged_refused (
               line bigint not null, event text, event_no integer, second bigint, observed bigint,
               reason text not null, payload bytea);
           create temp table staged_unsure (event_no integer not null, second bigint not null)"""
    )


def copy_table(connection: Connection, table: str, columns: Sequence[str], rows: pa.Table) -> None:
    """COPY rows into a table."""
    text = io.BytesIO()
    pa_csv.write_csv(rows.select(list(columns)), text, pa_csv.WriteOptions(include_header=False))
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin (format csv)") as stream,
    ):
        stream.write(text.getbuffer())


def index_staged_listings(connection: Connection) -> None:
    """Make the staged listings quick to find by capture."""
    connection.execute("create index on staged_listings (second, event_no)")
    connection.execute("analyze staged_listings")


def staged_captures(connection: Connection) -> pd.DataFrame:
    """The staged captures, oldest first: second, event_no, listings, observed (newest, microseconds)."""
    return copied_out(
        connection,
        """select second, event_no, count(*) as listings, max(observed) as observed from staged_listings
           group by second, event_no order by second, event_no""",
        {},
    )


def staged_listings(connection: Connection, first: tuple[int, int], last: tuple[int, int]) -> pd.DataFrame:
    """The listings of the captures from `first` to `last`, (second, event_no), both included; the newest last."""
    return copied_out(
        connection,
        f"""select {", ".join(LISTING_COLUMNS)} from staged_listings
            where (second, event_no) >= (%s, %s) and (second, event_no) <= (%s, %s) order by observed, line""",  # noqa: S608
        {"listing": pa.string()},
        [*first, *last],
    )


class LostRows:
    """How many rows a capture lost, or may have lost: the event or the time of a refused row may be unreadable."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute("select second, event_no, count(*) from staged_refused group by second, event_no")
        self._rows = {(second, event_no): int(count) for second, event_no, count in rows}
        self._unsure = set(connection.execute("select second, event_no from staged_unsure").fetchall())

    def __bool__(self) -> bool:
        return bool(self._rows or self._unsure)

    def said_of(self, second: int, event_no: int, read: int) -> str | None:
        """Why this capture is not whole; None if it is. `read`: how many of its rows were read."""
        lost = self._rows.get((second, event_no), 0)
        # rows that may be of any capture of their event, of their time, or of the file
        perhaps = sum(self._rows.get(key, 0) for key in ((second, None), (None, event_no), (None, None)))
        said = [f"{lost} of its {lost + read} rows were refused"] if lost else []
        said += [f"{perhaps} refused rows may have been of it"] if perhaps else []
        said += ["an earlier observation may have been a part of it"] if (second, event_no) in self._unsure else []
        return "; ".join(said) or None


def refuse_events(connection: Connection, table: str, events: Mapping[str, int], reasons: Mapping[int, str]) -> int:
    """Move the rows of some events from a staging table to the refusals; returns how many. `reasons`: by event_no."""
    names = {number: event for event, number in events.items()}
    row = connection.execute(
        f"""with refused as (
                select * from unnest(%s::int[], %s::text[], %s::text[]) as refused (event_no, event, reason)
            ), gone as (
                delete from {table} as staged using refused where staged.event_no = refused.event_no
                returning line, event, staged.event_no, second, observed, reason
            ), noted as (
                insert into staged_refused (line, event, event_no, second, observed, reason) select * from gone
            )
            select count(*) from gone""",  # noqa: S608
        [list(reasons), [names[number] for number in reasons], list(reasons.values())],
    ).fetchone()
    return int(row[0]) if row else 0


def grouped_refusal_reasons(connection: Connection, limit: int = 10) -> list[str]:
    """Why rows were refused, the most frequent reason first: its first row with the line, and how many there are."""
    rows = connection.execute(
        # reasons that differ only in the values they quote are the same reason
        """select count(*), (array_agg(line order by line))[1], (array_agg(reason order by line))[1]
           from staged_refused
           group by regexp_replace(regexp_replace(reason, '\''.*?\''|".*?"', '', 'g'), '[0-9.]+', '9', 'g')
           order by count(*) desc, 2 limit %s""",
        [limit],
    ).fetchall()
    return [
        f"line {line}: {reason}" + ("" if count == 1 else f" (and {count - 1:,} more such rows)")
        for count, line, reason in rows
    ]


def copied_out(
    connection: Connection, query: str, types: Mapping[str, pa.DataType], parameters: Sequence[object] = ()
) -> pd.DataFrame:
    """COPY the rows of a query into a DataFrame; `types`: those of columns that are not numbers."""
    with connection.cursor() as cursor:
        text = io.BytesIO()
        statement = psycopg.ClientCursor(connection).mogrify(query, parameters)
        with cursor.copy(f"copy ({statement}) to stdout (format csv, header)") as stream:
            for block in stream:
                text.write(block)
    text.seek(0)
    options = pa_csv.ConvertOptions(column_types=dict(types), strings_can_be_null=True, null_values=[""])
    table: pd.DataFrame = pa_csv.read_csv(text, convert_options=options).to_pandas()
    return table
