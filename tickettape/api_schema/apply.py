"""Apply schema `api` and its access rules on top of dbt's tables. If anything has changed, all of it is applied again.

This happens after dbt, not in a migration: dbt makes the tables, and if it makes one again, everything that depends on
it is dropped.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tickettape.database import Connection, UnavailableDatabaseError, with_short_lock_waits
from tickettape.rollups import ROLLUP_NAMES, SALES_ROLLUPS
from tickettape.settings import Settings

SQL = "\n".join(path.read_text() for path in sorted(Path(__file__).with_name("sql").glob("*.sql")))
OLDEST_SERVER = 150_000  # security_invoker (views with the caller's rights and policies) came with PostgreSQL 15
SERVED_VIEWS = (
    *("events", "zones_mapping", "ticket_snapshots", "price_trends"),
    *("mv_latest_prices", "mv_price_trends", "mv_daily_price_trends"),
    *("get_in_prices", "get_in_prices_across"),
    *("sale_probabilities", "estimated_sales", "days_on_market"),
    *("get_in_days", "zone_days", "price_forecasts", "demand_forecasts", "sales_forecasts", "forecast_skill"),
    *("base_rates", "comparables", "market_trends", "price_elasticity"),
)
SERVED_RELATIONS = (*ROLLUP_NAMES, *SERVED_VIEWS)
OF_THE_BOX_OFFICE = (*SALES_ROLLUPS, "primary_and_resale")
"""Served if they exist: they are made where tickets are sold."""

# The comment of schema api. PostgREST shows its first line as the title in OpenAPI, and the rest as the description.
ABOUT = """Tickettape
The history of ticket prices. Prices are per ticket, before fees unless a name says all_in; times are UTC."""
POSTGREST_ROLES = ("authenticator", "anon", "authenticated", "service_role")  # Supabase's names

ATTEMPTS = 5  # half a minute: the tick waits for it, and the next tick tries again
_LOCK = 7_153_909  # one process applies at a time; the others wait and then have nothing to do


class ApiNotReadyError(Exception):
    """The tables under schema `api` do not exist yet, or the server is too old."""


def apply_api_schema(connection: Connection, settings: Settings) -> bool:
    """Bring schema `api`, the reader's role and its policies up to date. Returns whether there was anything to do.

    Raises ApiNotReadyError if dbt has not made its tables yet or the server is older than PostgreSQL 15. Raises
    BusyError if somebody keeps a table locked. In both cases the schema that was applied before stays.
    """
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise ApiNotReadyError(
            f"PostgreSQL {version // 10000} is too old: schema `api` needs version 15 or newer, for row-level "
            "security in views."
        )
    if _is_applied(connection, settings):  # true at nearly every tick, so asked before anything is locked
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
    connection.execute("set local search_path = pg_catalog")  # so that a view's definition names every schema
    ensure_reader_role(connection)
    lists = {":relations": SERVED_RELATIONS, ":rollups": ROLLUP_NAMES, ":sales_rollups": SALES_ROLLUPS}
    lists[":postgrest_roles"] = POSTGREST_ROLES
    timeout = f"'{settings.statement_seconds:g}s'"
    statements = SQL.replace(":row_cap", str(settings.row_cap)).replace(":statement_timeout", timeout)
    for placeholder, names in lists.items():
        statements = statements.replace(placeholder, f"'{' '.join(names)}'")
    with make_roles(connection):
        connection.execute(statements.encode())  # bytes, because psycopg wants literals: nothing in it comes from users
        connection.execute(
            f"""alter role tickettape_reader set statement_timeout = {timeout};
                alter role tickettape_reader set plan_cache_mode = 'force_generic_plan';
                comment on schema api is '{_state(connection, settings)}'"""
        )


def api_schema_exists(connection: Connection) -> bool:
    """Whether schema `api` was ever applied. If so, dbt's tables exist too."""
    return connection.execute("select to_regnamespace('api')").fetchone() != (None,)


def ensure_reader_role(connection: Connection) -> None:
    """Make the reader's role if the server does not have it. Policies name it, also those in a backup.

    Raises UnavailableDatabaseError if the user may not make roles.
    """
    with make_roles(connection):
        connection.execute(
            """do $$ begin
                   if to_regrole('tickettape_reader') is null then
                       create role tickettape_reader nologin;
                   end if;
               exception when duplicate_object or unique_violation then null;  -- another database's program made it
               end $$"""
        )


@contextmanager
def make_roles(connection: Connection) -> Iterator[None]:
    """For a block that makes or changes roles. Raises UnavailableDatabaseError if the user may not."""
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
    """The comment that schema api has once everything is applied."""
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        return f"{ABOUT}\n\nState: {_fingerprint(connection, settings)}"


def _fingerprint(connection: Connection, settings: Settings) -> str:
    """A hash of the SQL, its settings, PostgREST's roles, and the tables and views under it with their columns."""
    found = connection.execute(
        """select relname, case relkind when 'v' then pg_get_viewdef(pg_class.oid) else pg_class.oid::text end,
               (select string_agg(attname, ',' order by attnum) from pg_attribute
                where attrelid = pg_class.oid and attnum > 0 and not attisdropped)
           from pg_class
           where relnamespace = 'analytics'::regnamespace and relname = any(%s) order by relname""",
        [[*SERVED_RELATIONS, *OF_THE_BOX_OFFICE]],
    ).fetchall()
    missing = set(SERVED_RELATIONS) - {name for name, *_ in found}
    if missing:
        raise ApiNotReadyError(
            f"dbt has not created analytics.{', analytics.'.join(sorted(missing))} yet. Run a tick first (`make tick`)."
        )
    roles = connection.execute(
        "select oid, rolname from pg_roles where rolname = any(%s) order by rolname", [list(POSTGREST_ROLES)]
    ).fetchall()
    # oids, because a table or a role that was made again has another one
    about = [SQL, settings.statement_seconds, settings.row_cap, found, roles]
    return hashlib.sha256(repr(about).encode()).hexdigest()
