"""The service's log of slow statements."""

from datetime import date

from tickettape.api_schema import ADD_SLOW_STATEMENT, delete_slow_statements_before, slowest_statements
from tickettape.database import Connection

DAY = date(2026, 11, 28)


def took(connection: Connection, statement: str, *seconds: float, day: date = DAY) -> None:
    """What a process of the service adds."""
    row = {"calls": len(seconds), "seconds": sum(seconds), "longest_seconds": max(seconds)}
    connection.execute(ADD_SLOW_STATEMENT, row | {"day": day, "statement": statement})


def test_what_processes_add_is_one_row_a_day_and_the_slowest_come_first(connection: Connection) -> None:
    took(connection, "select 1", 1.5, 2.5)
    took(connection, "select 1", 5)
    took(connection, "select 1", 1, day=date(2026, 11, 29))
    took(connection, "select 2", 9)
    took(connection, "select 3", 60, day=date(2026, 11, 20))
    assert slowest_statements(connection, DAY) == [
        {"query": "select 2", "mean ms": 9000.0, "calls": 1, "total s": 9.0, "longest s": 9.0},
        {"query": "select 1", "mean ms": 2500.0, "calls": 4, "total s": 10.0, "longest s": 5.0},
    ]
    assert delete_slow_statements_before(connection, DAY) == 1
    assert [row["query"] for row in slowest_statements(connection, date(2026, 1, 1))] == ["select 2", "select 1"]
