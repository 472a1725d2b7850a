"""Access to the API: tenants, their keys, and the events that they may see.

A key is shown once, when it is made. Only its first characters, to identify it, and its SHA-256 are stored.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.rows import class_row

from tickettape.database import Connection

DEMO = "demo"  # the tenant of the demonstration, and the label of its keys
KEY_PREFIX_LENGTH = 11  # `tt_` and eight characters: enough to tell keys apart, too few to help guess the rest


class AccessError(Exception):
    """A request about tenants or keys cannot be done. The message says what to do instead."""


@dataclass(frozen=True)
class Tenant:
    """A tenant, with the numbers of its events and keys."""

    tenant_id: UUID
    name: str
    sees_all: bool
    events: int
    keys: int


@dataclass(frozen=True)
class ApiKey:
    """What is stored about a key, without its hash."""

    prefix: str
    tenant: str
    label: str | None
    requests_per_minute: int | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    operator: bool


def key_sha256(key: str) -> bytes:
    """The hash of a key that is stored. One round is enough, because a key is 192 random bits, not a password."""
    return hashlib.sha256(key.encode()).digest()


def create_tenant(connection: Connection, name: str, *, sees_all: bool) -> UUID:
    """Create a tenant. Returns its id. Raises AccessError if the name is taken."""
    try:
        row = connection.execute(
            "insert into access.tenants (name, sees_all) values (%s, %s) returning tenant_id", [name, sees_all]
        ).fetchone()
    except UniqueViolation:
        raise AccessError(f"There is already a tenant {name}. `tickettape tenants list` shows it.") from None
    assert row is not None  # noqa: S101  an insert that returns
    return UUID(str(row[0]))


def list_tenants(connection: Connection) -> list[Tenant]:
    """All tenants by name."""
    with connection.cursor(row_factory=class_row(Tenant)) as cursor:
        return cursor.execute(
            """select tenant_id, name, sees_all,
                   (select count(*) from access.tenant_events as watched
                    where watched.tenant_id = tenants.tenant_id) as events,
                   (select count(*) from access.api_keys
                    where api_keys.tenant_id = tenants.tenant_id and revoked_at is null) as keys
               from access.tenants order by name"""
        ).fetchall()


def watch_events(connection: Connection, tenant: str, event_ids: Sequence[UUID]) -> int:
    """Put events on a tenant's watch-list. Returns how many are new on it. Raises AccessError if one does not exist."""
    try:
        added = connection.execute(
            """insert into access.tenant_events (tenant_id, event_id) select %s, unnest(%s::uuid[])
               on conflict do nothing""",
            [tenant_id_of(connection, tenant), list(event_ids)],
        )
    except ForeignKeyViolation as error:
        raise AccessError(f"At least one of these is not an event's id: {error.diag.message_detail}") from None
    return added.rowcount


def unwatch_events(connection: Connection, tenant: str, event_ids: Sequence[UUID]) -> int:
    """Take events off a tenant's watch-list. Returns how many were on it."""
    return connection.execute(
        "delete from access.tenant_events where tenant_id = %s and event_id = any(%s)",
        [tenant_id_of(connection, tenant), list(event_ids)],
    ).rowcount


def remove_tenant(connection: Connection, tenant: str) -> None:
    """Remove a tenant with its keys and its watch-list."""
    connection.execute("delete from access.tenants where tenant_id = %s", [tenant_id_of(connection, tenant)])


def create_key(
    connection: Connection,
    tenant: str,
    *,
    label: str | None = None,
    requests_per_minute: int | None = None,
    operator: bool = False,
) -> str:
    """Create a key for a tenant and return it. It cannot be read again later. `operator`: it may decide links."""
    key = f"tt_{secrets.token_hex(24)}"
    connection.execute(
        """insert into access.api_keys (tenant_id, prefix, key_sha256, label, requests_per_minute, operator)
           values (%s, %s, %s, %s, %s, %s)""",
        [
            *(tenant_id_of(connection, tenant), key[:KEY_PREFIX_LENGTH], key_sha256(key)),
            *(label, requests_per_minute, operator),
        ],
    )
    return key


def list_keys(connection: Connection) -> list[ApiKey]:
    """All keys by tenant, including revoked ones."""
    with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            """select prefix, tenants.name as tenant, label, requests_per_minute, api_keys.created_at, last_used_at,
                   revoked_at, operator
               from access.api_keys inner join access.tenants on tenants.tenant_id = api_keys.tenant_id
               order by tenants.name, api_keys.created_at"""
        ).fetchall()


def revoke_key(connection: Connection, prefix: str) -> None:
    """Revoke a key. Raises AccessError if no valid key begins with this prefix."""
    done = connection.execute(
        "update access.api_keys set revoked_at = now() where prefix = %s and revoked_at is null",
        [prefix[:KEY_PREFIX_LENGTH]],
    )
    if not done.rowcount:
        raise AccessError(
            f"No valid key begins with {prefix[:KEY_PREFIX_LENGTH]}. `tickettape keys list` shows the keys."
        )


def create_demo_key(connection: Connection) -> str:
    """Create a key that sees every event, for a simulated market. It replaces the demo key of the last start."""
    with connection.transaction():
        if DEMO not in {tenant.name for tenant in list_tenants(connection)}:
            create_tenant(connection, DEMO, sees_all=True)
        revoke_demo_keys(connection)
        return create_key(connection, DEMO, label=DEMO)


def revoke_demo_keys(connection: Connection) -> None:
    """Revoke the demo key, before a real marketplace's events are stored: everyone at the console has seen it."""
    connection.execute(
        """update access.api_keys set revoked_at = now() from access.tenants
           where tenants.tenant_id = api_keys.tenant_id and tenants.name = %(demo)s and label = %(demo)s
               and revoked_at is null""",
        {"demo": DEMO},
    )


def tenant_id_of(connection: Connection, name: str) -> UUID:
    """The id of a tenant. Raises AccessError if there is none of this name."""
    row = connection.execute("select tenant_id from access.tenants where name = %s", [name]).fetchone()
    if row is None:
        raise AccessError(f"There is no tenant {name}. Create it with `tickettape tenants create {name}`.")
    return UUID(str(row[0]))
