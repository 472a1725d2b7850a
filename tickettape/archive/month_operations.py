"""The archive and the restore of a month by the settings: what the asset, the job and the commands do."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from tickettape.archive.archived_month_replay import replay_archived_month, ticks_waiting_for_month
from tickettape.archive.month_archive import ArchiveOutcome, archive_month
from tickettape.archive.month_restore import restore_month
from tickettape.database import Warehouse
from tickettape.file_storage import open_cold_storage
from tickettape.marketplaces import Marketplaces
from tickettape.settings import Settings


def run_archive(
    warehouse: Warehouse, settings: Settings, month: date, *, refresh: Callable[[], None], say: Callable[[str], None]
) -> ArchiveOutcome:
    """Take a month's archive as far as it may go today; `refresh` runs the rollups once."""
    with warehouse.connection() as connection:
        return archive_month(
            connection,
            open_cold_storage(settings),
            month,
            refresh=refresh,
            now=datetime.now(UTC),
            keep_detached_days=settings.keep_detached_days,
            say=say,
        )


def run_restore(
    warehouse: Warehouse,
    settings: Settings,
    marketplaces: Marketplaces,
    month: date,
    *,
    until: date | None,
    replay_late: bool,
    run_id: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Bring a month back, and what waited for it: what the job and `tickettape restore` do."""
    with warehouse.connection() as connection:
        figures = restore_month(connection, open_cold_storage(settings), month, until=until, say=say)
        waiting = sum(ticks_waiting_for_month(connection, each.marketplace, month) for each in marketplaces.values())
        if replay_late:
            replayed = sum(
                replay_archived_month(connection, each.marketplace, month, each.settings.partial_tolerance, run_id)
                for each in marketplaces.values()
            )
            figures |= {"late answers and rows replayed": replayed}
        else:
            figures |= {"ticks waiting in quarantine": waiting}
    return figures
