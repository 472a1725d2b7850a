"""The queries people are shown run as they are written, on a history of some days."""

import re

import pytest

from tickettape.database import Connection
from tickettape.settings import ROOT

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "analyst.md").read_text(), re.DOTALL)
QUERIES += re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

# the required queries, word for word
SEEDS = {
    "Get Price Trend for an Event/Zone": """
        SELECT hour as timestamp, min_price, avg_price FROM aggregated_analytics
        WHERE event_id = 'uuid-here' AND zone = 'Lower Bowl' AND hour >= NOW() - INTERVAL '7 days'
        ORDER BY hour ASC;""",
    "Get Lowest Group Prices Over Time": """
        SELECT hour as timestamp, min_price_2tickets as price_2, min_price_4tickets as price_4
        FROM aggregated_analytics
        WHERE event_id = 'uuid-here' AND zone = 'Lower Bowl' AND hour >= NOW() - INTERVAL '7 days'
        ORDER BY hour ASC;""",
    "Get Ticket Availability Trend": """
        SELECT hour as timestamp, total_tickets, total_listings FROM aggregated_analytics
        WHERE event_id = 'uuid-here' AND zone = 'Lower Bowl' AND hour >= NOW() - INTERVAL '7 days'
        ORDER BY hour ASC;""",
    "Get All Zones for an Event": """
        SELECT DISTINCT zone FROM ticket_snapshots
        WHERE event_id = 'uuid-here' AND timestamp > NOW() - INTERVAL '1 day' ORDER BY zone;""",
}


@pytest.fixture
def names(connection: Connection) -> dict[str, str]:
    """A real event and one of its zones, for the names in the examples."""
    row = connection.execute(
        """select event_id::text, zone from analytics.latest_prices inner join analytics.events on events.id = event_id
           where events.date > now() + interval '7 days' order by zone limit 1"""
    ).fetchone()
    assert row
    return {"uuid-here": row[0], "Lower Bowl": row[1]}


def run(connection: Connection, query: str, names: dict[str, str]) -> list[tuple[object, ...]]:
    for placeholder, name in names.items():
        query = query.replace(placeholder, name)
    return connection.execute(query).fetchall()


@pytest.mark.parametrize("title", SEEDS)
def test_the_schema_documents_queries_run_as_they_are_written(
    connection: Connection, names: dict[str, str], title: str
) -> None:
    rows = run(connection, SEEDS[title], names)
    if title == "Get All Zones for an Event":
        assert (names["Lower Bowl"],) in rows
    else:
        assert len(rows) >= 27  # the last day's hours, and that of the days before
        assert all(value is not None for value in rows[-1])


def test_every_query_of_the_documentation_runs_and_answers(connection: Connection, names: dict[str, str]) -> None:
    assert len(QUERIES) >= 9
    empty = [query for query in QUERIES if not run(connection, query, names) and "market.audits" not in query]
    assert empty == []
