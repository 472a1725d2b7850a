"""An incident is told once, again after a while, and when it is over."""

from datetime import datetime, timedelta

from tests.support.markets import NOON, TEN
from tickettape.database import Connection
from tickettape.incidents import (
    Incident,
    newest_incidents,
    record_incidents,
    record_told,
)

HOUR = timedelta(hours=1)
REPEAT = timedelta(hours=12)


def note(connection: Connection, *about: str, at: datetime) -> tuple[list[str], list[str]]:
    incidents = [Incident(name, f"{name} is wrong", "Mend it.") for name in about]
    new, over = record_incidents(connection, incidents, now=at, repeat=REPEAT)
    record_told(connection, new, at)
    return [one.about for one in new], [one.about for one in over]


def test_an_incident_is_told_once_again_after_a_while_and_when_it_is_over(connection: Connection) -> None:
    assert note(connection, "breaker", at=NOON) == (["breaker"], [])
    for minute in range(1, 60):
        assert note(connection, "breaker", at=NOON + timedelta(minutes=minute)) == ([], [])
    assert note(connection, "breaker", "storage", at=NOON + HOUR) == (["storage"], [])
    breaker = next(one for one in newest_incidents(connection, 5) if one["about"] == "breaker")
    assert (breaker["about"], breaker["folded"], breaker["first_at"], breaker["last_at"]) == (
        "breaker", 60, NOON, NOON + HOUR,
    )  # fmt: skip
    assert note(connection, "breaker", at=NOON + REPEAT) == (["breaker"], ["storage"])
    assert note(connection, at=NOON + REPEAT + HOUR) == ([], ["breaker"])
    assert note(connection, at=NOON + REPEAT + 2 * HOUR) == ([], [])
    assert all(one["ended_at"] for one in newest_incidents(connection, 5))


def test_an_incident_that_comes_and_goes_is_one(connection: Connection) -> None:
    note(connection, "breaker", at=NOON)
    assert note(connection, at=NOON + TEN) == ([], ["breaker"])
    for number in range(2, 20, 2):
        assert note(connection, "breaker", at=NOON + number * TEN) == ([], [])
        assert note(connection, at=NOON + (number + 1) * TEN) == ([], [])
    assert len(newest_incidents(connection, 5)) == 1
    assert note(connection, "breaker", at=NOON + 2 * REPEAT) == (["breaker"], [])  # that long after, it is another
    assert len(newest_incidents(connection, 5)) == 2


def test_what_could_not_be_told_is_tried_again_and_not_told_when_it_is_over(connection: Connection) -> None:
    incident = Incident("breaker", "blocked", "Wait.")
    for number in range(3):
        new, over = record_incidents(connection, [incident], now=NOON + number * TEN, repeat=REPEAT)
        assert ([one.about for one in new], over) == (["breaker"], [])
    assert record_incidents(connection, [], now=NOON + HOUR, repeat=REPEAT) == ([], [])
