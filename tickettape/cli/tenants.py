"""`tickettape tenants` and `tickettape keys`: who may ask the API, and what they may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from tickettape.api_schema import (
    KEY_PREFIX_LENGTH,
    AccessError,
    create_key,
    create_tenant,
    list_keys,
    list_tenants,
    remove_tenant,
    revoke_key,
    unwatch_events,
    watch_events,
)
from tickettape.cli.console import fail, say
from tickettape.database import Connection, Warehouse
from tickettape.settings import settings

tenants = typer.Typer(help="Who may ask the API, and which events they may see.", no_args_is_help=True)
keys = typer.Typer(help="The keys that the API is asked with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
Events = Annotated[list[UUID], typer.Argument(metavar="EVENT_ID…", help="Events, as `/api/events` names them.")]


def add_commands(app: typer.Typer) -> None:
    """Give the command `tickettape` its words about access."""
    app.add_typer(tenants, name="tenants")
    app.add_typer(keys, name="keys")


@contextmanager
def _connection() -> Iterator[Connection]:
    """A connection to the warehouse; what access refuses ends the command with its reason."""
    with Warehouse().connection() as connection:
        try:
            yield connection
        except AccessError as error:
            fail(str(error))


@tenants.command("create")
def create_tenant_command(
    tenant: Name,
    sees_all: Annotated[bool, typer.Option("--all", help="It sees every event, not a watch-list.")] = False,
) -> None:
    """Make a tenant. Without --all it sees nothing until `tickettape tenants watch`."""
    with _connection() as connection:
        create_tenant(connection, tenant, sees_all=sees_all)
    say(f"Made tenant {tenant}, which sees {'every event' if sees_all else 'no event yet'}.")


@tenants.command("list")
def list_tenants_command() -> None:
    """List the tenants, what they see, and how many keys they have."""
    with _connection() as connection:
        found = list_tenants(connection)
    say(f"{len(found)} tenant{'s' * (len(found) != 1)}.")
    for one in found:
        sees = "every event" if one.sees_all else f"{one.events} event{'s' * (one.events != 1)}"
        say(f"  {one.name}: {sees}, {one.keys} valid key{'s' * (one.keys != 1)}")


@tenants.command("watch")
def watch(tenant: Name, events: Events) -> None:
    """Let a tenant see events."""
    with _connection() as connection:
        added = watch_events(connection, tenant, events)
    say(f"{added} of {len(events)} events are new on the watch-list of {tenant}.")


@tenants.command("unwatch")
def unwatch(tenant: Name, events: Events) -> None:
    """Let a tenant no longer see events."""
    with _connection() as connection:
        removed = unwatch_events(connection, tenant, events)
    say(f"{removed} of {len(events)} events were on the watch-list of {tenant}, and are not any more.")


@tenants.command("remove")
def remove_tenant_command(tenant: Name) -> None:
    """Remove a tenant with its keys and its watch-list."""
    with _connection() as connection:
        remove_tenant(connection, tenant)
    say(f"Removed tenant {tenant} and its keys.")


@keys.command("create")
def create_key_command(
    tenant: Name,
    label: Annotated[str | None, typer.Option("--label", help="What it is for.")] = None,
    per_minute: Annotated[int | None, typer.Option("--per-minute", min=1, help="Unset: the setting's.")] = None,
) -> None:
    """Make a key of a tenant. It is shown now and never again."""
    with _connection() as connection:
        key = create_key(connection, tenant, label=label, requests_per_minute=per_minute)
    say(key)
    typer.echo("Keep it now: only its SHA-256 is stored. Send it as the header X-API-Key.", err=True)


@keys.command("list")
def list_keys_command() -> None:
    """List the keys by their beginnings, revoked ones too."""
    with _connection() as connection:
        found = list_keys(connection)
    say(f"{len(found)} key{'s' * (len(found) != 1)}.")
    for key in found:
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else used
        limit = key.requests_per_minute or settings().key_requests_per_minute
        label = f" ({key.label})" if key.label else ""
        say(f"  {key.prefix}…  {key.tenant}{label}, {limit} a minute, made {key.created_at:%Y-%m-%d}, {state}")


@keys.command("revoke")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="KEY", help="The key or its beginning, tt_ and eight.")],
) -> None:
    """Refuse a key from the next request on."""
    with _connection() as connection:
        revoke_key(connection, prefix)
    say(f"Revoked {prefix[:KEY_PREFIX_LENGTH]}…; the next request with it is refused.")
