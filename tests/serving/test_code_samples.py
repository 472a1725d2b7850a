"""The code in OpenAPI, in cURL, JavaScript and Python, is run as it stands, against the service."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.answers import EVENT_ID
from serving.answers.listings import LISTING_ID
from serving.app import build_app
from serving.openapi.code_samples import SERVICE
from tests.support.described_answers import operations
from tests.support.said_forecasts import add_comparables, keep_record, say_forecasts
from tests.support.served_market import ADD_PAST, ADD_SALE, EVERYONE, Ask, add_another_source, id_of
from tests.support.sold_events import ADD_SOLD
from tests.support.tools import needs_curl, needs_node
from tickettape.api_schema import create_key
from tickettape.database import Connection
from tickettape.settings import Settings

STREAM = "stream_latest_prices"
Samples = dict[str, str]
"""The code by the operation."""

_NODE = ["node", "--input-type=module", "--eval"]


@pytest.fixture
def samples(service: str, connection: Connection) -> Callable[[str], Samples]:
    """The code of a language, about this market: its address, its event and its zone."""
    document = build_app(Settings(), "").openapi()
    connection.execute(f"{ADD_PAST};{ADD_SALE};{ADD_SOLD}")
    add_another_source(connection)
    add_comparables(connection)
    (event_key,) = connection.execute("select event_key from market.events where external_id = '1'").fetchone() or ()
    today = datetime(2026, 11, 20, tzinfo=UTC)
    say_forecasts(connection, event_key, today)
    keep_record(connection, today)

    def of(language: str) -> Samples:
        found = {}
        for name, (_, operation) in operations(document).items():
            for sample in operation.get("x-codeSamples", ()):
                if sample["lang"] == language:
                    code = str(sample["source"]).replace(SERVICE, service).replace("Lower%20Bowl", "Lower")
                    event = id_of(connection, "new" if name == "list_comparables" else "1")
                    found[name] = code.replace(EVENT_ID, str(event)).replace(LISTING_ID, "101-0")
        return found

    return of


@pytest.fixture
def environment(connection: Connection) -> dict[str, str]:
    return os.environ | {"KEY": create_key(connection, EVERYONE)}


@pytest.fixture
def expected(samples: Callable[[str], Samples], ask: Callable[[str], Ask], service: str) -> dict[str, Any]:
    """What each operation answers, asked for by the address in its code."""
    get = ask(EVERYONE)
    paths = {
        name: code.split('"')[-2].removeprefix(service) for name, code in samples("Shell").items() if name != STREAM
    }
    answers = {name: without_ages(get(path).json()) for name, path in paths.items()}
    empty = [name for name, answer in answers.items() if not answer.get("data", True)]
    assert not empty, "each example finds something"
    return answers


@needs_curl
def test_every_example_in_curl_runs(
    samples: Callable[[str], Samples], environment: dict[str, str], expected: dict[str, Any]
) -> None:
    code = samples("Shell")
    first_message(["sh", "-c", f"exec {code.pop(STREAM)}"], environment)
    for name, command in code.items():
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True, timeout=60)
        assert without_ages(json.loads(done.stdout)) == expected[name], name


@needs_node
def test_every_example_in_javascript_runs(
    samples: Callable[[str], Samples], environment: dict[str, str], expected: dict[str, Any]
) -> None:
    code = samples("JavaScript")
    key = "const key = process.env.KEY;"
    first_message([*_NODE, key + code.pop(STREAM)], environment)
    program = key + "".join(f"{{ {one}\nconsole.log(JSON.stringify(answer)); }}\n" for one in code.values())
    done = subprocess.run([*_NODE, program], env=environment, capture_output=True, check=True, timeout=60)
    answers = map(without_ages, map(json.loads, done.stdout.splitlines()))
    assert dict(zip(code, answers, strict=True)) == expected


def test_every_example_in_python_runs(
    samples: Callable[[str], Samples], environment: dict[str, str], expected: dict[str, Any]
) -> None:
    code = samples("Python")
    first_message([sys.executable, "-u", "-c", f"import os; key = os.environ['KEY']\n{code.pop(STREAM)}"], environment)
    for name, source in code.items():
        names = {"key": environment["KEY"]}
        exec(source, names)
        assert without_ages(names["answer"]) == expected[name], name


def without_ages(answer: Any) -> Any:
    """An answer without the minutes since a capture, which pass while examples run."""
    if isinstance(answer, list):
        return [without_ages(one) for one in answer]
    if isinstance(answer, dict):
        return {name: without_ages(value) for name, value in answer.items() if name != "age_minutes"}
    return answer


def first_message(command: list[str], environment: dict[str, str]) -> None:
    """Run what reads the stream until its first message is printed."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        try:
            assert reader.stdout.readline() == "event: latest\n"
        finally:
            reader.terminate()
