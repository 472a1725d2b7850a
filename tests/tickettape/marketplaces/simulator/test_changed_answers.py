"""Each format's own faults: what an answer that was changed on purpose is captured as."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.spoken_formats import FORMATS_SPOKEN, simulated_event
from tickettape.marketplaces import Refused
from tickettape.marketplaces.simulator.changed_answers import CHANGES, OwnFault, captured_as
from tickettape.marketplaces.simulator.faults import Fault
from tickettape.marketplaces.two_replies import join_replies

SPOKEN = {one.name: one for one in FORMATS_SPOKEN}
EVENTS = {name: simulated_event(SPOKEN[name]) for name in CHANGES}
PARTS = {
    "ticketevolution": ({"listings": "/v9/listings", "stats": "/stats"}, {"price_basis": "retail_price"}),
    "gametime": ({"event": "/v1/events", "listings": "/v1/listings"}, {}),
}


def captured(name: str, fault: str | None) -> str:
    """What an answer of this format is captured as."""
    event, (parts, said) = EVENTS[name], PARTS[name]
    replies: dict[str, bytes | None] = {}
    for part, path in parts.items():
        reply: Any = next(one for known, one in event.replies.items() if known.endswith(path))
        reply = msgspec.json.decode(json.dumps(reply, default=lambda one: float(Decimal(one))))
        changed = CHANGES[name][fault](reply) if fault and part == "listings" else reply
        replies[part] = msgspec.json.encode(changed)
    marketplace = event.spoken.client("http://127.0.0.1:1")
    try:
        return marketplace.read_listings(join_replies(replies, **said), event.event_id, 0.05).status
    except Refused:
        return "rejected"


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name, changes in CHANGES.items() for fault in changes], ids=str
)
def test_a_changed_answer_is_captured_as_its_fault_says(name: str, fault: str) -> None:
    assert captured(name, fault) == captured_as(fault)


@pytest.mark.parametrize("name", list(CHANGES))
def test_control_the_same_answer_unchanged_is_ok(name: str) -> None:
    assert captured(name, None) == "ok"


def test_every_own_fault_is_caused_somewhere_and_has_a_status() -> None:
    assert {fault for changes in CHANGES.values() for fault in changes if fault not in set(Fault)} == set(OwnFault)
    assert {captured_as(fault) for fault in OwnFault} <= {"ok", "partial", "rejected"}
