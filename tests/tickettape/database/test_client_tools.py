"""PostgreSQL's own programs: found, new enough, and told no password on a command line."""

import os
import stat
from pathlib import Path

import pytest

from tickettape.database.client_tools import libpq_environment, postgres_tool, psql_path


def fake_tool(folder: Path, name: str, version: str) -> Path:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
    tool.chmod(stat.S_IRWXU)
    return tool


def test_a_url_becomes_the_environment_of_libpq() -> None:
    known = libpq_environment("postgresql://me:secret@db.example:6543/market?sslmode=require")
    assert {name: known[name] for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE")} == {
        "PGUSER": "me", "PGPASSWORD": "secret", "PGHOST": "db.example", "PGPORT": "6543", "PGDATABASE": "market",
        "PGSSLMODE": "require",
    }  # fmt: skip
    assert known["PATH"] == os.environ["PATH"]


@pytest.mark.processes
def test_the_machines_own_tool_is_taken_unless_it_is_older_than_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    own = fake_tool(tmp_path, "pg_dump", "18.1")
    assert postgres_tool("pg_dump", server_version=180_004) == str(own)
    fake_tool(tmp_path, "pg_dump", "15.9")
    assert postgres_tool("pg_dump", server_version=180_004) != str(own)
    assert postgres_tool("pg_dump", server_version=150_004) == str(own)
    with pytest.raises(RuntimeError, match=r"There is no pg_dump for PostgreSQL 99; found .*\(15\)"):
        postgres_tool("pg_dump", server_version=990_000)


def test_psql_is_the_machines_own_or_the_embedded_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(psql_path()).is_file()
    assert psql_path() != str(fake_tool(tmp_path, "psql", "18.1"))[:-1]
    assert psql_path() == str(tmp_path / "psql")
