"""Answers of the other formats, changed on purpose: each format's own ways of being wrong.

`faults` causes them. `captured_as` says which status an event then has. Pure functions of the decoded answer.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from tickettape.marketplaces.simulator.faults import CAPTURED_AS, Fault

Change = Callable[[Any], Any]


class OwnFault(StrEnum):
    """What only some formats can have wrong."""

    SPLIT_ABOVE = "a quantity that may be bought, above the quantity"
    NO_SPLITS = "a listing without quantities to buy"
    THIRD_DECIMAL = "a price with three decimals"
    UNKNOWN_TYPE = "a listing of a type that is not known"
    ONE_QUANTITY = "an answer for one quantity"
    BELOW_FEES = "a price with fees below the one without"
    OTHER_SHAPE = "listings as an object by id, as another version has them"


OWN_CAPTURED_AS: dict[str, str] = {
    OwnFault.SPLIT_ABOVE: "partial",
    OwnFault.NO_SPLITS: "ok",
    OwnFault.THIRD_DECIMAL: "ok",
    OwnFault.UNKNOWN_TYPE: "ok",
    OwnFault.ONE_QUANTITY: "partial",
    OwnFault.BELOW_FEES: "ok",
    OwnFault.OTHER_SHAPE: "rejected",
}
"""The status of an event that meets no other; "ok" because the listing is left out and its section has another."""


def captured_as(fault: str) -> str:
    """The status of an event that meets this fault and no other."""
    return OWN_CAPTURED_AS.get(fault) or CAPTURED_AS[Fault(fault)]


def _of_list(key: str, change: Change) -> Change:
    return lambda answer: answer | {key: change(answer[key])} if answer.get(key) else answer


def _one(key: str, change: Change, place: str = "section") -> Change:
    """Change one listing in a section that has another one, so that nothing looks sold out without it."""

    def changed(listings: list[Any]) -> list[Any]:
        places = [one[place] for one in listings]
        bad = next((index for index, one in enumerate(places) if places.count(one) > 1), 0)
        return [change(one) if index == bad else one for index, one in enumerate(listings)]

    return _of_list(key, changed)


def _without(key: str) -> Change:
    return lambda answer: {name: value for name, value in answer.items() if name != key}


def _dearest(price: Callable[[Any], float]) -> Change:
    return lambda listings: sorted(listings, key=price)[len(listings) * 4 // 10 :]


def _priced(price: dict[str, int]) -> Change:
    return lambda one: one | {"price": one["price"] | price}


CHANGES: dict[str, dict[str, Change]] = {
    "ticketevolution": {
        Fault.NO_TICKETS: _of_list("ticket_groups", lambda _: []),
        Fault.CUT: _of_list("ticket_groups", _dearest(lambda one: one["retail_price"])),
        Fault.MIXED_UP: _one("ticket_groups", lambda one: one | {"event": one["event"] | {"id": 1}}),
        Fault.NEW_FIELD: _of_list("ticket_groups", lambda all_: [one | {"mood": "calm"} for one in all_]),
        Fault.CHANGED_TYPE: _of_list("ticket_groups", lambda all_: [one | {"id": str(one["id"])} for one in all_]),
        Fault.MISSING_FIELD: _without("ticket_groups"),
        Fault.WORTHLESS: _one("ticket_groups", lambda one: one | {"retail_price": 0}),
        OwnFault.SPLIT_ABOVE: _one("ticket_groups", lambda one: one | {"splits": [*one["splits"], 99]}),
        OwnFault.NO_SPLITS: _one("ticket_groups", lambda one: one | {"splits": []}),
        OwnFault.THIRD_DECIMAL: _one("ticket_groups", lambda one: one | {"retail_price": 51.375}),
        OwnFault.UNKNOWN_TYPE: _one("ticket_groups", lambda one: one | {"type": "voucher"}),
    },
    "gametime": {
        Fault.NO_TICKETS: _of_list("listings", lambda _: []),
        Fault.CUT: _of_list("listings", _dearest(lambda one: one["price"]["total"])),
        Fault.MIXED_UP: _one("listings", lambda one: one | {"event_id": "0" * 24}),
        Fault.NEW_FIELD: _of_list("listings", lambda all_: [one | {"mood": "calm"} for one in all_]),
        Fault.CHANGED_TYPE: _of_list("listings", lambda all_: [one | {"lots": str(one["lots"])} for one in all_]),
        Fault.MISSING_FIELD: _without("listings"),
        Fault.WORTHLESS: _one("listings", _priced({"prefee": 0})),
        OwnFault.NO_SPLITS: _one("listings", lambda one: one | {"lots": []}),
        OwnFault.BELOW_FEES: _one("listings", _priced({"total": 1})),
        OwnFault.ONE_QUANTITY: _of_list("listings", lambda all_: [one | {"lots": [2]} for one in all_]),
        OwnFault.OTHER_SHAPE: _of_list("listings", lambda all_: {one["id"]: one for one in all_}),
    },
}
"""By format: how an answer is changed for each fault that the format can have."""
