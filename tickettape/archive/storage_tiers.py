"""What takes how much room: the tables of the database by tier, and the files in cold storage."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tickettape.database import DAILY_TABLES, MONTHLY_TABLES, Connection
from tickettape.file_storage import Storage


@dataclass(frozen=True)
class StoredTable:
    """A table, or a data set in cold storage. `rows`: about; None if not counted. `growth_a_day`: None if not known."""

    table: str
    tier: str
    bytes: int
    rows: int | None
    growth_a_day: float | None

    @property
    def bytes_a_row(self) -> float | None:
        """Bytes of a row with its indexes; of packed days, of one of the rows that they hold."""
        return self.bytes / self.rows if self.rows else None


def storage_tiers(
    connection: Connection, sizes: Iterable[Mapping[str, Any]], cold: Mapping[str, int]
) -> list[StoredTable]:
    """Every table that takes room and every data set in cold storage, by tier, the largest first.

    `sizes` are from `table_sizes`, `cold` from `cold_bytes`.
    The tiers are `hot` (facts as rows, and raw answers), `warm` (packed days), `rollups`, `cold` (Parquet) and `other`.
    """
    packed = {
        "market.packed_days": "select coalesce(sum(row_count), 0) from market.packed_days",
        "market.packed_listing_changes": "select coalesce(sum(delta_count), 0) from market.packed_listing_changes",
    }
    stored = []
    for row in sizes:
        tier = tier_of(row["table"])
        counted = connection.execute(packed[row["table"]]).fetchone() if row["table"] in packed else None
        rows = int(counted[0]) if counted else row["rows, about"]
        stored.append(StoredTable(row["table"], tier, row["bytes"], rows, row["growth a day"]))
    stored += [StoredTable(name, "cold", size, None, None) for name, size in cold.items()]
    return sorted(stored, key=lambda one: (TIERS.index(one.tier), -one.bytes))


TIERS = ("hot", "warm", "rollups", "cold", "other")


def tier_of(table: str) -> str:
    """The tier of a table, by its name with its schema."""
    schema, _, name = table.partition(".")
    if schema == "market" and name in (*MONTHLY_TABLES, *DAILY_TABLES):
        return "warm" if name.startswith("packed_") else "hot"
    return "rollups" if schema == "analytics" else "other"


def cold_bytes(cold: Storage) -> Counter[str]:
    """The bytes of each data set in cold storage: of each folder below the root."""
    found: Counter[str] = Counter()
    for path, size in cold.sizes().items():
        found[path.partition("/")[0]] += size
    return found
