"""Reads all that a key sees, with the client that openapi-python-client makes of /openapi.json.

A test runs it after mypy has checked it: every page, row and field has its type.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar

from tickettape_client import AuthenticatedClient
from tickettape_client.api.analytics import get_group_prices, get_price_trends, get_ticket_counts
from tickettape_client.api.events import get_event, get_latest_prices, list_events, list_zones
from tickettape_client.models import (
    Event,
    EventDetail,
    EventPage,
    EventZones,
    GroupPrice,
    GroupPrices,
    LatestPrices,
    PriceTrend,
    PriceTrends,
    Problem,
    TicketCount,
    TicketCounts,
)
from tickettape_client.types import UNSET, Unset

FIRST, LAST = date(2026, 11, 20), datetime(2026, 11, 20, 23, tzinfo=UTC)


class Page(Protocol):
    """What a page has: where the next one begins."""

    next_cursor: str | None


P = TypeVar("P", bound=Page)
T = TypeVar("T")


def main() -> None:
    """Print a line for each row: the operation, the row, and one of its fields by name."""
    client = AuthenticatedClient(os.environ["URL"], os.environ["KEY"], raise_on_unexpected_status=True)
    for event in events(client):
        say("list_events", event.to_dict(), event.date.year if event.date else 0)
        detail = given(EventDetail, get_event.sync(event.id, client=client))
        say("get_event", detail.to_dict(), detail.total_tickets + detail.zones)
        for zone in given(EventZones, list_zones.sync(event.id, client=client)).data:
            say("list_zones", zone.to_dict(), ", ".join(zone.sections))
        for price in given(LatestPrices, get_latest_prices.sync(event.id, client=client)).data:
            say("get_latest_prices", price.to_dict(), round(price.last_price * price.total_tickets))
        for trend in price_trends(client, event):
            say("get_price_trends", trend.to_dict(), trend.timestamp.hour if trend.min_price else 0)
        for group in group_prices(client, event):
            say("get_group_prices", group.to_dict(), round(2 * (group.price_2 or 0)))
        for count in ticket_counts(client, event):
            say("get_ticket_counts", count.to_dict(), count.total_tickets or 0)


def say(operation: str, row: dict[str, object], field: int | str) -> None:
    """Print a row."""
    sys.stdout.write(json.dumps([operation, row, field]) + "\n")


def events(client: AuthenticatedClient) -> Iterator[Event]:
    """The events of all pages."""
    for page in pages(EventPage, lambda at: list_events.sync(client=client, limit=1, cursor=at)):
        yield from page.data


def price_trends(client: AuthenticatedClient, event: Event) -> Iterator[PriceTrend]:
    """The points of all pages."""

    def ask(at: str | Unset) -> object:
        return get_price_trends.sync(
            client=client, event_id=event.id, start_date=FIRST, end_date=LAST, limit=2, cursor=at
        )

    for page in pages(PriceTrends, ask):
        yield from page.data


def group_prices(client: AuthenticatedClient, event: Event) -> Iterator[GroupPrice]:
    """The points of all pages."""

    def ask(at: str | Unset) -> object:
        return get_group_prices.sync(
            client=client, event_id=event.id, start_date=FIRST, end_date=LAST, limit=2, cursor=at
        )

    for page in pages(GroupPrices, ask):
        yield from page.data


def ticket_counts(client: AuthenticatedClient, event: Event) -> Iterator[TicketCount]:
    """The points of all pages."""

    def ask(at: str | Unset) -> object:
        return get_ticket_counts.sync(
            client=client, event_id=event.id, start_date=FIRST, end_date=LAST, limit=2, cursor=at
        )

    for page in pages(TicketCounts, ask):
        yield from page.data


def pages(kind: type[P], ask: Callable[[str | Unset], object]) -> Iterator[P]:
    """The pages of an answer, one after another."""
    cursor: str | Unset | None = UNSET
    while cursor is not None:
        page = given(kind, ask(cursor))
        yield page
        cursor = page.next_cursor


def given(kind: type[T], answer: object) -> T:
    """The answer, if it is what was asked for."""
    if isinstance(answer, Problem):
        sys.exit(f"{answer.status}: {answer.detail}")
    assert isinstance(answer, kind)
    return answer


if __name__ == "__main__":
    main()
