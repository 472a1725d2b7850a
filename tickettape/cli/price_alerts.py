"""`tickettape price-alerts`: rules of any tenant, their destinations, and what became of their messages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from json import JSONDecodeError, loads
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError

from tickettape.cli.console import fail, say
from tickettape.database import Connection, Warehouse
from tickettape.price_alerts import (
    DESTINATION_KINDS,
    AlertError,
    PastEvent,
    Previewed,
    RuleForm,
    add_destination,
    add_rule,
    deliver_due,
    list_destinations,
    list_occasions,
    list_rules,
    new_key,
    preview_of_tenant,
    remove_destination,
    remove_rules,
    retry_dead,
    set_paused,
    tenant_named,
    verify_destination,
)
from tickettape.settings import settings

price_alerts = typer.Typer(help="Manage price alerts: rules, destinations, messages.", no_args_is_help=True)
destinations = typer.Typer(help="Manage where tenants are told.", no_args_is_help=True)
price_alerts.add_typer(destinations, name="destinations")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
Rules = Annotated[list[UUID], typer.Argument(metavar="RULE_ID…", help="Ids of rules, from `list`.")]
DestinationName = Annotated[str, typer.Argument(metavar="NAME", help="What the destination is called.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(price_alerts, name="price-alerts")


@contextmanager
def _connection() -> Iterator[Connection]:
    """A connection for a command. An AlertError ends the command with its message."""
    try:
        with Warehouse().connection() as connection:
            yield connection
    except AlertError as error:
        fail(str(error))


@price_alerts.command("new-key")
def new_key_command() -> None:
    """Print a new key for PRICE_ALERTS_KEY. Keep it: without it, no stored destination can be read."""
    say(new_key())


@price_alerts.command("add")
def add(
    tenant: Tenant,
    event: Annotated[UUID | None, typer.Option("--event", help="The event's id.")] = None,
    performer: Annotated[str | None, typer.Option("--performer", help="All events of a performer.")] = None,
    venue: Annotated[str | None, typer.Option("--venue", help="All events at a venue.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="All events with these words in their name.")] = None,
    at_most: Annotated[str | None, typer.Option("--at-most", help="Tell at this price or less.")] = None,
    tickets: Annotated[int, typer.Option("--tickets", min=1, help="How many together.")] = 2,
    before_fees: Annotated[bool, typer.Option("--before-fees", help="Compare prices before fees.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="The destination's name.")] = None,
    json: Annotated[str | None, typer.Option("--json", help="Any other field of a rule, as the API has it.")] = None,
    only_preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would have told in the last 30 days, and add nothing.")
    ] = False,
) -> None:
    """Add a rule for a tenant: at most a price, or whatever --json says."""
    scopes = {"performer": performer, "venue": venue, "search": search}
    said: dict[str, Any] = {"event_id": event, "price": at_most, "tickets": tickets}
    for scope, about in scopes.items():
        if about is not None:
            said |= {"scope": scope, "about": about}
    said |= {"basis": "before_fees"} if before_fees else {}
    with _connection() as connection:
        tenant_id = tenant_named(connection, tenant)
        if to is not None:
            named = {one.name: one.destination_id for one in list_destinations(connection, tenant_id)}
            if to not in named:
                raise AlertError(f"{tenant} has no destination {to}. `price-alerts destinations list` shows them.")
            said["destination_id"] = named[to]
        try:
            form = RuleForm.model_validate(said | _fields(json))
        except ValidationError as error:
            raise AlertError("; ".join(_said(one) for one in error.errors()) + ".") from None
        if only_preview:
            _say_preview(*preview_of_tenant(connection, tenant_id, form, datetime.now(UTC)))
            return
        rule_id = add_rule(connection, tenant_id, form)
    say(f"Added {rule_id}: {form.name}.")


@price_alerts.command("list")
def list_command() -> None:
    """List all rules, where they tell, and how often they have."""
    with _connection() as connection:
        found = list_rules(connection)
    say(f"{len(found)} rule{'s' * (len(found) != 1)}.")
    for one in found:
        where = one.destination or "history and feed only"
        paused = ", paused" if one.paused else ""
        say(f"  {one.rule_id}  {one.tenant}: {one.name} ({where}{paused}); told {one.told} times")


@price_alerts.command("pause")
def pause(rules: Rules) -> None:
    """Pause rules. They tell nothing until they are resumed."""
    with _connection() as connection:
        say(f"Paused {set_paused(connection, rules, paused=True)} of {len(rules)} rules.")


@price_alerts.command("resume")
def resume(rules: Rules) -> None:
    """Resume rules that were paused."""
    with _connection() as connection:
        say(f"Resumed {set_paused(connection, rules, paused=False)} of {len(rules)} rules.")


@price_alerts.command("remove")
def remove(rules: Rules) -> None:
    """Remove rules with their history."""
    with _connection() as connection:
        say(f"Removed {remove_rules(connection, rules)} of {len(rules)} rules.")


@price_alerts.command("history")
def history(
    given_up: Annotated[bool, typer.Option("--given-up", help="Only messages that were given up.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="The most lines.")] = 50,
) -> None:
    """Show what rules came to, the newest first, and what became of the messages."""
    with _connection() as connection:
        found = list_occasions(connection, only_dead=given_up, most=most)
    say(f"{len(found)} occasion{'s' * (len(found) != 1)}.")
    for one in found:
        price = f"{one.all_in_price} with fees" if one.all_in_price else f"{one.price}" if one.price else "no price"
        delivery = f", {one.delivery}" if one.delivery else ""
        error = f" ({one.error})" if one.error else ""
        say(f"  {one.tick:%Y-%m-%d %H:%M}  {one.tenant}: {one.rule}: {one.outcome} at {price}{delivery}{error}")


@price_alerts.command("send")
def send_command() -> None:
    """Send what is due now. `make dev` does so by itself, twice a minute."""
    with _connection() as connection:
        sent = deliver_due(connection, settings(), lambda: datetime.now(UTC), for_at_most=timedelta(minutes=10))
    say(f"{sent['delivered']} sent, {sent['postponed']} to be tried again, {sent['dead']} given up.")


@price_alerts.command("retry")
def retry() -> None:
    """Send the messages that were given up again. Use it when their receivers work again."""
    with _connection() as connection:
        say(f"{retry_dead(connection, datetime.now(UTC))} messages will be sent again.")


@destinations.command("list")
def list_destinations_command(tenant: Tenant) -> None:
    """List the destinations of a tenant. Addresses are not shown."""
    with _connection() as connection:
        found = list_destinations(connection, tenant_named(connection, tenant))
    say(f"{len(found)} destination{'s' * (len(found) != 1)}.")
    for one in found:
        say(f"  {one.name}: {one.kind}, {'verified' if one.verified_at else 'waits for its code'}")


@destinations.command("add")
def add_destination_command(
    tenant: Tenant,
    name: DestinationName,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(DESTINATION_KINDS)}.")],
) -> None:
    """Add a destination. Its address is asked for, so that no history of a shell keeps it. A code is sent to it."""
    address = typer.prompt("Address", hide_input=True)
    with _connection() as connection:
        secret = add_destination(
            connection, settings(), tenant_named(connection, tenant), name=name, kind=kind, address=address,
            now=datetime.now(UTC),
        )  # fmt: skip
    say(f"A code was sent. Enter it with `tickettape price-alerts destinations verify {tenant!r} {name!r} CODE`.")
    if secret:
        say(f"The secret that signs its messages, shown only now: {secret}")


@destinations.command("verify")
def verify(tenant: Tenant, name: DestinationName, code: str) -> None:
    """Enter the code that was sent to a destination."""
    with _connection() as connection:
        verify_destination(connection, tenant_named(connection, tenant), name, code, now=datetime.now(UTC))
    say(f"Alerts can be sent to {name}.")


@destinations.command("remove")
def remove_destination_command(tenant: Tenant, name: DestinationName) -> None:
    """Erase a destination with its address. Its rules tell only in their history and feed from then on."""
    with _connection() as connection:
        remove_destination(connection, tenant_named(connection, tenant), name)
    say(f"Erased {name}.")


def _say_preview(events: Sequence[PastEvent], found: Previewed) -> None:
    if not events:
        say("It is about no event now.")
        return
    about = "1 event" if events[0].events == 1 else f"{len(events)} of {events[0].events} events"
    times = "1 message" if len(found.told) == 1 else f"{len(found.told)} messages"
    say(f"Tried on {about} with {found.captures} captures: {times}, {found.left_out} listings left out as mistakes.")
    if found.captures and not found.stated:
        say("The marketplace states no prices on this basis, so the rule cannot tell anything.")
    for event, one, place in found.told:
        price = "no price" if one.cents is None else f"{event.currency or ''} {one.cents / 100:,.2f}".strip()
        what = price if one.tickets is None else f"{one.tickets} tickets left"
        say(f"  {one.tick:%Y-%m-%d %H:%M}  {event.name}: {what}{f' in section {place.section}' if place else ''}")


def _fields(json: str | None) -> dict[str, Any]:
    """The fields of --json. Raises AlertError if it is no object."""
    try:
        fields = loads(json) if json else {}
    except JSONDecodeError as error:
        raise AlertError(f"--json is not valid JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise AlertError('--json must be an object, such as {"condition": "few", "few": 4}.')
    return fields


def _said(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else str(error["msg"])
