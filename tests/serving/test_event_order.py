"""The order of /api/events: first what is still to come, then what has no date, then what is past; and its pages."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from serving.routes import events
from tests.support.markets import add_event
from tests.support.served_market import EVERYONE, Ask
from tickettape.database import Connection

HOUR = timedelta(hours=1)
# the market's own two are in June 2027; two begin at the same time
BEGIN = {"10": -30 * HOUR, "11": -2 * HOUR, "12": -HOUR, "13": -HOUR, "14": HOUR, "15": 2 * HOUR, "16": 2 * HOUR}


@pytest.fixture
def get(ask: Callable[[str], Ask], connection: Connection) -> Ask:
    now = datetime.now(UTC)
    for external_id, begins in BEGIN.items():
        add_event(connection, external_id, name=f"Event {external_id}", date=now + begins)
    add_event(connection, "17", name="Event 17", date=None, date_status="postponed")
    connection.execute("update market.events set date = now() + interval '1 year' where external_id in ('1', '2')")
    return ask(EVERYONE)


def pages(get: Ask, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a search, by their cursors."""
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        answer = get("/api/events", **parameters, **cursor).json()
        yield answer["data"]
        cursor = {"cursor": answer["next_cursor"]} if answer["next_cursor"] else None


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [event["external_id"] for event in found]


def grouped(found: list[str]) -> list[set[str]]:
    """Those that begin at the same time, whose order is that of their random ids, as sets."""
    return [set(found[:1]), set(found[1:3]), set(found[3:5]), {found[5]}, set(found[6:8]), {found[8]}, {found[9]}]


def test_what_is_still_to_come_is_first_and_pages_cross_the_border(get: Ask) -> None:
    whole = ids(get("/api/events").json()["data"])
    assert grouped(whole) == [{"14"}, {"15", "16"}, {"1", "2"}, {"17"}, {"12", "13"}, {"11"}, {"10"}]
    for limit in range(1, len(whole) + 1):
        assert ids([event for page in pages(get, limit=limit, sort="upcoming") for event in page]) == whole


@pytest.mark.parametrize("field", ["date", "name"])
def test_the_other_four_orders_and_their_pages(get: Ask, field: str) -> None:
    for sort in (field, f"-{field}"):
        found = [event for page in pages(get, limit=3, sort=sort) for event in page]
        keys = [(event[field] or "no date: after all others", event["id"]) for event in found]
        assert keys == sorted(set(keys), reverse=sort.startswith("-"))
        assert len(keys) == 10


def test_an_event_that_begins_between_two_pages_is_neither_repeated_nor_left_out(
    get: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return super().now(tz) + HOUR + HOUR / 2

    whole = ids(get("/api/events").json()["data"])
    following = pages(get, limit=1)
    found = ids(next(following))
    assert found == ["14"]
    monkeypatch.setattr(events, "datetime", Later)
    found += ids([event for page in following for event in page])
    assert found == whole
    # control: who asks now gets it among the past ones
    assert ids(get("/api/events").json()["data"]).index("14") == 5


def test_a_cursor_is_of_one_order_alone(get: Ask) -> None:
    cursor = get("/api/events", limit=1).json()["next_cursor"]
    refused = get("/api/events", limit=1, sort="date", cursor=cursor)
    assert refused.status_code == 422
    assert "sorted by upcoming" in refused.json()["detail"]
