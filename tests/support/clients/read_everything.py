"""Reads all that a key sees, with the client that openapi-python-client makes of /openapi.json.

A test runs it after mypy has checked it: every page, row and field has its type.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Protocol, TypeVar

from tickettape_client import AuthenticatedClient
from tickettape_client.api.analytics import get_group_prices, get_price_trends, get_ticket_counts
from tickettape_client.api.events import (
    get_days_on_market,
    get_estimated_sales,
    get_event,
    get_get_in_prices,
    get_inventory_changes,
    get_latest_prices,
    get_listing_history,
    get_price_distribution,
    get_price_spread,
    list_across_markets,
    list_board,
    list_events,
    list_links,
    list_listings,
    list_movers,
    list_shared_offers,
    list_zones,
)
from tickettape_client.models import (
    AcrossMarkets,
    Board,
    DaysOnMarket,
    EstimatedSales,
    Event,
    EventDetail,
    EventLinks,
    EventPage,
    EventZones,
    GetInPrices,
    GroupPrice,
    GroupPrices,
    InventoryChanges,
    LatestPrices,
    ListingHistory,
    Listings,
    ListMoversDays,
    Movers,
    PriceDistribution,
    PriceSpreads,
    PriceTrend,
    PriceTrends,
    Problem,
    SharedOffers,
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
        read_listings(client, event)
        read_series(client, event)
        read_markets(client, event)
    for board in pages(Board, lambda at: list_board.sync(client=client, limit=1, cursor=at)):
        for row in board.data:
            say("list_board", row.to_dict(), f"{row.kind} {len(row.sparkline)} {row.age_minutes}")
    for links in pages(EventLinks, lambda at: list_links.sync(client=client, limit=1, cursor=at)):
        for link in links.data:
            say("list_links", link.to_dict(), f"{link.name} {link.other_name} {link.confidence}")
    for movers in pages(Movers, lambda at: list_movers.sync(client=client, days=ListMoversDays(1), limit=1, cursor=at)):
        for mover in movers.data:
            say("list_movers", mover.to_dict(), round(100 * mover.share))


def read_listings(client: AuthenticatedClient, event: Event) -> None:
    """The event's listings and the history of each."""
    for page in pages(Listings, lambda at: list_listings.sync(event.id, client=client, limit=1, cursor=at)):
        for listing in page.data:
            say("list_listings", listing.to_dict(), listing.first_seen_at.day)
            known = listing.listing_id

            def history(at: str | Unset, known: str = known) -> object:
                return get_listing_history.sync(event.id, known, client=client, limit=1, cursor=at)

            for states in pages(ListingHistory, history):
                for state in states.data:
                    say("get_listing_history", state.to_dict(), state.from_tick.minute)


def read_markets(client: AuthenticatedClient, event: Event) -> None:
    """The event at each source."""
    for side in given(AcrossMarkets, list_across_markets.sync(event.id, client=client)).data:
        say("list_across_markets", side.to_dict(), round(100 * (side.ticket_share or 0)))
    for offer in given(SharedOffers, list_shared_offers.sync(event.id, client=client)).data:
        say("list_shared_offers", offer.to_dict(), round(offer.price - offer.other_price))
    spread_of = partial(get_price_spread.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for spreads in pages(PriceSpreads, lambda at: spread_of(cursor=at)):
        for spread in spreads.data:
            say("get_price_spread", spread.to_dict(), round(spread.spread or 0))


def read_series(client: AuthenticatedClient, event: Event) -> None:
    """The other series of the event."""
    get_in = partial(get_get_in_prices.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for prices in pages(GetInPrices, lambda at: get_in(cursor=at)):
        for price in prices.data:
            say("get_get_in_prices", price.to_dict(), round(price.price_2 or 0))
    spread_of = partial(get_price_distribution.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for spreads in pages(PriceDistribution, lambda at: spread_of(cursor=at)):
        for spread in spreads.data:
            say("get_price_distribution", spread.to_dict(), round(spread.median_price or 0))
    changes_of = partial(get_inventory_changes.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for changes in pages(InventoryChanges, lambda at: changes_of(cursor=at)):
        for change in changes.data:
            say("get_inventory_changes", change.to_dict(), change.appeared or 0)
    sales_of = partial(get_estimated_sales.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for sales in pages(EstimatedSales, lambda at: sales_of(cursor=at)):
        for sale in sales.data:
            say("get_estimated_sales", sale.to_dict(), sale.sold_tickets or 0)
    days_of = partial(get_days_on_market.sync, event.id, client=client, start_date=FIRST, end_date=LAST, limit=1)
    for days in pages(DaysOnMarket, lambda at: days_of(cursor=at)):
        for day in days.data:
            say("get_days_on_market", day.to_dict(), round(day.median_days))


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
