"""Snapshots that come for a closed month wait with their rows."""

from datetime import UTC, datetime

import pandas as pd

from tests.support.old_months import JULY, fill
from tickettape.archive.month_archive import close_month
from tickettape.database import (
    Connection,
)
from tickettape.observations import (
    SNAPSHOT_COLUMNS,
    AnswerVerdict,
    lock_held,
    replace_snapshots,
)


def test_a5_snapshots_that_come_for_a_closed_month_are_quarantined_with_their_rows(connection: Connection) -> None:
    [event, _] = fill(connection, JULY)
    tick = datetime(2026, 7, 1, tzinfo=UTC)
    close_month(connection, JULY)
    before = connection.execute("select count(*), sum(price_sum_cents) from market.section_snapshots").fetchone()
    stored = connection.execute("select section_key from market.sections where event_key = %s", [event]).fetchone()
    assert stored
    row = dict.fromkeys(SNAPSHOT_COLUMNS, 1) | {
        "event_key": event,
        "section_key": stored[0],
        "lowest_price_cents": 700,
    }
    frame = pd.DataFrame([row | {"lowest_price_4tickets_cents": None}]).drop(columns="tick")
    with connection.transaction():
        assert not replace_snapshots(connection, tick, [AnswerVerdict(event, "ok")], frame)
    assert (
        connection.execute("select count(*), sum(price_sum_cents) from market.section_snapshots").fetchone() == before
    )
    [held] = lock_held(connection, "simulator", tick)
    assert b'"lowest_price_cents":700' in held.payload
    assert b'"lowest_price_4tickets_cents":null' in held.payload
    assert b'"status":"ok"' in held.payload
