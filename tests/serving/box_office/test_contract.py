"""Whatever is asked of the box office, the answer is one that OpenAPI describes: no failure, no undocumented status."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.support.profiles import LONG
from tests.support.served_box_office import Client, Shop

HASHING = {"sign_up", "log_in"}
"""Each takes as long as a password's hash."""


@pytest.fixture
def described(served: str) -> Any:
    """The box office by its own description."""
    document = httpx.get(f"{served}/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # each request has the session; what is without one is tested by itself
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=served)
    checks = schema.config.checks
    # what is well formed may be refused all the same: it is sold out, or the values do not fit together
    allowed = checks.positive_data_acceptance.expected_statuses
    checks.positive_data_acceptance.expected_statuses = [*allowed, "400", "409", "422", "429"]
    refusals = checks.negative_data_rejection.expected_statuses
    checks.negative_data_rejection.expected_statuses = [*refusals, "409", "413", "414", "429"]
    return schema.include(path_regex="^/api/box-office/")


@pytest.fixture
def known(shop: Shop) -> tuple[Client, dict[str, int]]:
    """A promoter who buys, too, and what they have: an event, a tier, an order, …"""
    promoter = shop.promoter()
    event = shop.office.event(promoter_id=shop.of(promoter))
    tier, seats = shop.office.tier(event, 100), shop.office.seats(event, rows=4)
    order = promoter.made(f"/events/{event}/orders", {"lines": [{"tier_id": tier, "quantity": 1}]})["order_id"]
    promoter.made(f"/orders/{order}/pay")
    booking = promoter.made(f"/events/{event}/bookings", {"seats": seats[:2]})["booking_id"]
    ids = {"event_id": event, "tier_id": tier, "order_id": order, "booking_id": booking}
    ids["waitlist_id"] = promoter.made(f"/events/{event}/waitlist")["waitlist_id"]
    ids["ticket_id"] = promoter.read("/tickets")["data"][0]["ticket_id"]
    return promoter, ids


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_is_described(
    described: Any, known: tuple[Client, dict[str, int]], mode: GenerationMode
) -> None:
    buyer, ids = known
    negative = mode is GenerationMode.NEGATIVE
    for found in described.get_all_operations():
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if "sessions" in operation.path and operation.method != "get" and name != "log_in":
            continue  # it would end the session of this test: test_accounts does that
        if negative and not (operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody")):
            continue  # without a parameter there is none to get wrong

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=(20 if name in HASHING else 200) if LONG else 3, suppress_health_check=list(HealthCheck))
        def asked(case: Any) -> None:
            for part, value in (case.path_parameters or {}).items():
                if part in ids and isinstance(value, int) and value > 0:
                    case.path_parameters[part] = ids[part]  # a random one is answered 404, and nothing else is tried
            if case.query and not negative:
                for parameter in ("cursor", "start_from", "start_to"):
                    case.query.pop(parameter, None)
            case.call_and_validate(headers={"authorization": f"Bearer {buyer.token}"})

        asked()
