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
def whole(service: str) -> Any:
    """The service by its own description."""
    described = httpx.get(f"{service}/openapi.json").json()
    for operations in described["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # each request has the key; what is without one is tested by itself
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=service)
    refusals = schema.config.checks.negative_data_rejection.expected_statuses
    schema.config.checks.negative_data_rejection.expected_statuses = [*refusals, "414"]  # for a text of thousands
    return schema


@pytest.fixture
def described(whole: Any) -> Any:
    """What only reads; the stream apart, whose answer does not end."""
    return whole.exclude(path_regex="/stream$|^/api/box-office/|^/api/alerts")


@pytest.fixture
def alerts(whole: Any) -> Any:
    """Price alerts. What is well formed may be refused all the same: fields of a rule must go together."""
    allowed = whole.config.checks.positive_data_acceptance.expected_statuses
    whole.config.checks.positive_data_acceptance.expected_statuses = [*allowed, "422"]
    return whole.include(path_regex="^/api/alerts")


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


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_about_alerts_is_one_that_is_described(
    alerts: Any, known: tuple[str, str], mode: GenerationMode
) -> None:
    key, event = known
    about = {"event_id": event, "condition": "below", "price": 95}
    made = httpx.post(f"{alerts.config.base_url}/api/alerts", json=about, headers={"X-API-Key": key}).json()
    for found in alerts.get_all_operations():
        operation = found.ok()
        described = operation.definition.raw
        if mode is GenerationMode.NEGATIVE and not (described.get("parameters") or described.get("requestBody")):
            continue  # there is nothing to get wrong
        if mode is GenerationMode.NEGATIVE and described["operationId"] == "remove_alert_destination":
            continue  # almost any text is a name, so none that is wrong is found

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=200 if LONG else 10, suppress_health_check=list(HealthCheck))
        def asked(case: Any) -> None:
            if _is_uuid((case.path_parameters or {}).get("rule_id")) and case.method != "DELETE":
                case.path_parameters["rule_id"] = made["rule_id"]
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict) and case.body.get("event_id"):
                case.body["event_id"] = event
            case.call_and_validate(headers={"X-API-Key": key})

        asked()


def _is_uuid(value: Any) -> bool:
    try:
        return bool(UUID(value))
    except (TypeError, ValueError, AttributeError):
        return False
