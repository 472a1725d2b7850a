"""The box office's statements: each request is one transaction, as the role that may do what it asks, for one person.

The role and the person end with the transaction. The pool is its own, so that a rush for tickets leaves the connections
of the price API alone.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, LiteralString, cast

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool

from serving.database import WAIT_SECONDS, CountSlow, Database, open_database
from serving.responses.problems import Problem
from tickettape.box_office import (
    Begun,
    Payment,
    Providers,
    RefusedError,
    Told,
    carry_out,
    providers_of,
    receive,
    tidy,
    told_to,
)
from tickettape.database import (
    CONNECT_TIMEOUT_SECONDS,
    KEEPALIVES,
    Connection,
    UnavailableDatabaseError,
    Warehouse,
    encrypted_conninfo,
    encrypted_warehouse,
)
from tickettape.settings import Settings

POOL_SIZE = 8  # as many as the price API has: the process is the bottleneck
PAYING_AT_ONCE = 4  # requests to a provider: each has a thread and a connection while it waits

TIDY_SECONDS = 10.0
MOST_SESSIONS = 10_000  # that a process remembers; the least recently used go first

log = logging.getLogger(__name__)

Role = Literal["buyer", "promoter", "accounts", "payments"]

_WRITING: LiteralString = "set transaction read write; "
_ENTER: dict[Role, LiteralString] = {
    "buyer": "select box_office.enter(%(session)s); ",
    "promoter": "select box_office.enter_as_promoter(%(session)s); ",
}
_AS: dict[Role, LiteralString] = {
    "buyer": "set local role tickettape_buyer; ",
    "promoter": "set local role tickettape_promoter; ",
    "accounts": "set local role tickettape_accounts; ",
    "payments": "set local role tickettape_payments; ",
}
TRY_AGAIN = {"retry-after": "1"}


class KnownSessions:
    """The sessions that this process has seen to be valid: their requests are counted apart from their address's."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, session: bytes) -> bool:
        return session in self._seen

    def add(self, session: bytes) -> None:
        """It is valid."""
        self._seen[session] = None
        self._seen.move_to_end(session)
        if len(self._seen) > MOST_SESSIONS:
            self._seen.popitem(last=False)

    def forget(self, session: bytes) -> None:
        """It has ended."""
        self._seen.pop(session, None)


class Desk:
    """Where requests of buyers, promoters and providers are carried out."""

    def __init__(
        self,
        database: Database,
        paying: "ConnectionPool[Connection]",
        providers: Providers,
        warehouse: Warehouse,
        sessions: KnownSessions,
    ) -> None:
        self._database = database
        self._paying = paying
        self._warehouse = warehouse
        self._sessions = sessions
        self.providers = providers

    @property
    def provider(self) -> str:
        """The name of the payment provider."""
        return next(iter(self.providers))

    async def ask(
        self,
        question: LiteralString,
        values: Mapping[str, Any] | None = None,
        *,
        session: bytes | None = None,
        role: Role = "buyer",
        write: bool = False,
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement. Raises Problem."""
        enter = _ENTER[role] if session else ""
        text = (_WRITING if write else "") + enter + _AS[role] + question
        with_person = {**(values or {}), "session": session}
        try:
            cursor = await self._database.transact(text, with_person)
        except psycopg.Error as error:
            if session and error.sqlstate == "PT401":
                self._sessions.forget(session)
            problem = refusal_of_the_box_office(error)
            if problem is None:
                raise
            raise problem from error
        if session:
            self._sessions.add(session)
        return await cursor.fetchall()

    async def knows(self, session: bytes) -> bool:
        """Whether a session is valid."""
        try:
            await self.ask("select 1", session=session)
        except Problem as problem:
            if problem.status == 401:
                return False
            raise
        return True

    async def one(self, question: LiteralString, values: Mapping[str, Any] | None = None, **how: Any) -> Any:
        """The one value that a statement returns. Raises Problem."""
        rows = await self.ask(question, values, **how)
        return rows[0][0] if rows else None

    async def carry_out(self, begun: Begun, told: Told | None) -> Payment:
        """Ask the provider for a payment that has begun, and write what it says. `told`: how a simulated one ends.

        Raises ProviderError.
        """

        def work(connection: Connection) -> Payment:
            provider = self.providers[begun.provider]
            if told:
                provider = told_to(provider, told, begun.provider_id)
            return carry_out(connection, provider, begun)

        return cast(Payment, await self._in_thread(work))

    async def receive(self, provider: str, payload: bytes, signature: str) -> str:
        """A message of a provider. Returns what became of it. Raises BadSignatureError."""
        return str(
            await self._in_thread(lambda connection: receive(connection, self.providers[provider], payload, signature))
        )

    async def keep_tidy(self) -> None:
        """End what has expired, finish payments, return money and serve the waitlist, again and again.

        It acts for nobody, so it has the rights of the service itself. Nobody waits for it, and each process does it.
        """

        def run() -> None:
            with self._warehouse.connection() as connection:
                tidy(connection, self.providers)

        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await asyncio.to_thread(run)
            except (psycopg.Error, UnavailableDatabaseError, RefusedError) as error:
                log.warning("The box office could not be tidied: %s", " ".join(str(error).split()))
            except Exception:  # otherwise this process would never tidy again, and nobody would hear of it
                log.exception("The box office could not be tidied. The next round tries again.")

    async def _in_thread(self, work: Callable[[Connection], Any]) -> Any:
        def run() -> Any:
            with self._paying.connection() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except psycopg.Error as error:
            problem = refusal_of_the_box_office(error)
            if problem is None:
                raise
            raise problem from error


def refusal_of_the_box_office(error: psycopg.Error) -> Problem | None:
    """What a refusal of schema box_office means to the client; None for other errors."""
    if (error.sqlstate or "").startswith("PT"):
        kind = error.diag.message_detail or "state"
        return Problem(int((error.sqlstate or "PT500")[2:]), error.diag.message_primary or "", kind=kind)
    if isinstance(error, errors.LockNotAvailable) and "lock timeout" not in str(error):
        return Problem(409, "Another buyer is taking one of these seats.", kind="taken")
    if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable | errors.DeadlockDetected):
        return Problem(503, "Too many people are buying at this moment. Try again.", headers=TRY_AGAIN)
    if isinstance(error, errors.UniqueViolation):
        return Problem(
            409, f"It exists already: {error.diag.message_detail or error.diag.message_primary}", kind="state"
        )
    if isinstance(error, errors.IntegrityError):
        return Problem(422, f"The values do not fit together: {error.diag.message_primary}.", kind="limit")
    if isinstance(error, errors.InvalidParameterValue | errors.UndefinedObject) and "role" in str(error):
        return Problem(503, "The roles of the box office are missing. Run `tickettape box-office grant`.")
    return None


@asynccontextmanager
async def open_desk(
    url: str, settings: Settings, count_slow: CountSlow, sessions: KnownSessions
) -> AsyncIterator[Desk]:
    """The desk for the block. It reaches the database on another host only through TLS."""
    plain_allowed = settings.box_office_plain_database
    conninfo = encrypted_conninfo(url, plain_allowed=plain_allowed)
    warehouse = encrypted_warehouse(url, plain_allowed=plain_allowed)

    def act_as_payments(connection: Connection) -> None:
        connection.autocommit = True
        connection.execute("set role tickettape_payments")

    paying: ConnectionPool[Connection] = ConnectionPool(
        conninfo,
        min_size=0,
        max_size=PAYING_AT_ONCE,
        timeout=WAIT_SECONDS,
        open=False,
        configure=act_as_payments,
        kwargs={
            "application_name": "tickettape-payments",
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": "-c timezone=UTC -c statement_timeout=30s -c lock_timeout=30s",
            **KEEPALIVES,
        },
    )
    # what was sold must outlast a crash, unlike what is counted
    durable = {"synchronous_commit": "on"}
    async with open_database(conninfo, settings, count_slow, size=POOL_SIZE, more_options=durable) as database:
        paying.open()
        try:
            yield Desk(database, paying, providers_of(settings, warehouse), warehouse, sessions)
        finally:
            paying.close()
