"""Who may do what in schema box_office: two roles, and a list of their rights to compare with.

The rights are granted here and not in a migration, because not every owner of a database may make roles.
"""

from pathlib import Path

import psycopg

from tickettape.database import Connection, UnavailableDatabaseError

ROLES_SQL = Path(__file__).with_name("sql") / "roles.sql"
EXPECTED = Path(__file__).with_name("permissions.txt")
_LOCK = 7_153_912  # one process grants at a time


def grant_roles(connection: Connection) -> None:
    """Make the roles and grant their rights. Raises UnavailableDatabaseError if the user may not make roles."""
    try:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            connection.execute(ROLES_SQL.read_bytes())
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnavailableDatabaseError(
            f"The database user {connection.info.user} may not create the roles of the box office.\n"
            f"Postgres says: {error.diag.message_primary}.\n"
            f'Let an administrator run `alter role "{connection.info.user}" createrole`.'
        ) from error


_RIGHTS = """select 'schema: ' || acl.privilege_type || ' to ' || coalesce(roles.rolname, 'public')
    from pg_namespace, aclexplode(nspacl) as acl left join pg_roles as roles on roles.oid = acl.grantee
    where nspname = 'box_office' and acl.grantee <> nspowner
    union all
    select case relkind when 'S' then 'sequence ' else 'table ' end || relname || ': ' || acl.privilege_type
        || ' to ' || coalesce(roles.rolname, 'public')
    from pg_class, aclexplode(relacl) as acl left join pg_roles as roles on roles.oid = acl.grantee
    where relnamespace = 'box_office'::regnamespace and acl.grantee <> relowner
    union all
    select 'column ' || relname || '.' || attname || ': ' || acl.privilege_type || ' to '
        || coalesce(roles.rolname, 'public')
    from pg_attribute inner join pg_class on pg_class.oid = attrelid, aclexplode(attacl) as acl
    left join pg_roles as roles on roles.oid = acl.grantee
    where relnamespace = 'box_office'::regnamespace and acl.grantee <> relowner
    union all
    select 'function ' || proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || '): '
        || acl.privilege_type || ' to ' || coalesce(roles.rolname, 'public')
    from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl
    left join pg_roles as roles on roles.oid = acl.grantee
    where pronamespace = 'box_office'::regnamespace and acl.grantee <> proowner
    union all
    select 'rows of ' || relname || ': ' || coalesce(polname || ' ' || pg_get_expr(polqual, polrelid), 'none')
    from pg_class left join pg_policy on polrelid = pg_class.oid
    where relnamespace = 'box_office'::regnamespace and relrowsecurity"""


def permissions(connection: Connection) -> list[str]:
    """Every right of anybody but the owner in schema box_office, and every row-level rule, as sorted lines."""
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")  # so that rules are shown with every schema's name
        rows = connection.execute(_RIGHTS).fetchall()
    return sorted(" ".join(str(line).split()) for (line,) in rows)


def check_permissions(connection: Connection) -> list[str]:
    """What differs from permissions.txt: lines that begin with `+` are rights that should not be, `-` are missing."""
    found, expected = set(permissions(connection)), set(EXPECTED.read_text().splitlines())
    return sorted([f"+ {line}" for line in found - expected] + [f"- {line}" for line in expected - found])
