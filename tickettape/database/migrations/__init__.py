"""The schema `market`, step by step (Alembic). Whatever starts first brings it up to date."""

from pathlib import Path

import psycopg

from tickettape.database.errors import UnavailableDatabaseError

# of the newest file: Alembic knows it too, and would cost every process start an import
SCHEMA_VERSION = max(path.name[1:5] for path in Path(__file__).parent.glob("versions/v*.py"))

_LOCK = 7_153_905  # any number of our own: one process migrates at a time, the others wait and find it done


def upgrade_database(url: str) -> None:
    """Bring the database at `url` (postgresql://…) to HEAD; safe when several processes start at once.

    Raises UnavailableDatabaseError where it is of a newer release.
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
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])  # freed when the connection closes
        if _revision(connection) != SCHEMA_VERSION:
            _run_alembic(url)


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

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, revision)
