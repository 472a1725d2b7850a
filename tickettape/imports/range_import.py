"""Write the price ranges that were kept of a file, and put its refusals into quarantine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import repeat

import pandas as pd

from tickettape.database import Connection, ensure_partitions
from tickettape.imports.events import make_events
from tickettape.imports.import_tables import finish_import, quarantine_staged_refusals, start_import
from tickettape.imports.mapping import RANGE_VALUES
from tickettape.imports.range_staging import StagedRanges, kept_ranges
from tickettape.imports.request import ImportRefused
from tickettape.imports.staging import Progress
from tickettape.observations import PriceRange, PriceRangeError, store_price_ranges

RANGES_AT_ONCE = 50_000  # in one transaction, which takes a second


def write_ranges(connection: Connection, staged: StagedRanges, events: Mapping[int, str], progress: Progress) -> None:
    """Write the kept price ranges, RANGES_AT_ONCE in each transaction. The refusals go to quarantine.

    An interrupted import continues when it is started again: what is already written counts as unchanged then.
    """
    outcome, source, file = staged.outcome, staged.request.source, staged.file.path.name
    import_id = start_import(
        connection,
        source=source,
        file=file,
        whole_inventory=False,
        rows_read=outcome.rows_read,
        rows_refused=outcome.rows_refused,
    )
    event_keys = make_events(connection, staged, events)
    months = connection.execute(
        "select distinct date_trunc('month', to_timestamp(second), 'UTC') from kept_ranges"
    ).fetchall()
    ensure_partitions(connection, [month for (month,) in months], answers=False)
    after, done = (-1, -1), 0
    while len(chunk := kept_ranges(connection, after, RANGES_AT_ONCE)):
        try:
            with connection.transaction():
                outcome.captures.update(store_price_ranges(connection, _price_ranges(chunk, event_keys)))
        except PriceRangeError as error:  # an event's currency was set while this ran
            raise ImportRefused(f"{error} The rows written so far stay. Import the file again.") from error
        last = chunk.iloc[-1]
        after, done = (int(last["event_no"]), int(last["second"])), done + len(chunk)
        progress(done, "written", done / outcome.observations)
    quarantine_staged_refusals(connection, import_id, source, file, events)
    finish_import(
        connection,
        import_id,
        **{name: outcome.captures[name] for name in ("added", "replaced", "unchanged", "refused")},
    )


def _price_ranges(chunk: pd.DataFrame, event_keys: Mapping[int, int]) -> list[PriceRange]:
    figures = [[None if value == -1 else value for value in chunk[name].tolist()] for name in RANGE_VALUES]
    return list(
        map(
            PriceRange,
            map(datetime.fromtimestamp, chunk["second"].tolist(), repeat(UTC)),
            chunk["event_no"].map(event_keys).tolist(),
            chunk["market"],
            chunk["price_basis"],
            chunk["currency"],
            *figures,
        )
    )
