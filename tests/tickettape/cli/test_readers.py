"""`tickettape readers`, by hand: a login over TCP with its password, and docs/connect.md followed to the letter."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tests.support.databases import use_database
from tests.support.served_market import EVERYONE, LEFT, build_served_template, id_of, serving
from tests.support.tcp_market import market_on_tcp
from tickettape.api_schema import connection_string, create_key
from tickettape.cli import app
from tickettape.database import psql_path
from tickettape.settings import ROOT

PAGE = (ROOT / "docs" / "connect.md").read_text()


@pytest.fixture(scope="module")
def market(server_url: str, template: str) -> Iterator[str]:
    """The served market in an embedded server with a port."""
    with market_on_tcp(server_url, build_served_template(server_url, template)) as url:
        yield url


@pytest.fixture(autouse=True)
def _the_commands_use_it(market: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, market)


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner(env=environment).invoke(app, ["readers", *arguments])
    return result.exit_code, result.output


def code(language: str, begins: str) -> str:
    """The block of the page in a language that begins so."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE, re.S | re.M)
    (block,) = [block for block in blocks if block.lstrip().startswith(begins)]
    return str(block)


def test_a_login_is_added_used_over_tcp_listed_and_removed() -> None:
    done, output = run("add", "ana")
    assert done == 0
    url = output.splitlines()[0]
    assert re.fullmatch(r"postgresql://ana:[\w-]{32}@127\.0\.0\.1:\d+/postgres", url)
    with psycopg.connect(url) as connection:
        # as with a DATABASE_URL that leads to a port
        assert connection_string(connection, "bea") == re.sub("ana.*@", "bea@", url)
        assert connection.execute("select count(*) from latest_prices").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from latest_prices")
    assert "  ana: sees every event, 0 of 5 connections" in run("list")[1]
    assert run("add", "ana")[0] == 1
    assert run("remove", "ana") == (0, "Removed the login ana.\n")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert run("list")[1] == "0 logins.\n"
    assert run("remove", "ana")[0] == 1


def test_a_password_of_ones_own_is_not_printed_and_a_tenants_login_sees_the_tenants_events() -> None:
    done, output = run("add", "bea", "--tenant", LEFT, "--connections", "2", READER_PASSWORD="my own/secret")
    assert done == 0
    assert "secret" not in output
    with psycopg.connect(output.strip(), password="my own/secret") as connection:
        assert connection.execute("select count(*) from events").fetchone() == (1,)
    assert f"  bea: sees what {LEFT} sees, 0 of 2 connections" in run("list")[1]
    assert run("remove", "bea")[0] == 0


def test_the_page_for_pandas_and_duckdb_and_psql_runs_as_it_stands(market: str, tmp_path: Path) -> None:
    reader_url = run("add", "carl")[1].splitlines()[0]
    with psycopg.connect(market, autocommit=True) as connection:
        key, event = create_key(connection, EVERYONE), str(id_of(connection, "1"))
    with serving(market) as service:
        environment = {"READER_URL": reader_url, "TICKETTAPE_KEY": key, "EVENT_ID": event}
        pandas_and_duckdb = code("python", "import os\n\nimport pandas") + code("python", "import duckdb")
        parquet = code("python", "import os\nimport urllib").replace("http://localhost:5000", service)
        printed = [_python(source, tmp_path, environment) for source in (pandas_and_duckdb, parquet)]
    statement = code("sh", "export READER_URL").splitlines()[-1].split(" -c ")[1].strip('"')
    selected = subprocess.run([psql_path(), reader_url, "-Atc", statement], capture_output=True, text=True, timeout=60)
    assert run("remove", "carl")[0] == 0
    assert re.search(r"An evening +Lower +3\.0 ", printed[0])
    assert re.search(r"Upper *│ *20\.0 *│", printed[0])
    assert re.search(r"Lower *│ *1 *│ *40\.0", printed[1])
    assert len(selected.stdout.splitlines()) == 3, selected.stderr


def _python(source: str, folder: Path, environment: dict[str, str]) -> str:
    """What a program prints."""
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "python"), "-c", source],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
