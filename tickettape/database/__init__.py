"""Rows in, rows out: everything that speaks SQL to schema `market`.

No Dagster and no HTTP here. Each module is one table's life or one step of it; a function takes an open
connection first, and the caller decides where a transaction begins and ends.
"""

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
