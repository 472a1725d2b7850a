"""Alembic's entry: run the versions on the connection that `upgrade` was given, in one transaction.

Its waits for locks are short, and `upgrade` tries again: while it waits, everybody who comes after it waits too.
"""

from alembic import context
from sqlalchemy import text

from tickettape.database.lock_waits import shorten_lock_waits

connection = context.config.attributes["connection"]
with connection.begin():
    shorten_lock_waits(connection.connection.driver_connection)
    connection.execute(text("create schema if not exists market"))
    context.configure(connection=connection, version_table_schema="market")
    with context.begin_transaction():
        context.run_migrations()
