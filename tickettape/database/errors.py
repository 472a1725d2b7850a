"""Explain database errors to people: why the server refuses, and what to do."""

from dataclasses import dataclass
from errno import EDQUOT, ENOSPC

import psycopg


class UnavailableDatabaseError(RuntimeError):
    """The database cannot be used. The message tells a person what is wrong, and what to do."""


@dataclass(frozen=True)
class Refusal:
    """Why the server refuses every request now: what is wrong, the server's message, and what to do."""

    what: str
    said: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}\nThe reason given: {self.said}.\n{self.remedy}"

    @property
    def in_short(self) -> str:
        """What is wrong and what to do, without the server's words."""
        return f"{self.what} {self.remedy}"


_READ_ONLY = (
    "The database is read-only.",
    "After a failover, set DATABASE_URL to the primary. A URL may name several hosts: "
    "postgresql://USER@ONE,TWO/NAME?target_session_attrs=read-write finds the one that can be written to.",
)
_DISK_FULL = (
    "The database's disk is full.",
    "Free some space on it, or make it larger. Nothing that was stored is lost, and the next tick continues.",
)
_CUT = (
    "The database server was stopped, or somebody ended this connection.",
    "Wait until the server is back. The next tick tries the interrupted work again.",
)
_BY_SQLSTATE = {
    "25006": _READ_ONLY,  # read_only_sql_transaction
    "53100": _DISK_FULL,
    "57P01": _CUT,
}
_BY_WORDS = {
    "No space left on device": _DISK_FULL,  # first: a server with a full disk also refuses connections
    "Disk quota exceeded": _DISK_FULL,
    # psycopg gives no sqlstate for a refused connection, so the server's English message decides
    "too many connections for role": (
        "The database allows this user no more connections.",
        "Raise its limit (`alter role NAME connection limit …`), or stop what else connects as this user.",
    ),
    "too many connections for database": (
        "The database allows no more connections.",
        "Raise its limit (`alter database NAME connection limit …`), or stop what else connects to it.",
    ),
    "too many clients": (
        "The database server has no connection left.",
        "Stop what else is connected (pg_stat_activity lists it), or raise max_connections.",
    ),
    "connection slots are reserved": (
        "The database server has no connection left.",
        "Stop what else is connected (pg_stat_activity lists it), or raise max_connections.",
    ),
    "the database system is": (
        "The database server is starting or stopping.",
        "Wait a moment and start again. If it lasts, the server's log says why.",
    ),
    "password authentication failed": (
        "The database server does not accept the user or the password.",
        "Check the user and the password in DATABASE_URL.",
    ),
    "no pg_hba.conf entry": (
        "The database server does not accept this user from this machine.",
        "Let its administrator add the user and this machine to pg_hba.conf, or check DATABASE_URL.",
    ),
    "session is read-only": _READ_ONLY,  # target_session_attrs=read-write found no other server
    "closed the connection unexpectedly": _CUT,
}
_UNKNOWN = (
    "The database server does not know the user or the database.",
    "Create it, or check DATABASE_URL.",
)
_OF_CONNECTIONS = ("OperationalError", "ConnectionTimeout", "TooManyConnections", "CannotConnectNow")
_DOWN = (
    "The database server cannot be reached.",
    "Start it, or check DATABASE_URL. With DATABASE_URL unset, the embedded server is used.",
)
_IN_A_RECORD = {
    **_BY_WORDS,
    "read-only transaction": _READ_ONLY,
    "during recovery": _READ_ONLY,
    "terminating connection": _CUT,
    "connection to server": _DOWN,  # not "Connection refused" alone, which others say too
    "connection timeout expired": _DOWN,
}


def refusal_of(error: BaseException) -> Refusal | None:
    """The refusal that an error stands for, if it is about the whole server or a full disk; None for any other error.

    The error's causes are examined too, because SQLAlchemy and Dagster wrap the server's errors.
    """
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        found = _refusal_of(error)
        if found is not None:
            return found
        error = error.__cause__ or error.__context__ or error
    return None


def refusal_in(record: str) -> Refusal | None:
    """As `refusal_of`, for an error of which only the text is left, as in what Dagster and dbt record."""
    said = " ".join(record.split()).rstrip(".")
    found = next((found for words, found in _IN_A_RECORD.items() if words in said), None)
    return Refusal(found[0], said, found[1]) if found else None


def _refusal_of(error: BaseException) -> Refusal | None:
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return Refusal("The disk is full.", str(error), _DISK_FULL[1])
    if not isinstance(error, psycopg.Error) and not type(error).__module__.startswith("psycopg2"):
        return None  # psycopg2, which Dagster's storage uses, has the same names for its errors
    sqlstate = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    said = " ".join((primary or str(error)).split()).rstrip(".")
    if sqlstate == "0A000" and said.endswith("during recovery"):  # for `listen` and `set transaction read write`
        return Refusal(_READ_ONLY[0], said, _READ_ONLY[1])
    if sqlstate in _BY_SQLSTATE:
        what, remedy = _BY_SQLSTATE[sqlstate]
        return Refusal(what, said, remedy)
    if type(error).__name__ not in _OF_CONNECTIONS or sqlstate not in (None, "53300", "57P03"):
        return None
    otherwise = _UNKNOWN if "does not exist" in said else _DOWN
    what, remedy = next((found for words, found in _BY_WORDS.items() if words in said), otherwise)
    return Refusal(what, said, remedy)
