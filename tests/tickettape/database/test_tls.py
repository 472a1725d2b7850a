import psycopg
import pytest

from tests.support.own_server import own_server
from tickettape.database.tls import encrypted_conninfo


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://u:p@db.example.com/box", "require"),
        ("postgresql://u:p@db.example.com/box?sslmode=prefer&application_name=a%20b", "require"),
        ("postgresql://u:p@db.example.com/box?sslmode=verify-full", "verify-full"),
        ("postgresql://u:p@127.0.0.1,db.example.com/box", "require"),
        ("postgresql://u:p@/box?host=db.example.com", "require"),
        ("postgresql://u:p@127.0.0.1:5433/box", None),
        ("postgresql://u:p@[::1]/box", None),
        ("postgresql://u:p@localhost,127.0.0.1/box", None),
        ("postgresql://u@/box?host=/run/postgresql", None),
        ("postgresql:///box", None),
    ],
)
def test_a_database_on_another_host_is_reached_through_tls_alone(url: str, mode: str | None) -> None:
    given, made = (psycopg.conninfo.conninfo_to_dict(one) for one in (url, encrypted_conninfo(url)))
    assert made.pop("sslmode", None) == mode
    assert made == {name: value for name, value in given.items() if name != "sslmode"}


def test_the_environment_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert encrypted_conninfo("postgresql://db.example.com/box") == "postgresql://db.example.com/box"
    monkeypatch.setenv("PGSSLMODE", "prefer")
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert "sslmode=require" in encrypted_conninfo("postgresql:///box")


def test_an_operator_may_allow_a_plain_connection_in_a_network_of_their_own() -> None:
    url = "postgresql://postgres/box"
    assert encrypted_conninfo(url, plain_allowed=True) == url


@pytest.mark.processes
def test_a_server_without_tls_is_refused() -> None:
    with own_server() as server:
        elsewhere = server.url.replace("127.0.0.1", "127.1")  # the same address, not written as this machine's
        with psycopg.connect(encrypted_conninfo(server.url)):
            pass
        with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
            psycopg.connect(encrypted_conninfo(elsewhere))
