"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.support.loopback_servers import OK, ScriptedServer, served


@pytest.fixture(scope="module")
def _server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    with served(scripted) as url:
        scripted.url = url
        yield scripted


@pytest.fixture
def server(_server: ScriptedServer) -> ScriptedServer:
    _server.script(OK)
    return _server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
