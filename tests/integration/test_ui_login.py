"""docs/ui-login.md, followed: nginx with passwords before a real Dagster UI."""

import base64
import json
import os
import re
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.processes import BIN, free_port, wait_for
from tests.support.tools import NGINX, needs_nginx
from tickettape.settings import ROOT

pytestmark = [needs_nginx, pytest.mark.processes]

ANA = {"authorization": f"Basic {base64.b64encode(b'ana:right').decode()}"}
SERVER = """daemon off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site;
}}
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that nginx' workers can read, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="tickettape-nginx-") as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """The documented proxy before a Dagster UI without any code, under a certificate of its own; its address."""
    inside, outside = free_port(), free_port()
    key, certificate, passwords = folder / "key", folder / "certificate", folder / "passwords"
    certify = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    certify += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*certify, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    hashed = subprocess.run(["openssl", "passwd", "-6", "right"], check=True, capture_output=True, text=True).stdout
    passwords.write_text(f"ana:{hashed}")
    (block,) = re.findall(r"^ *```nginx\n(.*?)^ *```", (ROOT / "docs" / "ui-login.md").read_text(), re.S | re.M)
    for ours, theirs in (
        ("https://dagster.example.com", f"https://localhost:{outside}"),
        ("listen 443", f"listen 127.0.0.1:{outside}"),
        ("server_name dagster.example.com", "server_name localhost"),
        ("/etc/letsencrypt/live/dagster.example.com/fullchain.pem", str(certificate)),
        ("/etc/letsencrypt/live/dagster.example.com/privkey.pem", str(key)),
        ("/etc/nginx/dagster.htpasswd", str(passwords)),
        ("127.0.0.1:3000", f"127.0.0.1:{inside}"),
    ):
        assert ours in block
        block = block.replace(ours, theirs)
    (folder / "site").write_text(block)
    (folder / "nginx.conf").write_text(SERVER.format(folder=folder))
    (folder / "dagster.yaml").touch()
    webserver = [str(BIN / "dagster-webserver"), "--empty-workspace", "-h", "127.0.0.1", "-p", str(inside)]
    started = [
        subprocess.Popen([str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]),
        subprocess.Popen(webserver, cwd=folder, env={"DAGSTER_HOME": str(folder), "PATH": "/usr/bin:/bin"}),
    ]
    try:
        wait_for("the UI", lambda: _answers(f"http://127.0.0.1:{inside}/server_info"), 60)
        yield f"https://localhost:{outside}"
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_the_ui_opens_with_a_password_and_for_no_other_sites_page(site: str, folder: Path) -> None:
    verify = ssl.create_default_context(cafile=folder / "certificate")
    with httpx.Client(base_url=site, verify=verify) as client:
        for path in ("/", "/graphql", "/server_info"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("ana", "wrong")).status_code == 401
        page = client.get("/", headers=ANA)
        assert (page.status_code, "Dagster" in page.text) == (200, True)
        question = {"query": "{ version }"}
        for origin, status in ((None, 200), (site, 200), ("https://elsewhere.example", 403), ("null", 403)):
            headers = ANA | ({"origin": origin} if origin else {})
            assert client.post("/graphql", json=question, headers=headers).status_code == status, origin


def test_the_uis_subscriptions_pass(site: str, folder: Path) -> None:
    def subscribed(**headers: str) -> ClientConnection:
        return connect(
            f"{site.replace('https', 'wss')}/graphql",
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            additional_headers=headers,
            ssl=ssl.create_default_context(cafile=folder / "certificate"),
        )

    with subscribed(**ANA, origin=site) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(timeout=60))["type"] == "connection_ack"
    for headers, status in (({}, 401), (ANA | {"origin": "https://elsewhere.example"}, 403)):
        with pytest.raises(InvalidStatus) as refused:
            subscribed(**headers)
        assert refused.value.response.status_code == status
