"""Who reads snapshots or the listing history as rows alone: only what is never packed, or was unpacked before."""

import re
from datetime import timedelta
from pathlib import Path

from tickettape.database import Connection
from tickettape.listing_history import states
from tickettape.observations import poll_schedule_store
from tickettape.price_alerts import evaluation
from tickettape.settings import ROOT
from tickettape.settings.history import HistorySettings

BOTH = "it reads the packed days beside them"
UNPACKED = "it changes them, and unpacks their days before"

READERS = {
    "dbt_project/macros/snapshots.sql": BOTH,
    "dbt_project/models/marts/inventory/ticket_snapshots.sql": BOTH,
    "dbt_project/models/staging/market/stg_market__section_snapshots.sql": "for the two above",
    "tickettape/imports/import_tables.py": UNPACKED,
    "tickettape/listing_history/history.py": UNPACKED,
    "tickettape/listing_history/states.py": "the newest two observations, two days apart at most",
    "tickettape/listing_history/stored_deltas.py": BOTH,
    "tickettape/observations/packed_days.py": "what is to be packed",
    "tickettape/observations/poll_schedule_store.py": "the last two days",
    "tickettape/observations/section_snapshots.py": UNPACKED,
    "tickettape/observations/voids.py": UNPACKED,
    "tickettape/price_alerts/evaluation.py": "the last three hours",
}
"""File -> why it may read the rows alone."""

FUNCTIONS = {"is_moving_tiers": "it asks who owns the table", "pack_day": "it packs by others, and deletes the rows"}
"""Function of schema market -> the same."""

_AS_ROWS = re.compile(
    r"""(?:from|join|into|update)\s+(?:market\.)?(?:section_snapshots|listing_changes)\b
        |(?:ref|source)\([^)]*['"](?:stg_market__)?(?:section_snapshots|listing_changes)['"]""",
    re.VERBOSE | re.IGNORECASE,
)


def readers(root: Path) -> set[str]:
    """The files below a folder that name the tables of rows in a statement."""
    paths = (path for suffix in ("py", "sql") for path in root.rglob(f"*.{suffix}") if "migrations" not in path.parts)
    return {str(path.relative_to(root)) for path in paths if _AS_ROWS.search(path.read_text())}


def test_every_reader_of_rows_has_a_reason() -> None:
    found = {
        f"{package}/{name}"
        for package in ("tickettape", "serving", "orchestration", "dbt_project")
        for name in readers(ROOT / package)
    }
    assert found == READERS.keys()


def test_control_a_new_reader_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text('QUERY = """select 1\n    from market.section_snapshots as s"""')
    (tmp_path / "fine.py").write_text("QUERY = 'select 1 from market.all_snapshots'")
    assert readers(tmp_path) == {"new.py"}


def test_every_function_that_reads_rows_reads_packed_days_too(connection: Connection) -> None:
    rows = connection.execute(
        r"""select proname from pg_proc
            where pronamespace in ('market'::regnamespace, 'price_alerts'::regnamespace)
                and prosrc ~ '\mmarket\.(section_snapshots|listing_changes)\M'
                and prosrc !~ '\mmarket\.(packed_|all_snapshots|all_listing_changes)'"""
    ).fetchall()
    assert {name for (name,) in rows} == FUNCTIONS.keys()


def test_what_is_read_as_rows_alone_is_younger_than_any_packed_day() -> None:
    """A day is packed when it ended WARM_AFTER_DAYS ago."""
    (least,) = [bound.ge for bound in HistorySettings.model_fields["warm_after_days"].metadata if hasattr(bound, "ge")]
    never_packed = timedelta(days=least)
    assert never_packed > poll_schedule_store.BACK
    assert never_packed > evaluation.REACH + states.NEWEST_WITHIN
