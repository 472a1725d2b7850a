"""Events are found as people type their names: without case and accents, in either Unicode form."""

import unicodedata
from collections.abc import Callable

from tests.support.markets import add_event
from tests.support.served_market import EVERYONE, Ask
from tickettape.database import Connection

NAMES = {
    "beyonce": unicodedata.normalize("NFC", "BEYONCÉ – Renaissance"),
    "sigur": unicodedata.normalize("NFD", "Sigur Rós"),
    "guns": "Guns N’ Roses",
    "mo": "MØ at Große Freiheit",
    "zhenya": "Женя Ёлкин",
}


FOUND = [
    ("search", "beyonce", "beyonce"),
    ("search", "Beyoncé - Ren", "beyonce"),
    ("search", "SIGUR ROS", "sigur"),
    ("search", "ur rós", "sigur"),
    ("search", "n' roses", "guns"),
    ("search", "mø", "mo"),
    ("search", "mo at grosse", "mo"),
    ("search", "ЁЛКИН", "zhenya"),
    ("search", "елкин", "zhenya"),
    ("search", "sigurd", None),
    ("venue", "cafe", "beyonce"),
    ("city", "MONTREAL", "sigur"),
    ("city", "montréal", "sigur"),
    ("city", "montr", None),
    ("category", "theatre", "guns"),
    ("performer", "celine", "mo"),
]


def test_case_accents_and_the_unicode_form_do_not_matter(connection: Connection, ask: Callable[[str], Ask]) -> None:
    more = {
        "beyonce": {"venue": "Café Olé"}, "sigur": {"city": "Montréal"}, "guns": {"category": "Théâtre"},
        "mo": {"performer_name": "Céline"},
    }  # fmt: skip
    for key, name in NAMES.items():
        add_event(connection, key, name=name, **more.get(key, {}))
    get = ask(EVERYONE)
    for parameter, typed, found in FOUND:
        for form in ("NFC", "NFD"):
            answer = get("/api/events", **{parameter: unicodedata.normalize(form, typed)}).json()
            assert [event["external_id"] for event in answer["data"]] == ([found] if found else []), typed
