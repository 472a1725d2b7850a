"""`tickettape box-office`: events, tiers and seats to sell, what was sold, refunds, erasing a user, the archive."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from tickettape.archive import ArchiveError, RestoreError, archive_due_events, archive_event, run_event_restore
from tickettape.box_office import (
    RefusedError,
    add_sample_events,
    add_seats,
    add_tier,
    check_permissions,
    create_event,
    discrepancies,
    erase_user,
    give_back_requested,
    grant_roles,
    link_zone,
    make_promoter,
    parse_price,
    place_zones,
    promoters,
    providers_of,
    read_seats,
    refund,
    sales,
    set_sales_public,
    set_sales_tenant,
    set_status,
    tidy,
    unlink_zone,
)
from tickettape.cli.console import INSTANT, fail, failing_on, parse_instant, say
from tickettape.database import BusyError, Connection, Warehouse, encrypted_warehouse
from tickettape.file_storage import DamagedError, open_backup_storage, open_cold_storage
from tickettape.settings import settings

box_office = typer.Typer(help="Sell tickets: events, tiers, seats, sales, refunds.", no_args_is_help=True)

Event = Annotated[int, typer.Argument(metavar="EVENT", help="The event's number, from `tickettape box-office sales`.")]

Place = Annotated[str, typer.Argument(metavar="PLACE", help="The name of the tier or section.")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(box_office, name="box-office")


@contextmanager
def _connection() -> Iterator[Connection]:
    with failing_on(RefusedError), _warehouse().connection() as connection:
        yield connection


def _warehouse() -> Warehouse:
    return encrypted_warehouse(plain_allowed=settings().box_office_plain_database)


def _price(text: str) -> Decimal:
    try:
        return parse_price(text)
    except RefusedError as error:
        raise typer.BadParameter(str(error)) from None


@box_office.command("create")
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The event's title.")],
    venue: Annotated[str, typer.Option("--venue", help="Where it takes place.")],
    start: Annotated[
        datetime, typer.Option("--start", parser=parse_instant, metavar="INSTANT", help=f"When it begins: {INSTANT}")
    ],
    city: Annotated[str, typer.Option("--city")] = "",
    country: Annotated[str, typer.Option("--country")] = "",
    capacity: Annotated[
        int | None,
        typer.Option("--capacity", min=1, help="The most tickets that all tiers and seats may have together."),
    ] = None,
    currency: Annotated[str, typer.Option("--currency", help="The currency of all its prices.")] = "USD",
) -> None:
    """Create an event. It sells nothing until it has tiers or seats and is put on sale."""
    with _connection() as connection:
        event_id = create_event(
            connection, title, venue, start, city=city, country=country, capacity=capacity, currency=currency
        )
    say(f"Created event {event_id}: {title}.")


@box_office.command("add-tier")
def add_tier_command(
    event: Event,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tier's name.")],
    price: Annotated[Decimal, typer.Option("--price", parser=_price, metavar="PRICE")],
    quantity: Annotated[int, typer.Option("--quantity", min=0, help="How many tickets it has.")],
    least: Annotated[int, typer.Option("--min", min=1, help="The fewest tickets in one order.")] = 1,
    most: Annotated[int, typer.Option("--max", min=1, help="The most tickets in one order.")] = 10,
) -> None:
    """Add tickets that are sold by quantity."""
    with _connection() as connection:
        tier = add_tier(connection, event, name, price, quantity, min_purchase=least, max_purchase=most)
    say(f"Added tier {tier}: {quantity} × {name} at {price}.")


@box_office.command("import-seats")
def import_seats(
    event: Event,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="A CSV file: section,row_number,seat_number,price."
        ),
    ],
) -> None:
    """Add the seats of a CSV file, all of them or none."""
    with _connection() as connection:
        added = add_seats(connection, event, read_seats(path))
    say(f"Added {added} seats to event {event}.")


@box_office.command("on-sale")
def on_sale(event: Event) -> None:
    """Put an event on sale."""
    with _connection() as connection:
        set_status(connection, event, "on_sale")
    say(f"Event {event} is on sale.")


@box_office.command("off-sale")
def off_sale(event: Event) -> None:
    """Take an event off sale. Holds and sales stay as they are."""
    with _connection() as connection:
        set_status(connection, event, "off_sale")
    say(f"Event {event} is off sale.")


@box_office.command("sales")
def sales_command(event: Annotated[int | None, typer.Argument(metavar="[EVENT]")] = None) -> None:
    """Show what each event has sold, and whether stock, tickets and money agree."""
    with _connection() as connection:
        found, faults = sales(connection, event), discrepancies(connection)
    say(f"{len(found)} event{'s' * (len(found) != 1)}.")
    for one in found:
        say(
            f"  {one.event_id}  {one.start_time:%Y-%m-%d %H:%M} UTC  {one.title} ({one.status.replace('_', ' ')}): "
            f"{one.tickets_sold} sold, {one.tickets_available} left, {one.net} {one.currency}"
            + (f" after {one.refunds} refunded" if one.refunds else "")
        )
    if faults:
        fail("\n".join(["The books do not agree:", *(f"  {fault}" for fault in faults)]))


@box_office.command("refund")
def refund_command(
    order: Annotated[int | None, typer.Option("--order", help="The order to refund.")] = None,
    booking: Annotated[int | None, typer.Option("--booking", help="The booking of seats to refund.")] = None,
    reason: Annotated[str, typer.Option("--reason")] = "asked for",
) -> None:
    """Refund the unused tickets of an order or a booking. They are free again."""
    if (order is None) == (booking is None):
        fail("Give exactly one of --order and --booking.", code=2)
    with _connection() as connection:
        amount = refund(connection, order_id=order, booking_id=booking, reason=reason)
        give_back_requested(connection, providers_of(settings(), _warehouse()))
    say(f"Refunded {amount}.")


@box_office.command("erase-user")
def erase_user_command(user: Annotated[int, typer.Argument(metavar="USER", help="The user's number.")]) -> None:
    """Erase a person, also from backups that are restored later. The orders are kept, without the person."""
    with _connection() as connection:
        erase_user(connection, open_backup_storage(settings()), user)
    say(f"Erased user {user}.")


@box_office.command("archive")
def archive_command(
    event: Annotated[
        int | None, typer.Argument(metavar="[EVENT]", help="One event. Without it: all that are due.")
    ] = None,
) -> None:
    """Move events that are long over to cold storage: seats, bookings and lines. Tickets and payments stay."""
    storage, now, days = open_cold_storage(settings()), datetime.now(UTC), settings().event_archive_days
    with _connection() as connection, failing_on(ArchiveError, DamagedError, BusyError, OSError):
        if event is not None:
            figures = archive_event(connection, storage, event, now=now, days=days, say=say)
            say(f"Event {event} is in cold storage ({storage}): {figures['rows']} rows.")
            return
        done = archive_due_events(connection, storage, now=now, days=days, say=say)
    say(f"{len(done.archived)} events are archived in {storage}.")
    for one, why in done.held_back.items():
        say(f"  Event {one} stays: {why}.")
    if done.failed:
        fail("\n".join(done.failed.values()))


@box_office.command("restore")
def restore_command(
    event: Event,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Keep it through this day. By default for 30 days."),
    ] = None,
) -> None:
    """Bring an archived event back from cold storage, and compare it with its manifest."""
    with _connection() as connection, failing_on(RestoreError, ArchiveError, DamagedError, OSError):
        figures = run_event_restore(
            connection, settings(), event, until=until.date() if until else None, now=datetime.now(UTC), say=say
        )
    say(f"Event {event} is restored: {figures['rows']} rows. It stays through {figures['kept through']}.")


@box_office.command("tidy")
def tidy_command() -> None:
    """End what has expired, finish payments, return money, serve the waitlist. A running service does it too."""
    with _connection() as connection:
        done = tidy(connection, providers_of(settings(), _warehouse()))
    payments = ", ".join(f"{count} {outcome}" for outcome, count in done.payments.items() if count)
    say(
        f"Ended {done.orders} orders and {done.bookings} bookings. Payments: {payments or 'nothing to do'}. "
        f"Waitlist: {done.offers} offers."
    )


@box_office.command("promoter")
def promoter_command(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address with which the user signed up.")],
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="For whom they sell.")],
) -> None:
    """Let a user sell events, on the pages and with the API."""
    with _connection() as connection:
        promoter = make_promoter(connection, email, company)
    say(f"{email} is promoter {promoter}.")


@box_office.command("promoters")
def promoters_command() -> None:
    """List the promoters, and the tenant that may see what their events sell."""
    with _connection() as connection:
        found = promoters(connection)
    say(f"{len(found)} promoter{'s' * (len(found) != 1)}.")
    for one in found:
        say(f"  {one.promoter_id}  {one.company}: {f'tenant {one.tenant}' if one.tenant else 'no tenant'}")


@box_office.command("sales-tenant")
def sales_tenant(
    promoter: Annotated[int, typer.Argument(metavar="PROMOTER", help="The promoter's number.")],
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="The tenant's name.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No tenant.")] = False,
) -> None:
    """Let a tenant of the API see what the events of a promoter sell."""
    if (tenant is None) != none:
        fail("Give either a tenant or --none.", code=2)
    with _connection() as connection:
        set_sales_tenant(connection, promoter, tenant)
    say(f"{f'Tenant {tenant}' if tenant else 'No tenant'} sees what the events of promoter {promoter} sell.")


@box_office.command("publish-sales")
def publish_sales(event: Event) -> None:
    """Show every tenant of the API what an event sells."""
    with _connection() as connection:
        set_sales_public(connection, event, True)
    say(f"Every tenant sees what event {event} sells.")


@box_office.command("hide-sales")
def hide_sales(event: Event) -> None:
    """Show what an event sells only to its promoter's tenant, and to whoever may see everything."""
    with _connection() as connection:
        set_sales_public(connection, event, False)
    say(f"Only the promoter's tenant sees what event {event} sells.")


@box_office.command("zones")
def zones(event: Event) -> None:
    """List the tiers and sections of an event, and which zone of the resale market each is."""
    with _connection() as connection:
        found = place_zones(connection, event)
    say(f"{len(found)} tier{'s' * (len(found) != 1)} and sections of event {event}.")
    for one in found:
        why = f"by {one.decided_by}" if one.decided_by else "by its name" if one.zone else "no zone of its name"
        say(f"  {one.place}: {one.zone or 'no zone'} ({why})")


@box_office.command("link-zone")
def link_zone_command(
    event: Event,
    place: Place,
    zone: Annotated[str | None, typer.Argument(metavar="[ZONE]", help="The zone's name on the resale market.")] = None,
    none: Annotated[bool, typer.Option("--none", help="It is no zone, whatever its name.")] = False,
) -> None:
    """Say which zone of the resale market a tier or a section is."""
    if (zone is None) != none:
        fail("Give either a zone or --none.", code=2)
    with _connection() as connection:
        link_zone(connection, event, place, zone, getpass.getuser())
    say(f"{place} of event {event} is {f'the zone {zone}' if zone else 'no zone'}.")


@box_office.command("unlink-zone")
def unlink_zone_command(event: Event, place: Place) -> None:
    """Take back what was said of a tier or a section. It is again the zone of its name, if there is one."""
    with _connection() as connection:
        unlink_zone(connection, event, place)
    say(f"{place} of event {event} is the zone of its name, if there is one.")


@box_office.command("sample")
def sample() -> None:
    """Add two events to try out: one with tiers and 5,000 seats, one with 80,000 seats."""
    with _connection() as connection:
        for event_id in add_sample_events(connection, datetime.now(UTC)):
            say(f"Added event {event_id}.")


@box_office.command("grant")
def grant() -> None:
    """Create the roles of the box office, and grant each its permissions."""
    with _connection() as connection:
        grant_roles(connection)
    say("The roles exist and have their permissions.")


@box_office.command("check-permissions")
def check_permissions_command() -> None:
    """Compare the permissions in schema box_office with those expected."""
    with _connection() as connection:
        differences = check_permissions(connection)
    if differences:
        fail("\n".join(["The permissions differ from those expected (+ extra, - missing):", *differences]))
    say("All permissions are as expected.")
