"""Destinations: where a tenant is told. An address is personal data: encrypted, never logged, erased with its row.

Nothing but a code is sent to a destination before somebody has typed that code: so nobody is told who did not ask.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from tickettape.database import Connection
from tickettape.price_alerts.sealing import AlertError, Sealing
from tickettape.price_alerts.senders import Message, SendError, check_address, send
from tickettape.settings import Settings

CODE_FOR = timedelta(minutes=30)
MOST_WRONG_CODES = 5
MOST_DESTINATIONS = 20  # of a tenant
MOST_CODES_PER_HOUR = 10  # codes and tests that a tenant may have sent, to whomever


@dataclass(frozen=True)
class Destination:
    """A destination without its address."""

    destination_id: UUID
    name: str
    kind: str
    verified_at: datetime | None
    created_at: datetime


def list_destinations(connection: Connection, tenant_id: UUID) -> list[Destination]:
    """The destinations of a tenant by name."""
    with connection.cursor(row_factory=class_row(Destination)) as cursor:
        return cursor.execute(
            """select destination_id, name, kind, verified_at, created_at from price_alerts.destinations
               where tenant_id = %s order by name""",
            [tenant_id],
        ).fetchall()


def add_destination(
    connection: Connection, settings: Settings, tenant_id: UUID, *, name: str, kind: str, address: str, now: datetime
) -> str | None:
    """Store a destination and send it a code. Returns the secret that signs its messages, which is shown once; None
    for other kinds than webhooks.

    Raises AlertError if the address or the name cannot be used, or if the code could not be sent.
    """
    sealing = Sealing.of(settings)
    check_address(kind, address)
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}" if kind == "webhook" else None
    with connection.transaction():
        connection.execute("select from access.tenants where tenant_id = %s for no key update", [tenant_id])
        counted = connection.execute(
            "select count(*) from price_alerts.destinations where tenant_id = %s", [tenant_id]
        ).fetchone()
        if counted and counted[0] >= MOST_DESTINATIONS:
            raise AlertError(f"There are already {MOST_DESTINATIONS} destinations. Remove one first.")
        count_message(connection, tenant_id, now)
        try:
            row = connection.execute(
                """insert into price_alerts.destinations (tenant_id, name, kind, address, secret)
                   values (%s, %s, %s, %s, %s) returning destination_id""",
                [tenant_id, name, kind, sealing.encrypt(address), sealing.encrypt(secret) if secret else None],
            ).fetchone()
        except UniqueViolation:
            raise AlertError(f"There is already a destination {name}. Choose another name, or remove it.") from None
        assert row is not None  # noqa: S101  an insert that returns
    try:
        _send_code(connection, settings, row[0], now=now)
    except AlertError:
        remove_destination(connection, tenant_id, name)
        raise
    return secret


def count_message(connection: Connection, tenant_id: UUID, now: datetime) -> None:
    """Count a code or a test that is about to be sent. Raises AlertError if there were too many."""
    connection.execute("delete from price_alerts.codes_sent where sent_at < %s::timestamptz - interval '1 day'", [now])
    sent = connection.execute(
        """select count(*) from price_alerts.codes_sent
           where tenant_id = %s and sent_at > %s::timestamptz - interval '1 hour'""",
        [tenant_id, now],
    ).fetchone()
    if sent and sent[0] >= MOST_CODES_PER_HOUR:
        raise AlertError("Too many codes and tests were asked for in an hour. Try again later.")
    connection.execute("insert into price_alerts.codes_sent values (%s, %s)", [tenant_id, now])


def _send_code(connection: Connection, settings: Settings, destination_id: UUID, *, now: datetime) -> None:
    """Send a new code to a destination. Raises AlertError if it was not taken."""
    kind, address, secret = addressed(connection, Sealing.of(settings), destination_id)
    code = f"{secrets.randbelow(1_000_000):06d}"
    connection.execute(
        """update price_alerts.destinations
           set code_sha256 = %s, code_expires_at = %s, wrong_codes = 0 where destination_id = %s""",
        [_hashed(destination_id, code), now + CODE_FOR, destination_id],
    )
    text = (
        f"The code is {code}. Enter it where you added this destination, within {CODE_FOR.seconds // 60} minutes.\n"
        "If you did not ask for price alerts, do nothing: nothing else is sent."
    )
    message_id = f"code-{secrets.token_hex(8)}"
    message = Message(message_id, f"{code} is your code for price alerts", text, now, facts={"code": code})
    try:
        send(kind, address, secret, message, settings)
    except SendError as error:
        raise AlertError(f"The code could not be sent. {error}") from None


def verify_destination(connection: Connection, tenant_id: UUID, name: str, code: str, *, now: datetime) -> None:
    """Note that a tenant has the code of its destination. Raises AlertError for a wrong or expired code."""
    # committed also for a wrong code: it counts
    row = connection.execute(
        """update price_alerts.destinations as asked
           set wrong_codes = asked.wrong_codes + 1
           where tenant_id = %s and name = %s and verified_at is null
           returning destination_id, code_sha256, code_expires_at, wrong_codes""",
        [tenant_id, name],
    ).fetchone()
    if row is None:
        raise AlertError(f"There is no destination {name} that waits for a code.")
    destination_id, code_sha256, expires_at, tries = row
    if code_sha256 is None or expires_at < now or tries > MOST_WRONG_CODES:
        raise AlertError("The code has expired, or was wrong too often. Remove the destination and add it again.")
    if not secrets.compare_digest(bytes(code_sha256), _hashed(destination_id, code.strip())):
        raise AlertError("This is not the code that was sent. Look at the newest message.")
    connection.execute(
        """update price_alerts.destinations set verified_at = %s, code_sha256 = null, wrong_codes = 0
           where destination_id = %s""",
        [now, destination_id],
    )


def remove_destination(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Erase a destination with its address. Its rules stay, and tell in their history and feed only."""
    done = connection.execute(
        "delete from price_alerts.destinations where tenant_id = %s and name = %s", [tenant_id, name]
    )
    if not done.rowcount:
        raise AlertError(f"There is no destination {name}.")


def addressed(connection: Connection, sealing: Sealing, destination_id: UUID) -> tuple[str, str, str | None]:
    """The kind, address and secret of a destination. Raises AlertError if it cannot be decrypted."""
    row = connection.execute(
        "select kind, address, secret from price_alerts.destinations where destination_id = %s", [destination_id]
    ).fetchone()
    if row is None:
        raise AlertError("The destination was removed.")
    kind, address, secret = row
    return kind, sealing.decrypt(address), sealing.decrypt(secret) if secret else None


def _hashed(destination_id: UUID, code: str) -> bytes:
    return hashlib.sha256(destination_id.bytes + code.encode()).digest()
