"""`tickettape readers`: logins of the database that may only read."""

from typing import Annotated

import typer

from tickettape.api_schema import (
    READER_CONNECTIONS,
    READER_STATEMENT_SECONDS,
    add_reader,
    connection_string,
    list_readers,
    remove_reader,
)
from tickettape.cli.access import access_connection
from tickettape.cli.console import say

readers = typer.Typer(
    help="Manage logins of the database that may only read, for notebooks and BI tools.", no_args_is_help=True
)

Login = Annotated[str, typer.Argument(metavar="NAME", help="The name of the login.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(readers, name="readers")


@readers.command("add")
def add(
    login: Login,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Let it see what this tenant sees. Default: every event.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            envvar="READER_PASSWORD",
            help="Its password. Set the variable: others can read a command line. Default: a new one.",
        ),
    ] = None,
    connections: Annotated[
        int, typer.Option("--connections", min=1, help="How many connections it may have at once.")
    ] = READER_CONNECTIONS,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.001, help="How long a statement may take, unless the login changes it.")
    ] = READER_STATEMENT_SECONDS,
) -> None:
    """Create a login and print its connection string. A password that is made here is shown only once."""
    with access_connection() as connection:
        where = connection_string(connection, login)  # without a port no login is of use
        made = add_reader(
            connection, login, tenant=tenant, password=password, connections=connections, statement_seconds=seconds
        )
        say(where if password else connection_string(connection, login, made))
    if not password:
        typer.echo("Save this now: the password cannot be shown again. docs/connect.md shows how to use it.", err=True)


@readers.command("list")
def list_command() -> None:
    """List the logins, and what they see."""
    with access_connection() as connection:
        found = list_readers(connection)
    say(f"{len(found)} login{'s' * (len(found) != 1)}.")
    for one in found:
        sees = "every event" if one.sees_all else f"what {one.tenant} sees" if one.tenant else "nothing (no tenant)"
        state = "not on this server" if one.connections is None else f"{one.connected} of {one.connections} connections"
        say(f"  {one.login}: sees {sees}, {state}, created {one.created_at:%Y-%m-%d}")


@readers.command("remove")
def remove(login: Login) -> None:
    """Remove a login and end its connections."""
    with access_connection() as connection:
        remove_reader(connection, login)
    say(f"Removed the login {login}.")
