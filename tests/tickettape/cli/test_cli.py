"""The command `tickettape`, as people type it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.loopback_servers import served
from tests.support.markets import add_event
from tests.support.slow_simulator import answering
from tickettape.catalogue import decide_link, follow_linked_events, record_discovery, track_rule, tracking_rules
from tickettape.cli import app, console
from tickettape.database import Connection
from tickettape.settings import Settings

IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT19:00:00Z")
DETAILS = {
    "id": 4833304, "name": "Someone at The Hall", "localDate": "2030-01-01T19:00:00-06:00[America/Chicago]",
    "utcDate": IN_A_MONTH, "dateTbd": False, "timeTbd": False, "hidden": False, "categoryId": 2,
    "venue": {"id": 1, "name": "The Hall", "city": "Chicago", "state": "IL", "countryCode": "US",
              "timezone": "America/Chicago"},
    "performers": [{"id": 9, "name": "Someone", "master": True}],
}  # fmt: skip


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_tracked_simulated_events_say_that_they_are_invented(connection: Connection) -> None:
    code, output = run("track", "--search", "simulated")
    assert code == 0, output
    assert "24 events" in output
    code, output = run("tracked")
    assert "invented events and prices" in output
    assert output.count("(simulated)") == 24


def test_what_is_untracked_is_no_longer_listed(connection: Connection) -> None:
    run("track", "--search", "simulated")
    assert run("untrack", "--search", "simulated")[0] == 0
    assert "0 rules" in run("tracked")[1]
    code, output = run("untrack", "--search", "simulated")
    assert code == 1
    assert "is not tracked" in output


def test_what_is_tracked_because_another_source_tracks_it_says_so(connection: Connection) -> None:
    add_event(connection, "v1", source="vividseats", date=datetime.now(UTC) + timedelta(days=30))
    track_rule(connection, "vividseats", "event", "v1")
    (rule,) = tracking_rules(connection, "vividseats")
    record_discovery(connection, rule, ["v1"], datetime.now(UTC))
    decide_link(connection, ("simulator", "s1"), ("vividseats", "v1"), "confirmed", "somebody")
    follow_linked_events(connection, "simulator")
    assert "event s1 (not checked yet, as another source tracks the same event)" in run("tracked")[1]
    code, output = run("untrack", "--event", "s1")
    assert code == 1
    assert "Stop tracking it there, or refuse the link" in " ".join(output.split())


def test_exactly_one_thing_is_tracked_at_a_time() -> None:
    for arguments in ([], ["--event", "1", "--venue", "2"]):
        code, output = run("track", *arguments)
        assert code == 2
        assert "exactly one" in output


def test_a_production_is_tracked_with_its_name_date_and_venue(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(answering({"/productions/4833304/details": DETAILS})) as url:
        monkeypatch.setattr(console, "settings", lambda: Settings(marketplace_url=url))
        code, output = run("track", "--event", "4833304")
    assert code == 0, output
    assert connection.execute(
        "select source, external_id, name, venue, city, performer_name, active from market.events"
    ).fetchall() == [("vividseats", "4833304", "Someone at The Hall", "The Hall", "Chicago", "Someone", True)]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"dateTbd": True}, "date not yet known"),
        ({"name": "Someone at The Hall (Postponed)"}, "postponed"),
        ({"utcDate": "9999-01-01T00:00:00Z"}, "date not yet known"),
        ({"timeTbd": True}, ", time unknown"),
        ({"venue": None}, "venue unknown"),
    ],
)
def test_an_event_of_which_little_is_known_is_tracked_and_what_it_is_is_said(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], shown: str
) -> None:
    with served(answering({"/productions/4833304/details": DETAILS | said})) as url:
        monkeypatch.setattr(console, "settings", lambda: Settings(marketplace_url=url))
        code, output = run("track", "--event", "4833304")
        assert (code, shown in output) == (0, True)
        _, output = run("tracked")
    assert "1 events watched" in output
    assert shown in output or said == {"venue": None}
    assert connection.execute("select venue = 'unknown' from market.events").fetchone() == (said == {"venue": None},)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (DETAILS | {"utcDate": "soon"}, "has the date 'soon'"),
        (DETAILS | {"name": "VIP Parking - Someone at The Hall"}, "pass for parking"),
        (None, "4833304"),
    ],
)
def test_a_production_that_is_unknown_or_no_event_is_not_tracked_and_the_error_says_so(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, document: object, reason: str
) -> None:
    with served(answering({"/productions/4833304/details": document})) as url:
        monkeypatch.setattr(console, "settings", lambda: Settings(marketplace_url=url))
        code, output = run("track", "--event", "4833304")
    assert code == 1
    assert "Cannot track event" in output
    assert reason in output
    assert connection.execute("select count(*) from market.tracked_rules").fetchone() == (0,)
