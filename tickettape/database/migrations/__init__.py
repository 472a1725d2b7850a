"""The schema `market`, step by step (Alembic). Whatever starts first brings it up to date."""

import logging
from pathlib import Path

import psycopg

from tickettape.database.errors import UnavailableDatabaseError
from tickettape.database.lock_waits import BusyError, retry_lock_waits, watch_lock_holders

# of the newest file: Alembic knows it too, and would cost every process start an import
SCHEMA_VERSION = max(path.name[1:5] for path in Path(__file__).parent.glob("versions/v*.py"))

ATTEMPTS = 8  # some two minutes: somebody waits for the start
QUIET_SECONDS = 5.0  # processes that start together wait for the first of them, which takes a second or two

_LOCK = 7_153_905  # any number of our own: one process migrates at a time, the others wait and find it done

log = logging.getLogger(__name__)


def upgrade_database(url: str) -> None:
    """Bring the database at `url` (postgresql://…) to HEAD; safe when several processes start at once.

    Raises UnavailableDatabaseError where it is of a newer release, or where somebody keeps a table locked.
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
    """Run the statements of a step: the .sql beside its .py (`step`: its path), in Alembic's transaction."""
    from alembic import op

    # straight to psycopg: SQLAlchemy passes an empty parameter list, and then every % is a placeholder
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
            except DBAPIError as error:  # SQLAlchemy's wrapping of what psycopg said
                raise error.orig or error from error

        retry_lock_waits(waiting, attempt, what, attempts=ATTEMPTS)
    engine.dispose()
