"""Encrypted connections, for what holds personal data: a database on another host is reached through TLS alone."""

import os

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tickettape.database.connections import Warehouse, connect
from tickettape.database.disk import is_this_machine
from tickettape.database.server import database_url

ENCRYPTED = ("require", "verify-ca", "verify-full")


def encrypted_conninfo(url: str, *, plain_allowed: bool = False) -> str:
    """What to connect with: TLS is required if the URL leads to another host. A local one stays as it is."""
    given = conninfo_to_dict(url)
    mode = given.get("sslmode") or os.environ.get("PGSSLMODE")
    if plain_allowed or mode in ENCRYPTED or _is_local(str(given.get("hostaddr") or given.get("host") or "")):
        return url
    return make_conninfo(url, sslmode="require")


def encrypted_warehouse(url: str | None = None, *, plain_allowed: bool = False) -> Warehouse:
    """The warehouse for what holds personal data: on another host, through TLS alone."""
    return Warehouse(lambda: connect(url=encrypted_conninfo(url or database_url(), plain_allowed=plain_allowed)))


def _is_local(hosts: str) -> bool:
    """Whether each of the hosts (`a,b`) is this machine."""
    return all(is_this_machine(host) for host in (hosts or os.environ.get("PGHOST", "")).split(","))
