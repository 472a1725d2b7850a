"""Events whose polls are planned."""

from datetime import datetime

from tests.support.markets import NOON
from tickettape.database import Connection
from tickettape.observations.poll_schedule_store import EventActivity, event_activity


def sight_of(connection: Connection, key: int, tick: datetime = NOON) -> EventActivity:
    return next(one for one in event_activity(connection, "simulator", tick) if one.event_key == key)
