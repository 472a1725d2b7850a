"""What an analyst is told: every column is described, every word in a column's name explained, offline."""

import re
from typing import Any

import pytest
from dbt.contracts.graph.nodes import ModelNode

from tests.support.dbt_runs import TARGET, manifest, outcomes, run_dbt, tries_dbt
from tickettape.database import Connection


def documented() -> dict[tuple[str, str], Any]:
    """Every table, view and source by (schema, name), as dbt knows it."""
    models: list[Any] = [node for node in manifest().nodes.values() if isinstance(node, ModelNode)]
    return {(node.schema, node.name): node for node in [*models, *manifest().sources.values()]}


def columns_of(connection: Connection, schema: str) -> dict[str, list[str]]:
    """The columns of every relation of a schema, but for partitions and what Alembic keeps."""
    rows = connection.execute(
        """select c.relname, array_agg(a.attname::text order by a.attnum)
           from pg_class c inner join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = to_regnamespace(%s) and c.relkind in ('r', 'p', 'v') and not c.relispartition
               and a.attnum > 0 and not a.attisdropped and c.relname != 'alembic_version'
           group by c.relname""",
        [schema],
    ).fetchall()
    return {str(name): list(columns) for name, columns in rows}


def test_every_column_of_every_table_is_described(connection: Connection) -> None:
    undescribed = [
        f"{schema}.{table}.{column}"
        for schema in ("market", "analytics")
        for table, columns in columns_of(connection, schema).items()
        for column in columns
        if (node := documented().get((schema, table))) is None
        or not (node.columns.get(column) and node.columns[column].description.strip())
    ]
    assert undescribed == []


def test_no_description_is_of_a_column_that_is_gone(connection: Connection) -> None:
    gone = [
        f"{schema}.{name}.{column}"
        for (schema, name), node in documented().items()
        if name in columns_of(connection, schema)  # not the ephemeral ones
        for column in node.columns
        if column not in columns_of(connection, schema)[name]
    ]
    assert gone == []


@pytest.mark.usefixtures("database_url")  # dbt parses for a database
def test_every_table_says_what_one_row_is() -> None:
    silent = [name for name, node in documented().items() if "row" not in node.description.lower()]
    assert silent == []


@pytest.mark.usefixtures("database_url")  # dbt parses for a database
def test_every_word_in_a_column_name_is_explained() -> None:
    overview = manifest().docs["doc.tickettape.__overview__"].block_contents.partition("### The words")[2]
    explained = {
        word.strip() for row in re.findall(r"^\| ([a-z0-9, ]+) \|", overview, re.MULTILINE) for word in row.split(",")
    }
    words = {word for node in documented().values() for column in node.columns for word in column.split("_")}
    assert words - explained == set()


def test_every_mart_has_an_enforced_contract_and_every_rollup_its_keys(connection: Connection) -> None:
    marts = [node for node in manifest().nodes.values() if isinstance(node, ModelNode) and node.schema == "analytics"]
    assert [node.name for node in marts if "marts" in node.fqn and not node.contract.enforced] == []
    keys = {
        (str(table), str(kind))
        for table, kind in connection.execute(
            """select conrelid::regclass::text, contype from pg_constraint
               where connamespace = 'analytics'::regnamespace and contype in ('p', 'f')"""
        )
    }
    rollups = [node.name for node in marts if "rollup" in node.config.tags]
    # those of the box office reference no table of it: dbt sees only its views
    sold = {(name, "p") for name in ("event_sales_summary", "event_sales_hours", "event_sales_days", "sell_through")}
    assert {(table.removeprefix("analytics."), kind) for table, kind in keys} == {
        (name, kind) for name in rollups for kind in ("p", "f")
    } | sold


@pytest.mark.usefixtures("database_url")
def test_the_documentation_is_one_page_that_needs_no_network() -> None:
    run_dbt("docs", "generate", "--static")
    page = (TARGET / "static_index.html").read_text()
    assert "Four things to know before the first query" in page
    assert "prices_do_not_jump" in page
    assert re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?:""", page) == []


def test_the_newest_ok_capture_is_fresh_and_two_hours_later_it_is_not(connection: Connection) -> None:
    (fresh,) = outcomes(run_dbt("source", "freshness"))
    assert fresh.status in ("pass", "warn")  # a slow machine may be past 25 minutes
    connection.execute("delete from market.captures where tick > now() - interval '2 hours'")
    (stale,) = outcomes(tries_dbt("source", "freshness"))
    assert stale.status == "error"
