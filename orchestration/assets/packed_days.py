"""Packed days: move past section snapshots and listing history to the warm tier, between live ticks."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.background import progress_of
from tickettape.database import BusyError, Warehouse, try_lock, yield_to_live_work
from tickettape.observations import give_back_space, pack_days
from tickettape.settings import Settings

PACK_FOR = timedelta(hours=3)  # then the run ends, and the next day's run continues


@dg.asset(group_name="upkeep", kinds={"postgres"})
def packed_days(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Pack past days (WARM_AFTER_DAYS): one row per event and day, of its snapshots and of its listing history.

    Snapshots take about a fifteenth of the space then, the listing history less than half. An event's day is packed in
    its own transaction, compared, and only then deleted. A run that is killed loses nothing; the next one continues.
    Corrections of a packed day unpack it, and the next run packs it again.
    """
    now = datetime.now(UTC)
    before = (now - timedelta(days=settings.warm_after_days)).date()
    with warehouse.connection() as connection, try_lock(connection, "packing") as alone:
        if not alone:
            return dg.MaterializeResult(metadata={"left": "Another run is packing."})
        packed = pack_days(
            connection,
            before,
            at_most=PACK_FOR,
            pause=lambda: yield_to_live_work(connection),
            say=progress_of(context),
        )
        try:
            given_back = give_back_space(connection, now)
        except BusyError as error:  # the rows are packed all the same, and the next run gives the space back
            context.log.warning("%s", error)
            given_back = {}
    return dg.MaterializeResult(
        metadata={
            "days before": str(before),
            "event-days packed": packed.days,
            "rows packed": packed.rows,
            "rows a second": round(packed.rows / packed.seconds) if packed.seconds else 0,
            "bytes before": round(packed.rows * packed.bytes_a_row),
            "bytes after": packed.packed_bytes,
            "ratio": round(packed.ratio, 1),
            "rows of the listing history packed": packed.deltas,
            "bytes of them after": packed.packed_delta_bytes,
            "bytes given back to the disk": sum(given_back.values()),
            "event-days skipped": packed.skipped.total(),
            "skipped because": dict(packed.skipped),
            "event-days left": packed.left,
            "seconds": round(packed.seconds, 3),
        }
    )
