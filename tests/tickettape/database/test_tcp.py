"""The embedded server on a TCP port: for readers with their passwords, and for nobody else."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.tcp_market import embedded_on_tcp
from tickettape.api_schema import ensure_reader_role
from tickettape.database import UnavailableDatabaseError
from tickettape.database.server import embedded_url


@pytest.mark.processes
def test_only_a_reader_with_its_password_gets_in() -> None:
    with embedded_on_tcp() as (url, port), psycopg.connect(url, autocommit=True) as owner:
        ensure_reader_role(owner)
        owner.execute("create role ana login password 'right' in role tickettape_reader")
        owner.execute("create role stranger login password 'right'")
        assert owner.execute("select current_setting('listen_addresses')").fetchone() == ("127.0.0.1",)
        stored = owner.execute("select rolpassword from pg_authid where rolname = 'ana'").fetchone()
        assert stored is not None
        assert stored[0].startswith("SCRAM-SHA-256$")

        def connect(user: str, password: str) -> str:
            with psycopg.connect(f"postgresql://{user}:{password}@127.0.0.1:{port}/postgres") as connection:
                return connection.info.user

        assert connect("ana", "right") == "ana"
        for user, password, why in (
            ("ana", "wrong", "password authentication failed"),
            ("stranger", "right", "no pg_hba.conf entry"),
            ("postgres", "", "no pg_hba.conf entry"),
        ):
            with pytest.raises(psycopg.OperationalError, match=why):
                connect(user, password)


def test_a_server_that_runs_is_joined_as_it_is(server_url: str) -> None:
    folder = Path(dict(part.split("=") for part in urlsplit(server_url).query.split("&"))["host"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        joined = embedded_url(folder, taken.getsockname()[1])
    assert urlsplit(joined).query == urlsplit(server_url).query


@pytest.mark.processes
def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableDatabaseError, match=rf"port {port} of 127.0.0.1.*EMBEDDED_PORT"):
            embedded_url(tmp_path / "postgres", port)
