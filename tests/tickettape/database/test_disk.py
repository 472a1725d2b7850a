"""Whose disk it is."""

import pytest

from tickettape.database import (
    Connection,
    database_disk,
    disk,
)
from tickettape.database.disk import is_this_machine

GB = 10**9


@pytest.mark.parametrize(
    ("host", "is_here"),
    [("/var/run/postgresql", True), ("localhost", True), ("127.0.0.1", True), ("db.example.com", False)],
)
def test_a_server_is_here_on_a_socket_or_on_loopback(host: str, is_here: bool) -> None:
    assert is_this_machine(host) == is_here


def test_the_disk_of_a_server_elsewhere_is_what_its_owner_says(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "is_this_machine", lambda host: False)
    assert database_disk(connection) is None
    stated = database_disk(connection, stated_bytes=100 * GB)
    assert stated is not None
    assert stated.total == 100 * GB
    assert 100 * GB - GB < stated.free < 100 * GB
