"""The service's own log of slow statements: its processes add to it, the health of the database shows it.

It is for servers without pg_stat_statements, such as the embedded one. It has no values, so no personal data.
"""

from datetime import date
from typing import Any, LiteralString

from psycopg.rows import dict_row

from tickettape.database import Connection

MOST_CHARACTERS = 500  # of a statement: enough to find it in the code

ADD_SLOW_STATEMENT: LiteralString = """
    insert into market.slow_statements as known (day, statement, calls, seconds, longest_seconds)
    values (%(day)s, %(statement)s, %(calls)s, %(seconds)s, %(longest_seconds)s)
    on conflict (day, statement) do update set
        calls = known.calls + excluded.calls,
        seconds = known.seconds + excluded.seconds,
        longest_seconds = greatest(known.longest_seconds, excluded.longest_seconds)"""


def slowest_statements(connection: Connection, since: date) -> list[dict[str, Any]]:
    """The ten slowest statements since a UTC day, by mean time: query, mean ms, calls, total s, longest s."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """select left(statement, 200) as query, round((1000 * sum(seconds) / sum(calls))::numeric, 1)::float
                   as "mean ms", sum(calls)::bigint as calls, round(sum(seconds)::numeric, 1)::float as "total s",
                   round(max(longest_seconds)::numeric, 1)::float as "longest s"
               from market.slow_statements where day >= %s
               group by statement order by sum(seconds) / sum(calls) desc limit 10""",
            [since],
        ).fetchall()


def delete_slow_statements_before(connection: Connection, day: date) -> int:
    """Forget the statements of the days before one. Returns how many rows there were."""
    return connection.execute("delete from market.slow_statements where day < %s", [day]).rowcount
