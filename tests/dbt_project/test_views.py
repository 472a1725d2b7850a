"""Views are replaced in place, and only where their SQL changed: nobody ever finds one missing, or waits for one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt_common.events.base_types import EventMsg

from tests.support.dbt_runs import PLACE, fresh_manifest, run_dbt, tries_dbt
from tickettape.database import Connection, Warehouse
from tickettape.rollups import export_dbt_environment
from tickettape.rollups.dbt import dbt_runner
from tickettape.settings import Settings

VIEW = "analytics.price_trends"


def identity(connection: Connection, view: str) -> object:
    """Changes whenever the view is made or replaced."""
    return connection.execute(
        """select classes.oid, rules.xmin from pg_class as classes
           inner join pg_rewrite as rules on rules.ev_class = classes.oid where classes.oid = to_regclass(%s)""",
        [view],
    ).fetchone()


def make_older(connection: Connection) -> None:
    """The view as an older version may have made it: with a column that is gone, and what people built on it."""
    definition = connection.execute("select pg_get_viewdef(%s::regclass)", [VIEW]).fetchone()
    assert definition
    connection.execute(
        f"""drop view {VIEW} cascade;
            create view {VIEW} as select 1 as gone, now.* from ({definition[0].rstrip(";")}) as now;
            create view public.zones_of_mine with (security_barrier = true) as select distinct zone from {VIEW};
            create view public.needs_what_is_gone as select gone from {VIEW};
            grant select on {VIEW}, public.zones_of_mine to pg_monitor""".encode()
    )


def replacing_statements() -> list[str]:
    """What dbt sends to replace the view, for any session of this test's database."""
    sent: list[str] = []

    def note(event: EventMsg) -> None:
        if event.info.name == "SQLQuery" and "create temporary view" in event.data.sql:
            sent.append(event.data.sql)

    export_dbt_environment(Settings())
    runner = dbt_runner(fresh_manifest(), callbacks=[note])
    assert runner.invoke(["run", "--select", "price_trends", *PLACE, "--quiet"]).success
    assert len(sent) == 1
    return sent


def readable(connection: Connection, view: str) -> bool:
    row = connection.execute("select has_table_privilege('pg_monitor', to_regclass(%s), 'select')", [view]).fetchone()
    return bool(row and row[0])


def test_a_view_whose_sql_did_not_change_is_left_alone_and_waits_for_no_reader(
    connection: Connection, warehouse: Warehouse
) -> None:
    before = identity(connection, VIEW)
    with warehouse.connection() as reader, reader.transaction():
        reader.execute(f"select * from {VIEW} limit 1")
        run_dbt("run", "--select", "price_trends")
    assert identity(connection, VIEW) == before


def test_a_view_that_gains_a_column_is_replaced_under_those_who_built_on_it(connection: Connection) -> None:
    connection.execute(
        f"""drop view {VIEW} cascade; create view {VIEW} as select null::uuid as event_id;
            create view public.events_of_mine as select event_id from {VIEW}""".encode()
    )
    before = connection.execute("select to_regclass(%s)::oid", [VIEW]).fetchone()
    run_dbt("run", "--select", "price_trends")
    assert connection.execute("select to_regclass(%s)::oid", [VIEW]).fetchone() == before
    connection.execute(f"select zone from {VIEW} limit 0")
    connection.execute("select * from public.events_of_mine limit 0")


def test_a_view_that_loses_a_column_keeps_what_stands_on_it_but_for_what_needs_the_column(
    connection: Connection,
) -> None:
    make_older(connection)
    run_dbt("run", "--select", "price_trends")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        connection.execute(f"select gone from {VIEW}")
    connection.execute("select zone from public.zones_of_mine")
    assert readable(connection, VIEW)
    assert readable(connection, "public.zones_of_mine")
    options = connection.execute("select reloptions from pg_class where relname = 'zones_of_mine'").fetchone()
    assert options == (["security_barrier=true"],)
    assert connection.execute("select to_regclass('public.needs_what_is_gone')").fetchone() == (None,)


def test_nobody_finds_a_view_missing_while_it_is_replaced(connection: Connection, warehouse: Warehouse) -> None:
    statements = replacing_statements()
    make_older(connection)
    replaced, read_on = threading.Event(), threading.Event()

    def replace() -> None:
        with warehouse.connection() as builder, builder.transaction():
            for statement in statements:
                builder.execute(statement.encode())
            replaced.set()
            assert read_on.wait(20)

    def ask() -> object:
        with warehouse.connection() as reader:
            return reader.execute("select count(*) >= 0 from public.zones_of_mine").fetchone()

    with ThreadPoolExecutor(2) as pool:
        build = pool.submit(replace)
        assert replaced.wait(20)
        answer = pool.submit(ask)
        time.sleep(0.3)  # long enough for the reader to stand behind the build
        assert not answer.done()
        read_on.set()
        build.result(20)
        assert answer.result(20) == (True,)


def test_control_a_view_that_is_renamed_and_dropped_takes_what_stands_on_it(connection: Connection) -> None:
    make_older(connection)
    connection.execute(
        f"""alter view {VIEW} rename to price_trends__dbt_backup;
            create view {VIEW} as select zone from analytics.price_trends__dbt_backup limit 0""".encode()
    )
    connection.execute("drop view analytics.price_trends__dbt_backup cascade")
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("select zone from public.zones_of_mine")


def test_builds_that_run_beside_each_other_replace_a_view_once(connection: Connection, warehouse: Warehouse) -> None:
    statements = replacing_statements()
    make_older(connection)
    together = threading.Barrier(8)

    def build(_: int) -> None:
        with warehouse.connection() as builder, builder.transaction():
            together.wait(20)
            for statement in statements:
                builder.execute(statement.encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(build, range(8)))
    connection.execute(f"select zone from {VIEW} limit 0")


def test_a_table_in_a_views_place_is_not_dropped(connection: Connection) -> None:
    connection.execute("drop view analytics.days_on_market; create table analytics.days_on_market as select 1 as kept")
    result = tries_dbt("run", "--select", "days_on_market")
    assert not result.success
    assert isinstance(result.result, RunExecutionResult)
    assert "its rows would be lost" in str(result.result.results[0].message)
    assert connection.execute("select kept from analytics.days_on_market").fetchone() == (1,)
