"""Looks at an event in the service count, and are forgotten."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.support.markets import NOON, TEN, add_event
from tests.support.polled_events import sight_of
from tickettape.catalogue import ADD_EVENT_VIEWS, delete_event_views_before
from tickettape.database import Connection

HOUR = timedelta(hours=1)


def record_views(connection: Connection, views: dict[int, int], at: datetime) -> None:
    ids: dict[Any, Any] = dict(connection.execute("select event_key, id from market.events").fetchall())
    asked = {"ids": [ids.get(key, uuid4()) for key in views], "counts": list(views.values()), "at": at}
    connection.execute(ADD_EVENT_VIEWS, asked)


def test_views_of_the_last_day_count_and_are_forgotten_later(connection: Connection) -> None:
    key, other = add_event(connection, "1"), add_event(connection, "2")
    record_views(connection, {key: 2, other: 0, 999: 5}, NOON - HOUR)
    record_views(connection, {key: 3}, NOON - HOUR + TEN)
    record_views(connection, {key: 1}, NOON - 23 * HOUR)
    record_views(connection, {key: 100}, NOON - 25 * HOUR)
    record_views(connection, {}, NOON)
    assert (sight_of(connection, key).views, sight_of(connection, other).views) == (6, 0)
    assert delete_event_views_before(connection, NOON - 24 * HOUR) == 1
    assert connection.execute("select sum(views) from market.event_views").fetchone() == (6,)
