"""`tickettape match`, as it is typed."""

import getpass
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import run
from tests.tickettape.catalogue.test_event_links import EVENT
from tickettape.catalogue import upsert_events
from tickettape.database import Connection


@pytest.fixture(autouse=True)
def _two_sources(connection: Connection) -> None:
    for source in ("gametime", "vividseats"):
        upsert_events(connection, source, [EVENT | {"date": datetime.now(UTC) + timedelta(days=5)}])


def test_links_are_found_listed_refused_undone_and_confirmed() -> None:
    assert "1 automatic, 0 proposed, 0 ended" in run("match", "run")[1]
    output = run("match", "list")[1]
    assert "automatic 0.93  gametime:1 = vividseats:1  (venue by name and city; rules" in output
    assert "Ducks at Flames / Ducks at Flames" in output
    assert run("match", "refuse", "vividseats:1", "gametime:1") == (0, "vividseats:1 and gametime:1: refused.\n")
    assert "0 automatic" in run("match", "run")[1]
    assert getpass.getuser() in run("match", "list", "--state", "refused")[1]
    assert run("match", "undo", "gametime:1", "vividseats:1")[1] == "gametime:1 and vividseats:1: automatic.\n"
    assert run("match", "confirm", "gametime:1", "vividseats:1")[0] == 0
    assert "1 link." in run("match", "list", "--state", "confirmed")[1]


def test_venues_are_told_apart_or_together() -> None:
    assert "are two venues" in run("match", "venue", "gametime:v1", "vividseats:v1", "--different")[1]
    assert "0 automatic" in run("match", "run")[1]
    assert "are one venue" in run("match", "venue", "gametime:v1", "vividseats:v1")[1]
    assert "1 automatic" in run("match", "run")[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["confirm", "gametime", "vividseats:1"], 2),
        (["confirm", "gametime:1", "gametime:2"], 1),
        (["venue", "gametime:1", "gametime:2"], 1),
        (["undo", "gametime:1", "vividseats:9"], 1),
    ],
)
def test_what_cannot_be_decided_says_why(arguments: list[str], code: int) -> None:
    assert run("match", *arguments)[0] == code
