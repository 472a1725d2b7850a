"""Whatever is asked, the answer is one that OpenAPI describes: no failure, no undocumented status or shape."""

from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.support.profiles import LONG
from tests.support.served_market import EVERYONE, id_of
from tickettape.api_schema import create_key
from tickettape.database import Connection


@pytest.fixture
def described(service: str) -> Any:
    """The service by its own description; the stream apart, whose answer does not end."""
    described = httpx.get(f"{service}/openapi.json").json()
    for operations in described["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # each request has the key; what is without one is tested by itself
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=service)
    refusals = schema.config.checks.negative_data_rejection.expected_statuses
    schema.config.checks.negative_data_rejection.expected_statuses = [*refusals, "414"]  # for a text of thousands
    return schema.exclude(path_regex="/stream$|^/api/box-office/|^/api/alerts")


@pytest.fixture
def known(connection: Connection) -> tuple[str, str]:
    """A key, and an event that it sees."""
    return create_key(connection, EVERYONE, requests_per_minute=1_000_000), str(id_of(connection, "1"))


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_is_described(described: Any, known: tuple[str, str], mode: GenerationMode) -> None:
    key, event = known
    negative = mode is GenerationMode.NEGATIVE
    for found in described.get_all_operations():
        operation = found.ok()
        if negative and not operation.definition.raw.get("parameters"):
            continue  # there is none to get wrong

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=200 if LONG else 10, suppress_health_check=list(HealthCheck))
        def asked(case: Any) -> None:
            for values in (case.path_parameters, case.query):
                if values and _is_uuid(values.get("event_id")):
                    values["event_id"] = event  # a random one is answered 404, and nothing else is looked at
                if values and not negative:
                    # what OpenAPI cannot say: a cursor is an earlier answer's, a range does not end before it begins
                    values.pop("cursor", None)
                    values.pop("start_date", None)
            case.call_and_validate(headers={"X-API-Key": key})

        asked()


def _is_uuid(value: Any) -> bool:
    try:
        return bool(UUID(value))
    except (TypeError, ValueError, AttributeError):
        return False
