"""`tickettape tenants` and `tickettape keys`: who may ask the API, and what they may see."""

from typing import Annotated
from uuid import UUID

import typer

from tickettape.api_schema import (
    KEY_PREFIX_LENGTH,
    create_key,
    create_tenant,
    list_keys,
    list_tenants,
    remove_tenant,
    revoke_key,
    unwatch_events,
    watch_events,
)
from tickettape.cli.access import access_connection
from tickettape.cli.console import say
from tickettape.settings import settings

tenants = typer.Typer(help="Manage who may use the API, and which events they may see.", no_args_is_help=True)
keys = typer.Typer(help="Manage API keys.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
Events = Annotated[list[UUID], typer.Argument(metavar="EVENT_ID…", help="Ids of events, from `/api/events`.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(tenants, name="tenants")
    app.add_typer(keys, name="keys")


@tenants.command("create")
def create_tenant_command(
    tenant: Name,
    sees_all: Annotated[
        bool, typer.Option("--all", help="Let the tenant see every event, not only its watch-list.")
    ] = False,
) -> None:
    """Create a tenant. Without --all it sees nothing until you run `tickettape tenants watch`."""
    with access_connection() as connection:
        create_tenant(connection, tenant, sees_all=sees_all)
    say(f"Created tenant {tenant}, which sees {'every event' if sees_all else 'no event yet'}.")


@tenants.command("list")
def list_tenants_command() -> None:
    """List the tenants, which events they may see, and how many keys they have."""
    with access_connection() as connection:
        found = list_tenants(connection)
    say(f"{len(found)} tenant{'s' * (len(found) != 1)}.")
    for one in found:
        sees = "every event" if one.sees_all else f"{one.events} event{'s' * (one.events != 1)}"
        say(f"  {one.name}: {sees}, {one.keys} valid key{'s' * (one.keys != 1)}")


@tenants.command("watch")
def watch(tenant: Name, events: Events) -> None:
    """Add events to the watch-list of a tenant."""
    with access_connection() as connection:
        added = watch_events(connection, tenant, events)
    say(f"Added {added} of {len(events)} events to the watch-list of {tenant}.")


@tenants.command("unwatch")
def unwatch(tenant: Name, events: Events) -> None:
    """Remove events from the watch-list of a tenant."""
    with access_connection() as connection:
        removed = unwatch_events(connection, tenant, events)
    say(f"Removed {removed} of {len(events)} events from the watch-list of {tenant}.")


@tenants.command("remove")
def remove_tenant_command(tenant: Name) -> None:
    """Remove a tenant with its keys and its watch-list."""
    with access_connection() as connection:
        remove_tenant(connection, tenant)
    say(f"Removed tenant {tenant} and its keys.")


@keys.command("create")
def create_key_command(
    tenant: Name,
    label: Annotated[str | None, typer.Option("--label", help="What the key is for.")] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", min=1, help="Requests per minute. Default: KEY_REQUESTS_PER_MINUTE.")
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="Let the key also decide which events are one, on the page /links.")
    ] = False,
) -> None:
    """Create an API key for a tenant. It is shown only once."""
    with access_connection() as connection:
        key = create_key(connection, tenant, label=label, requests_per_minute=per_minute, operator=operator)
    say(key)
    typer.echo("Save this key now: only its SHA-256 is stored. Send it in the header X-API-Key.", err=True)


@keys.command("list")
def list_keys_command() -> None:
    """List all keys by their first characters, including revoked ones."""
    with access_connection() as connection:
        found = list_keys(connection)
    say(f"{len(found)} key{'s' * (len(found) != 1)}.")
    for key in found:
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else used
        limit = key.requests_per_minute or settings().key_requests_per_minute
        label = (f" ({key.label})" if key.label else "") + (", operator" if key.operator else "")
        say(f"  {key.prefix}…  {key.tenant}{label}, {limit} a minute, created {key.created_at:%Y-%m-%d}, {state}")


@keys.command("revoke")
def revoke(
    prefix: Annotated[
        str, typer.Argument(metavar="KEY", help="The key, or its first eleven characters (tt_ and eight more).")
    ],
) -> None:
    """Revoke a key. The next request with it is refused."""
    with access_connection() as connection:
        revoke_key(connection, prefix)
    say(f"Revoked {prefix[:KEY_PREFIX_LENGTH]}…. The next request with it is refused.")
