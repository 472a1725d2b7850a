"""What differs from its fingerprint is not trusted."""

import msgspec
import pytest

from tests.support.old_months import (
    JULY,
    fill,
    run_archive,
    run_restore,
    state,
)
from tickettape.archive import month_archive
from tickettape.archive.month_archive import export_month
from tickettape.archive.month_manifest import month_manifest_name, read_month_manifest
from tickettape.database import Connection
from tickettape.file_storage import DamagedError, Storage


def test_price_ranges_are_compared_with_what_the_manifest_says_of_them(
    connection: Connection, storage: Storage
) -> None:
    fill(connection, JULY)
    run_archive(connection, storage, JULY)
    manifest = read_month_manifest(storage, JULY)
    content = manifest.tables["price_ranges"].content
    assert (content.rows, content.nulls["average_price_cents"], content.nulls["lowest_price_cents"]) == (28, 6, 0)
    wrong = msgspec.structs.replace(
        manifest.tables["price_ranges"], content=msgspec.structs.replace(content, row_hash="0" * 16)
    )
    tables = manifest.tables | {"price_ranges": wrong}
    storage.write_json(month_manifest_name(JULY), msgspec.structs.replace(manifest, tables=tables))
    with pytest.raises(DamagedError, match=r"price_ranges of 2026-07 differs .*row hash"):
        run_restore(connection, storage, JULY)
    assert state(connection, JULY)[0] == "archived"


def test_a_file_that_differs_from_the_database_is_not_trusted_and_is_exported_anew(
    connection: Connection, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, JULY)
    exported = export_month

    def export_another_price(connection: Connection, *more: object) -> dict[str, object]:
        with connection.transaction(force_rollback=True):
            connection.execute("alter table market.section_snapshots_2026_07 disable trigger all")
            # two rows change places: every count and sum stays
            connection.execute(
                """update market.section_snapshots_2026_07 set lowest_price_cents = case lowest_price_cents
                       when 1001 then 1011 else 1001 end where event_key = 1 and lowest_price_cents in (1001, 1011)"""
            )
            figures = exported(connection, *more)  # type: ignore[arg-type]
        month_archive._reached(connection, JULY, "exported")
        return figures

    monkeypatch.setattr(month_archive, "export_month", export_another_price)
    with pytest.raises(DamagedError, match="row hash") as error:
        run_archive(connection, storage, JULY)
    assert "sum of" not in str(error.value)
    assert state(connection, JULY) == ("closed", "refreshed")
    assert not storage.names(month_manifest_name(JULY))
    monkeypatch.undo()
    run_archive(connection, storage, JULY)
    assert state(connection, JULY) == ("archived", "dropped")
