"""Alembic's entry: run the versions against the URL that `upgrade` was given, in one transaction."""

from alembic import context
from sqlalchemy import create_engine, text

from tickettape.database.server import sqlalchemy_url

engine = create_engine(sqlalchemy_url(context.config.attributes["url"], driver="psycopg"))
with engine.begin() as connection:
    connection.execute(text("create schema if not exists market"))
    context.configure(connection=connection, version_table_schema="market")
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
