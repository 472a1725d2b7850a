"""A real PostgREST on a database, set up as docs/supabase.md says, and tokens that it accepts."""

import base64
import hmac
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import httpx

from tests.support.processes import free_port, wait_for
from tests.support.tools import POSTGREST
from tickettape.settings import ROOT

JWT_SECRET = "a secret of the tests, with 32 characters or more"


def documented(language: str, begins: str) -> str:
    """The block of docs/supabase.md in a language that begins so, without its indentation."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```", (ROOT / "docs" / "supabase.md").read_text(), re.S | re.M)
    found = [re.sub(rf"^{indent}", "", block, flags=re.M) for indent, block in blocks]
    (block,) = [block for block in found if block.startswith(begins)]
    return block


@contextmanager
def postgrest(database_url: str, **settings: str) -> Iterator[str]:
    """PostgREST with the documented settings, or others, for the block; yields its URL."""
    parts = urlsplit(database_url)
    port = free_port()
    known = dict(re.findall(r'^([\w-]+) = "?(.*?)"?$', documented("ini", "db-uri"), re.M))
    known |= {
        "db-uri": urlunsplit(parts._replace(netloc=f"authenticator@{parts.netloc.rpartition('@')[2]}")),
        "jwt-secret": JWT_SECRET,
        "server-host": "127.0.0.1",
        "server-port": str(port),
        **{name.replace("_", "-"): value for name, value in settings.items()},
    }
    with TemporaryDirectory(prefix="tickettape-postgrest-") as folder:
        config, log = Path(folder) / "postgrest.conf", Path(folder) / "log"
        config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in known.items()))
        with log.open("wb") as out:
            process = subprocess.Popen([POSTGREST, config], stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for("PostgREST's schema", lambda: _answers(url), 20, log, every=0.02)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx.head(url).status_code == 200  # 503 while it reads the schema
    except httpx.TransportError:
        return False


def token(**claims: object) -> str:
    """A JSON Web Token with these claims, as one who knows the secret signs it."""
    signed = (
        f"{_base64url(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{_base64url(json.dumps(claims).encode())}"
    )
    return f"{signed}.{_base64url(hmac.digest(JWT_SECRET.encode(), signed.encode(), 'sha256'))}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
