"""What tenants choose is never reached inside: the address that is connected to is the one that was judged."""

import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.responses import RedirectResponse

from tests.support.loopback_servers import OK, ScriptedServer, after, drip, json_reply, served
from tickettape.price_alerts import public_http
from tickettape.price_alerts.public_http import ForbiddenAddressError, allowed_address, is_public, post


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::7f00:1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "localhost", "0x7f.1", "2130706433"])
def test_an_address_inside_is_refused_before_anything_is_sent(server: ScriptedServer, host: str) -> None:
    server.script(OK)
    port = server.url.rpartition(":")[2]
    with pytest.raises(ForbiddenAddressError):
        post(f"http://{host}:{port}/", b"", {})
    assert server.asked == []


def test_an_operator_can_open_it(server: ScriptedServer) -> None:
    server.script(OK)
    assert post(f"{server.url}/hook?a=b", b"{}", {}, private=True).status == 200
    assert server.asked[0].path == "/hook"
    assert server.asked[0].params == {"a": "b"}
    assert f"http://{server.asked[0].headers['host']}" == server.url


@pytest.fixture
def two_faces() -> Iterator[tuple[ScriptedServer, ScriptedServer, str]]:
    """One port on two addresses: what a name may lead to, and what it must not."""
    outside, inside = ScriptedServer(), ScriptedServer()
    outside.script(OK)
    inside.script(OK)
    with served(inside) as url:
        port = int(url.rpartition(":")[2])
        other = uvicorn.Server(uvicorn.Config(outside, "127.0.0.2", port, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=other.run, daemon=True)
        thread.start()
        while not other.started:
            pass
        yield outside, inside, str(port)
        other.should_exit = True
        thread.join(5)


def rebinding() -> public_http.Resolve:
    """A name that leads outside when it is judged, and inside ever after."""
    answers = iter([["127.0.0.2"]])
    return lambda host, port: next(answers, ["127.0.0.1"])


def test_a_name_that_rebinds_reaches_only_what_was_judged(
    two_faces: tuple[ScriptedServer, ScriptedServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, inside, port = two_faces
    monkeypatch.setattr(public_http, "is_public", lambda address: address == "127.0.0.2")
    post(f"http://rebinds.example:{port}/", b"", {}, resolved=rebinding())
    assert (len(outside.asked), len(inside.asked)) == (1, 0)
    assert outside.asked[0].headers["host"] == f"rebinds.example:{port}"


def test_control_a_name_that_is_judged_and_then_resolved_again_leads_inside(
    two_faces: tuple[ScriptedServer, ScriptedServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, inside, port = two_faces
    monkeypatch.setattr(public_http, "is_public", lambda address: address == "127.0.0.2")
    resolved = rebinding()
    allowed_address("rebinds.example", int(port), private=False, resolved=resolved)
    (again,) = resolved("rebinds.example", int(port))
    httpx.post(f"http://{again}:{port}/", trust_env=False)
    assert (len(outside.asked), len(inside.asked)) == (0, 1)


def test_a_name_with_one_address_inside_is_refused() -> None:
    with pytest.raises(ForbiddenAddressError, match="is not a public address"):
        allowed_address("a.example", 443, private=False, resolved=lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_redirects_are_not_followed(server: ScriptedServer) -> None:
    server.script(RedirectResponse("http://169.254.169.254/"), OK)
    assert post(server.url, b"", {}, private=True).status == 307
    assert len(server.asked) == 1


def test_a_receiver_that_is_slow_does_not_hold_us(server: ScriptedServer) -> None:
    server.script(after(2, OK))
    with pytest.raises(httpx.ReadTimeout):
        post(server.url, b"", {}, private=True, seconds=0.3)


def test_an_answer_without_an_end_is_not_read(server: ScriptedServer) -> None:
    server.script(drip)
    assert post(server.url, b"", {}, private=True, seconds=2).status == 200


@pytest.mark.parametrize(("header", "seconds"), [("120", 120.0), ("soon", None)])
def test_retry_after_in_seconds_is_told(server: ScriptedServer, header: str, seconds: float | None) -> None:
    server.script(json_reply(status=429, retry_after=header))
    assert post(server.url, b"", {}, private=True).retry_after == seconds


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://", "https://user:secret@example.com/", "file:///etc/x"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="begins with https"):
        post(url, b"", {})
