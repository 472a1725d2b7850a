"""Backups: one is made every day, and the newest is proved every week by restoring it."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from tickettape.backups import all_backups, expire_backups, make_backup, prove_backup, read_proof
from tickettape.database import Warehouse, measured_since
from tickettape.file_storage import open_backup_storage
from tickettape.settings import Settings

OLDEST_BACKUP = timedelta(hours=26)  # daily, with two hours for the backup itself
OLDEST_PROOF = timedelta(days=8)  # weekly, with a day to spare
AGAIN = dg.RetryPolicy(max_retries=2, delay=120)
"""pg_dump fails if something that it reads is dropped meanwhile, such as a view whose columns changed, or if it waits
too long for a lock. Both are rare, and over within minutes."""


@dg.asset(group_name="upkeep", kinds={"postgres"}, retry_policy=AGAIN)
def backups(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Backups of the catalogue, the rollups, the jobs and the current month. Each earlier month is dumped once."""
    storage, now = open_backup_storage(settings), datetime.now(UTC)
    backup = make_backup(warehouse.url(), storage, now=now, say=context.log.info)
    removed = expire_backups(storage, daily=settings.backups_daily, weekly=settings.backups_weekly, now=now)
    free = storage.free_bytes()
    return dg.MaterializeResult(
        metadata={
            "backup": backup.stamp,
            "where": str(storage),
            "bytes": backup.base.bytes,
            "bytes with earlier months": backup.bytes,
            "rows": sum(table.rows for table in backup.all_tables.values()),
            "earlier months": {month.month: month.stamp for month in backup.months},
            "removed": removed,
            "free (bytes)": free if free is not None else "not limited",
        }
    )


@dg.asset(group_name="upkeep", kinds={"postgres"}, deps=[backups])
def proved_backup(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """The newest backup, restored into a scratch database and compared table by table."""
    storage = open_backup_storage(settings)
    found = all_backups(storage)
    if not found:
        raise dg.Failure(f"There is no backup in {storage} to prove. Materialize `backups` first.", allow_retries=False)
    proof = prove_backup(warehouse.url(), storage, found[-1], say=context.log.info)
    return dg.MaterializeResult(
        metadata={
            "backup": found[-1].stamp,
            "tables": proof.tables,
            "rows": proof.rows,
            "seconds": proof.seconds,
        }
    )


@dg.asset_check(asset=backups)
def backups_are_fresh(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    """The newest backup is at most 26 hours old, and one was proved in the last 8 days. Reads the storage itself.

    A new database has as long from its first use: its first backup is made in the first night, its first proof in the
    first week.
    """
    storage, now = open_backup_storage(settings), datetime.now(UTC)
    found = all_backups(storage)
    proofs = {backup.stamp: read_proof(storage, backup.stamp) for backup in found}
    proved = {stamp: proof.proved_at for stamp, proof in proofs.items() if proof is not None}
    newest, newest_proof = found[-1].made_at if found else None, max(proved.values(), default=None)
    with warehouse.connection() as connection:
        began = measured_since(connection) or now
    return dg.AssetCheckResult(
        passed=(newest or began) >= now - OLDEST_BACKUP and (newest_proof or began) >= now - OLDEST_PROOF,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "backups": len(found),
            "newest": str(newest or "none"),
            "newest proof": str(newest_proof or "none: `tickettape prove-backup` makes one"),
        },
    )
