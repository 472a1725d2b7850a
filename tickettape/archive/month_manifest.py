"""An archived month: its tables, and the manifest with the checksums of their files.

Cold storage has one hive-partitioned data set per table:
    <table>/year=2026/month=03/part-0.parquet      captures, section_snapshots, listing_changes and price_ranges, in key
                                                   order
    <dimension>/year=2026/month=03/part-0.parquet  the month's events, zones, sections and offer terms
    manifests/year=2026/month=03/manifest.json     what was verified; written last
"""

import hashlib
from datetime import date

import msgspec
from psycopg import sql

from tickettape.archive.fingerprints import Fingerprint
from tickettape.archive.parquet_files import parquet_folder
from tickettape.database import month_bounds
from tickettape.file_storage import DamagedError, Storage, StoredFile
from tickettape.listing_history import LISTING_COLUMNS
from tickettape.observations import SNAPSHOT_COLUMNS

FACT_TABLES = {
    "captures": ("event_key", "tick"),
    "section_snapshots": ("event_key", "tick", "section_key"),
    "listing_changes": ("event_key", "tick"),
    "price_ranges": ("event_key", "tick"),
}
"""The tables of facts, with the keys that order their files."""
DIMENSION_TABLES = {
    "events": ("event_key",),
    "zones": ("event_key", "zone_key"),
    "sections": ("event_key", "section_key"),
    "offer_terms": ("offer_terms_key",),
}
"""The tables that are archived with the facts, so that a month can be understood without this database."""

RENAMED = {
    "lots": "offer_terms",
    "lot_key": "offer_terms_key",
    "lot_keys": "offer_terms_keys",
    "stated_group_tickets": "stated_zone_tickets",
}
"""Names of tables and columns in months that were archived before schema 0013 -> their current names."""


class ArchivedTable(msgspec.Struct, frozen=True):
    """One table of a month: its columns with their Parquet types, its fingerprint, and its files."""

    columns: dict[str, str]
    """Column name in the files -> Parquet type."""
    content: Fingerprint
    files: list[StoredFile]

    @property
    def current_columns(self) -> list[str]:
        """The columns' current names, in the order of the files."""
        return list(self.renamed_columns.values())

    @property
    def renamed_columns(self) -> dict[str, str]:
        """Each column's name in the files -> its current name."""
        return {name: RENAMED.get(name, name) for name in self.columns}


class MonthManifest(msgspec.Struct, frozen=True):
    """What was verified of a month. Its drop and its restore compare with it. Equal rows give the same JSON."""

    month: str
    schema_version: str
    tables: dict[str, ArchivedTable]

    @property
    def rows(self) -> int:
        """The number of rows of all facts."""
        return sum(self.tables[name].content.rows for name in FACT_TABLES if name in self.tables)

    @property
    def bytes(self) -> int:
        """The size of all files except the manifest."""
        return sum(file.bytes for table in self.tables.values() for file in table.files)


def read_month_manifest(storage: Storage, month: date, *, sha256: str | None = None) -> MonthManifest:
    """A month's manifest. Raises DamagedError if it is missing, or if its SHA-256 is not the given one."""
    name = month_manifest_name(month)
    manifest = storage.read_json(name, MonthManifest)
    if manifest is None:
        raise DamagedError(f"{name} is missing in {storage}: the files of {month:%Y-%m} there were never verified.")
    if sha256 is not None and hashlib.sha256(storage.fs.cat_file(storage.path(name))).hexdigest() != sha256:
        raise DamagedError(f"{name} in {storage} has changed since it was verified.")
    tables = {RENAMED.get(table, table): _with_current_names(stored) for table, stored in manifest.tables.items()}
    return msgspec.structs.replace(manifest, tables=tables)


def _with_current_names(stored: ArchivedTable) -> ArchivedTable:
    """A table whose fingerprint uses the current column names. Its files keep their names."""
    content = msgspec.structs.replace(
        stored.content,
        nulls={RENAMED.get(name, name): count for name, count in stored.content.nulls.items()},
        sums={RENAMED.get(name, name): total for name, total in stored.content.sums.items()},
    )
    return msgspec.structs.replace(stored, content=content)


def month_table(table: str, month: date) -> sql.Identifier:
    """The month's partition of a table."""
    return sql.Identifier("market", f"{table}_{month:%Y_%m}")


def month_facts(table: str, month: date) -> sql.Composable:
    """The month's rows of a table of facts, with its columns: the packed ones too."""
    packed = {
        "section_snapshots": (SNAPSHOT_COLUMNS, sql.SQL("market.packed_snapshots")),
        "listing_changes": (
            LISTING_COLUMNS,
            sql.SQL(
                """(select days.date, deltas.* from market.packed_listing_changes as days
                    cross join lateral market.deltas_of(days) as deltas) as packed"""
            ),
        ),
    }
    stored = month_table(table, month)
    if table not in packed:
        return stored
    columns, source = packed[table]
    return sql.SQL(
        """(select {columns} from {stored} union all
            select {columns} from {source} where date >= {first} and date < {next}) as facts"""
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        stored=stored,
        source=source,
        first=sql.Literal(month),
        next=sql.Literal(month_bounds(month)[1].date()),
    )


def month_manifest_name(month: date) -> str:
    """The path of a month's manifest."""
    return f"{parquet_folder('manifests', month)}/manifest.json"
