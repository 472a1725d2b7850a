"""Schema `api` and who may see what: applied on top of dbt's tables, whole, when either has changed.

dbt makes its tables and may remake them, and with them goes what stands on them: hence after dbt, not in a migration.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tickettape.database import Connection, UnavailableDatabaseError, with_short_lock_waits
from tickettape.rollups import ROLLUP_NAMES, SNAPSHOT_ROLLUPS
from tickettape.settings import Settings

SQL = "\n".join(path.read_text() for path in sorted(Path(__file__).with_name("sql").glob("*.sql")))
OLDEST_SERVER = 150_000  # views with the caller's rights and policies (security_invoker) came with PostgreSQL 15
SERVED_VIEWS = (
    *("events", "zones_mapping", "ticket_snapshots", "price_trends"),
    *("mv_latest_prices", "mv_price_trends", "mv_daily_price_trends"),
    *("get_in_prices", "estimated_sales", "days_on_market"),
)
SERVED_RELATIONS = (*ROLLUP_NAMES, *SERVED_VIEWS)

# The comment of schema api, which PostgREST shows: its first line is the title of OpenAPI, the rest the description.
ABOUT = """Tickettape
The history of ticket prices. Prices are per ticket, before fees unless a name says all_in; times are UTC."""
POSTGREST_ROLES = ("authenticator", "anon", "authenticated", "service_role")  # Supabase's names

ATTEMPTS = 5  # half a minute: a tick waits for it, and the next one tries again
_LOCK = 7_153_909  # one process applies at a time; the others wait and find it done


class ApiNotReadyError(Exception):
    """What `api` stands on is not there, or the server is too old for it."""


def apply_api_schema(connection: Connection, settings: Settings) -> bool:
    """Bring schema `api`, the reader's role and its policies up to date; whether there was anything to do.

    Raises ApiNotReadyError where dbt has not made its tables yet, or the server is older than PostgreSQL 15, and
    BusyError where somebody keeps a table locked: what was applied before stays.
    """
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise ApiNotReadyError(
            f"PostgreSQL {version // 10000} is too old: schema `api` needs version 15 or newer, for row-level "
            "security in views."
        )
    if _is_applied(connection, settings):  # asked before anything is locked: so it is at nearly every tick
        return False

    def apply() -> bool:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if _is_applied(connection, settings):
            return False
        _apply(connection, settings)
        return True

    return with_short_lock_waits(connection, apply, "Applying schema api", attempts=ATTEMPTS)


def _is_applied(connection: Connection, settings: Settings) -> bool:
    found = connection.execute("select obj_description(to_regnamespace('api'))").fetchone()
    return found == (_state(connection, settings),)


def _apply(connection: Connection, settings: Settings) -> None:
    connection.execute("set local search_path = pg_catalog")  # a view's definition then names every schema
    ensure_reader_role(connection)
    lists = {":relations": SERVED_RELATIONS, ":rollups": ROLLUP_NAMES, ":snapshot_rollups": SNAPSHOT_ROLLUPS}
    lists[":postgrest_roles"] = POSTGREST_ROLES
    timeout = f"'{settings.statement_seconds:g}s'"
    statements = SQL.replace(":row_cap", str(settings.row_cap)).replace(":statement_timeout", timeout)
    for placeholder, names in lists.items():
        statements = statements.replace(placeholder, f"'{' '.join(names)}'")
    with _roles_may_be_made(connection):
        connection.execute(statements.encode())  # bytes: a literal, made of nothing that anybody sends
        connection.execute(
            f"""alter role tickettape_reader set statement_timeout = {timeout};
                alter role tickettape_reader set plan_cache_mode = 'force_generic_plan';
                comment on schema api is '{_state(connection, settings)}'"""
        )


def api_schema_exists(connection: Connection) -> bool:
    """Whether schema `api` was ever applied: then dbt's tables are there too."""
    return connection.execute("select to_regnamespace('api')").fetchone() != (None,)


def ensure_reader_role(connection: Connection) -> None:
    """Make the reader's role where the server has none: policies name it, those of a backup too.

    Raises UnavailableDatabaseError where the user may not.
    """
    with _roles_may_be_made(connection):
        connection.execute(
            """do $$ begin
                   if to_regrole('tickettape_reader') is null then
                       create role tickettape_reader nologin;
                   end if;
               exception when duplicate_object or unique_violation then null;  -- roles are of the server: another did
               end $$"""
        )


@contextmanager
def _roles_may_be_made(connection: Connection) -> Iterator[None]:
    user = connection.info.user
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnavailableDatabaseError(
            f"The database user {user} lacks a right that schema api and its role tickettape_reader need.\n"
            f"Postgres says: {error.diag.message_primary}.\n"
            f'Let an administrator run `alter role "{user}" createrole`, and where tickettape_reader exists already '
            f'`grant tickettape_reader to "{user}" with admin option`.'
        ) from error


def _state(connection: Connection, settings: Settings) -> str:
    """The comment of schema api when all of it is applied."""
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        return f"{ABOUT}\n\nState: {_fingerprint(connection, settings)}"


def _fingerprint(connection: Connection, settings: Settings) -> str:
    """The SQL, its settings, PostgREST's roles, and the tables and views under it: which they are, what they hold."""
    found = connection.execute(
        """select relname, case relkind when 'v' then pg_get_viewdef(pg_class.oid) else pg_class.oid::text end,
               (select string_agg(attname, ',' order by attnum) from pg_attribute
                where attrelid = pg_class.oid and attnum > 0 and not attisdropped)
           from pg_class
           where relnamespace = 'analytics'::regnamespace and relname = any(%s) order by relname""",
        [list(SERVED_RELATIONS)],
    ).fetchall()
    missing = set(SERVED_RELATIONS) - {name for name, *_ in found}
    if missing:
        raise ApiNotReadyError(
            f"dbt has not created analytics.{', analytics.'.join(sorted(missing))} yet. Run a tick first (`make tick`)."
        )
    roles = connection.execute(
        "select oid, rolname from pg_roles where rolname = any(%s) order by rolname", [list(POSTGREST_ROLES)]
    ).fetchall()
    # a table that dbt remade has another oid, and so has a role
    about = [SQL, settings.statement_seconds, settings.row_cap, found, roles]
    return hashlib.sha256(repr(about).encode()).hexdigest()
