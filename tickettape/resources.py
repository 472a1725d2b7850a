"""What assets are handed: the warehouse to write to and the marketplace to ask."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tickettape.database import Connection, server
from tickettape.file_storage import Storage
from tickettape.marketplaces import Marketplace, open_marketplace
from tickettape.marketplaces.shared_rate_limiter import SharedTurns, rules_of
from tickettape.settings import Settings


@dataclass(frozen=True)
class Warehouse:
    """Connections to the warehouse, a new one for each use."""

    connect_to: Callable[[], Connection] = field(default=server.connect)

    def url(self) -> str:
        """The database's URL, for the programs that are handed one (pg_dump, pg_restore)."""
        return server.database_url()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit: `with connection.transaction()` says where a transaction is."""
        with self.connect_to() as connection:
            connection.autocommit = True
            yield connection


def marketplace_of(settings: Settings, warehouse: Warehouse | None = None) -> Marketplace:
    """The marketplace that the settings name, asked at the pace that all processes on the warehouse share."""
    return open_marketplace(
        settings.marketplace_url,
        source=settings.marketplace_source,
        user_agent=settings.user_agent,
        turns=SharedTurns((warehouse or Warehouse()).connect_to, settings.source, rules_of(settings)),
        deadline_seconds=settings.event_deadline_seconds,
        simulator_seed=settings.simulator_seed,
        simulator_productions=settings.simulator_productions,
    )


def cold_storage_of(settings: Settings) -> Storage:
    """Where old months are kept, by the settings."""
    return Storage(settings.cold_storage, settings.fsspec_options)


def backup_storage_of(settings: Settings) -> Storage:
    """Where backups are kept, by the settings."""
    return Storage(settings.backups, settings.fsspec_options)
