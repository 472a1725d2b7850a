"""Rows that waited for a month, read when it is back."""

import msgspec
import pytest

from tests.support.refused_answers import MARKET, TICK, answered, in_quarantine, replay
from tickettape.archive.archived_month_replay import _read_rows
from tickettape.database import Connection
from tickettape.observations import (
    Capture,
    NotReplayable,
    quarantine_refused,
    store_captures,
)


def test_rows_that_were_held_for_a_month_before_the_upgrade_are_read_by_the_names_of_now() -> None:
    verdict = {"event_key": 1, "status": "ok", "stated_group_tickets": 7}
    held = msgspec.json.encode({"verdict": verdict, "snapshots": []})
    read = _read_rows(held).verdict
    assert read is not None
    assert read.stated_zone_tickets == 7


def test_what_is_held_for_a_month_comes_back_with_the_month_and_what_is_not_an_answer_on_its_own_way(
    connection: Connection,
) -> None:
    [event] = answered(connection, None)
    connection.execute("update market.months set state = 'archived'")
    store_captures(connection, [Capture(event, TICK, "received", answer=b"{}")], None)
    quarantine_refused(
        connection, source="simulator", external_id=None, tick=None, reason="a page", payload=b"[]", run_id=None
    )
    quarantine_refused(
        connection, source="elsewhere", external_id="1", tick=TICK, reason="theirs", payload=b"[]", run_id=None
    )
    quarantine_refused(
        connection, source="simulator", external_id="unknown", tick=TICK, reason="whose?", payload=b"[]", run_id=None
    )
    known = str(MARKET.market.productions(TICK)[0].production_id)
    quarantine_refused(
        connection, source="simulator", external_id=known, tick=TICK, reason="archived", payload=b"[]", run_id=None
    )
    words = [
        "is archived: run `tickettape restore",
        "unknown event unknown",
        "is from elsewhere",
        "catalogue",
        "--replay-late",
    ]
    for refusal, word in zip(in_quarantine(connection), words, strict=True):
        with pytest.raises(NotReplayable, match=word):
            replay(connection, refusal)
    assert len(in_quarantine(connection)) == 5
