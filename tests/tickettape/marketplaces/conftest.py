"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.support.loopback_servers import ScriptedServer, json_reply, served

OK = json_reply(b'{"ok": true}')


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
