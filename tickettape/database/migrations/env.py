"""Alembic's entry point: run the migrations in one transaction, on the connection of `upgrade_database`.

Its waits for locks are short, and `upgrade_database` tries again: a long wait would block everybody who comes after it.
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
