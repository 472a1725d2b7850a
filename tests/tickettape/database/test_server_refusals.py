"""What keeps the embedded server from starting is said in a sentence that also says what to do."""

import os
import pwd
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tickettape.database import SCHEMA_VERSION, UnavailableDatabaseError, server
from tickettape.database.migrations import upgrade_database
from tickettape.settings import ROOT

ROOT_USER = os.geteuid() == 0
STARTED = """
import sys
from pathlib import Path
from tickettape.database.server import embedded_url
from tickettape.start_and_stop import explain_failures
with explain_failures():
    embedded_url(Path(sys.argv[1]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a server, outside pytest's own, which are closed to the server's user."""
    with tempfile.TemporaryDirectory(prefix="tickettape-refused-") as parent:
        yield Path(parent) / "postgres"


def made_by(folder: Path, version: str, owner: int) -> None:
    folder.mkdir()
    (folder / "PG_VERSION").write_text(f"{version}\n")
    if ROOT_USER:
        os.chown(folder / "PG_VERSION", owner, owner)


def test_somebody_elses_database_is_refused_and_left_as_it_was(folder: Path) -> None:
    """As root the wheel would give the folder to the server's user first, and so take it from its owner."""
    if ROOT_USER:
        made_by(folder, "18", pwd.getpwnam("nobody").pw_uid)
    else:
        folder = Path("/usr")
    before = folder.stat()
    with pytest.raises(UnavailableDatabaseError, match=r"belongs to the user \w+.*TICKETTAPE_HOME.*chown -R"):
        server.embedded_url(folder)
    assert folder.stat().st_uid == before.st_uid


def test_a_database_of_another_postgres_is_refused(folder: Path, server_url: str) -> None:
    made_by(folder, "19", pwd.getpwnam(server.SERVER_USER).pw_uid if ROOT_USER else os.geteuid())
    with pytest.raises(UnavailableDatabaseError, match=r"made by PostgreSQL 19.*is PostgreSQL 18"):
        server.embedded_url(folder)


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(UnavailableDatabaseError, match=rf"does not start in {folder}/postgres: .*TICKETTAPE_HOME"):
        server.embedded_url(folder / "postgres")


@pytest.mark.processes
def test_what_postgres_says_is_the_reason_and_all_that_is_said(folder: Path) -> None:
    """A limit of the size of files stands for a full disk: initdb meets the error in the same place."""
    started = subprocess.run(
        [sys.executable, "-c", STARTED, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert started.returncode == 1
    (said,) = started.stderr.splitlines()
    assert said.startswith(f"The embedded server does not start in {folder}: could not ")
    assert "File too large" in said
    assert "TICKETTAPE_HOME" in said


def test_a_schema_of_a_newer_release_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update market.alembic_version set version_num = '9999'")
    with pytest.raises(UnavailableDatabaseError, match=rf"schema version 9999.*{SCHEMA_VERSION}.*newer release"):
        upgrade_database(database_url)
