"""Stage the price ranges of a file, then keep one for each event and time."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from tickettape.database import Connection
from tickettape.imports.files import FileBatch
from tickettape.imports.judge_ranges import judge_ranges
from tickettape.imports.judged import JudgedRows, ReadingRules
from tickettape.imports.mapping import RANGE_PRICES, RANGE_VALUES
from tickettape.imports.staging import StagedFile
from tickettape.imports.staging_tables import copied_out, copy_table

RANGE_COLUMNS = (
    "event_no", "second", "observed", *RANGE_VALUES, "currency", "market", "price_basis", "line",
)  # fmt: skip


class StagedRanges(StagedFile):
    """A file of price ranges in the staging table."""

    def judge(self, batch: FileBatch, reading: ReadingRules) -> JudgedRows:
        """Judge a batch of price ranges."""
        return judge_ranges(batch, reading)

    def stage(self, connection: Connection, rows: pd.DataFrame) -> None:
        """Put good price ranges into the staging table."""
        codes, events = pd.factorize(rows["event"])
        numbers = pd.Series([self.event_no(event) for event in events]).to_numpy()
        staged = rows.assign(event_no=numbers[codes])[list(RANGE_COLUMNS)]
        schema = pa.schema(
            [(name, pa.string() if name in ("currency", "market", "price_basis") else pa.int64()) for name in
             RANGE_COLUMNS]
        )  # fmt: skip
        copy_table(
            connection, "staged_ranges", RANGE_COLUMNS, pa.Table.from_pandas(staged, schema, preserve_index=False)
        )


@dataclass(frozen=True)
class KeptRanges:
    """What was kept of the staged price ranges.

    `repeats`: rows equal to another one of the same event and time. `corrections`: rows that differ from the one that
    is kept. `whole`: with all three prices. `unpriced`: with counts only.
    """

    observations: int
    repeats: int
    corrections: int
    whole: int
    unpriced: int

    @property
    def partial(self) -> int:
        """Those with some of the prices."""
        return self.observations - self.whole - self.unpriced


def keep_ranges(connection: Connection) -> KeptRanges:
    """Make the table of kept ranges: for each event and time the one observed last; if equal, the last in the file."""
    connection.execute(
        """drop table if exists pg_temp.kept_ranges;
           create temp table kept_ranges as
               select distinct on (event_no, second) * from staged_ranges
               order by event_no, second, observed desc, line desc;
           create index on kept_ranges (event_no, second);
           analyze kept_ranges"""
    )
    values = ", ".join((*RANGE_VALUES, "currency", "market", "price_basis"))
    prices = ", ".join(RANGE_PRICES)
    row = connection.execute(
        f"""select kept.observations,
                said.rows - said.different, said.different - kept.observations, kept.whole, kept.unpriced
            from (
                select count(*) as observations, count(*) filter (where least({prices}) > 0) as whole,
                    count(*) filter (where greatest({prices}) < 0) as unpriced
                from kept_ranges
            ) as kept, (
                select coalesce(sum(n), 0)::bigint as rows, count(*) as different
                from (select count(*) as n from staged_ranges group by event_no, second, {values}) as by_value
            ) as said"""  # noqa: S608
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate has a row
    return KeptRanges(*map(int, row))


def staged_range_events(connection: Connection) -> list[int]:
    """The numbers of the events with a price range."""
    return [number for (number,) in connection.execute("select distinct event_no from staged_ranges order by 1")]


def stated_currencies(connection: Connection) -> dict[int, list[str]]:
    """The currencies that the staged ranges state for each event."""
    rows = connection.execute(
        "select event_no, array_agg(distinct currency) from staged_ranges where currency is not null group by event_no"
    )
    return dict(rows.fetchall())


def mixed_kinds(connection: Connection, events: Mapping[int, str]) -> dict[int, str]:
    """The events with two markets or price bases at one time, and why they are refused: one would be lost."""
    rows = connection.execute(
        """select distinct on (event_no) event_no, min(line), max(line),
               array_agg(distinct market || ', ' || price_basis)
           from staged_ranges group by event_no, second
           having count(distinct (market, price_basis)) > 1 order by event_no, 2"""
    )
    return {
        event_no: f"Event {events[event_no]} has prices of two kinds at one time (lines {first:,} and {last:,}: "
        f"{'; '.join(kinds)}), but an event has only one price range at a time. "
        "Import each kind under its own --source."
        for event_no, first, last, kinds in rows
    }


def settle_currencies(connection: Connection, currencies: Mapping[int, str]) -> None:
    """Give the kept ranges without a currency that of their event."""
    connection.execute(
        """update kept_ranges set currency = settled.currency
           from unnest(%s::int[], %s::text[]) as settled (event_no, currency)
           where kept_ranges.event_no = settled.event_no and kept_ranges.currency is null""",
        [list(currencies), list(currencies.values())],
    )


def kept_ranges(connection: Connection, after: tuple[int, int], most: int) -> pd.DataFrame:
    """The kept ranges after (event_no, second), in order; at most `most`."""
    return copied_out(
        connection,
        f"""select {", ".join(RANGE_COLUMNS)} from kept_ranges
            where (event_no, second) > (%s, %s) order by event_no, second limit %s""",  # noqa: S608
        {"currency": pa.string(), "market": pa.string(), "price_basis": pa.string()},
        [*after, most],
    )
