"""The people of the box office, and erasing one of them: the orders and their money stay."""

from datetime import UTC, datetime

import msgspec

from tickettape.box_office.passwords import hash_password
from tickettape.box_office.refusals import RefusedError, call
from tickettape.database import Connection
from tickettape.file_storage import Storage

ERASED = "erased-users"
"""The folder beside the backups, not in them: who is erased stays erased after an older backup is restored."""


class Erased(msgspec.Struct, frozen=True):
    """That a user was erased, and when. It holds nothing of the person."""

    user_id: int
    erased_at: datetime


def add_user(connection: Connection, email: str, full_name: str, password: str, *, role: str = "customer") -> int:
    """Add a user. Returns the id."""
    row = connection.execute(
        "insert into box_office.users (email, full_name, password_hash, role) values (%s, %s, %s, %s) returning id",
        [normal_email(email), full_name, hash_password(password), role],
    ).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    return int(row[0])


def make_promoter(connection: Connection, email: str, company: str) -> int:
    """Let a user sell events. Returns the promoter. Raises RefusedError if there is no such user."""
    row = connection.execute(
        "select id from box_office.users where email = %s and deleted_at is null", [normal_email(email)]
    ).fetchone()
    if row is None:
        raise RefusedError("unknown", f"There is no user {email}. Let them sign up first.")
    return int(call(connection, "select box_office.make_promoter(%s, %s)", row[0], company))


def normal_email(email: str) -> str:
    """An address as it is stored: its letters are small."""
    return email.strip().lower()


def erase_user(connection: Connection, storage: Storage, user_id: int) -> None:
    """Erase a person, and remember it outside the database. Raises RefusedError if there is no such user."""
    call(connection, "select box_office.erase_user(%s)", user_id)
    storage.write_json(f"{ERASED}/{user_id}.json", Erased(user_id, datetime.now(UTC)))


def forget_old(connection: Connection) -> None:
    """Delete what is past its time: notifications, deleted users, audit entries, sessions, idempotency keys.

    Deleted users with orders are erased.
    """
    call(connection, "select box_office.forget_old()")
    call(connection, "select box_office.forget_sessions()")


def erase_again(connection: Connection, storage: Storage) -> int:
    """After a restore: erase whom the backup still knows, and forget who was deleted long ago. How many were erased."""
    if connection.execute("select to_regclass('box_office.users')").fetchone() == (None,):
        return 0  # the backup is older than the box office
    erased = [storage.read_json(name, Erased) for name in storage.names(f"{ERASED}/*.json")]
    known = connection.execute(
        "select id from box_office.users where id = any(%s) and erased_at is null order by id",
        [[one.user_id for one in erased if one]],
    ).fetchall()
    for (user_id,) in known:
        call(connection, "select box_office.erase_user(%s)", user_id)
    call(connection, "select box_office.forget_old()")
    return len(known)
