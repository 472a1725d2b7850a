"""Migrations of schema `market` (Alembic). The first process that starts brings the database up to date."""

import logging
from pathlib import Path

import psycopg

from tickettape.database.errors import UnavailableDatabaseError
from tickettape.database.lock_waits import BusyError, retry_lock_waits, watch_lock_holders

# from the newest file's name: Alembic knows it too, but importing Alembic would slow down every process start
SCHEMA_VERSION = max(path.name[1:5] for path in Path(__file__).parent.glob("versions/v*.py"))

ATTEMPTS = 8  # some two minutes, because a person waits for the start
QUIET_SECONDS = 5.0  # before a wait is reported: processes that start together wait a second or two for the first

_LOCK = 7_153_905  # an arbitrary number: one process migrates at a time, the others wait and then have nothing to do

log = logging.getLogger(__name__)


def upgrade_database(url: str) -> None:
    """Bring the database at `url` (postgresql://…) to SCHEMA_VERSION. Several processes may call this at once.

    Raises UnavailableDatabaseError if a newer release has used the database, or if somebody keeps a table locked.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        revision = _revision(connection)
        if revision == SCHEMA_VERSION:
            return
        if revision is not None and revision > SCHEMA_VERSION:
            raise UnavailableDatabaseError(
                f"The database is at schema version {revision}, and this release of Tickettape knows only versions to "
                f"{SCHEMA_VERSION}: a newer release has used it. Start that release, or set TICKETTAPE_HOME or "
                "DATABASE_URL to another database."
            )
        with watch_lock_holders(connection, after=QUIET_SECONDS, say=_say_who_migrates):
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])  # freed when the connection closes
        if _revision(connection) != SCHEMA_VERSION:
            try:
                _run_alembic(url)
            except BusyError as error:
                raise UnavailableDatabaseError(str(error)) from error


def _say_who_migrates(holders: str) -> None:
    log.warning("Waiting until another process has brought the database to version %s. %s", SCHEMA_VERSION, holders)


def run_sql_beside(step: str) -> None:
    """Run the .sql file beside a migration's .py file (`step`: the path of the .py), in Alembic's transaction."""
    from alembic import op

    # directly with psycopg: SQLAlchemy would pass an empty parameter list, and every % would be a placeholder
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101  Alembic runs online here
    connection.execute(Path(step).with_suffix(".sql").read_text())


def _revision(connection: "psycopg.Connection[tuple[object, ...]]") -> str | None:
    exists = connection.execute("select to_regclass('market.alembic_version')").fetchone()
    if exists is None or exists[0] is None:
        return None
    row = connection.execute("select version_num from market.alembic_version").fetchone()
    return str(row[0]) if row else None


def _run_alembic(url: str, revision: str = SCHEMA_VERSION) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url, connect_timeout=10))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        waiting = connection.connection.driver_connection
        assert isinstance(waiting, psycopg.Connection)  # noqa: S101  the URL says the driver
        what = f"The migration of the database to version {revision}"

        def attempt() -> None:
            try:
                command.upgrade(config, revision)
            except DBAPIError as error:  # SQLAlchemy wraps psycopg's error
                raise error.orig or error from error

        retry_lock_waits(waiting, attempt, what, attempts=ATTEMPTS)
    engine.dispose()
