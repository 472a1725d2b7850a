"""Two productions over real HTTP, from `track` to the rollups, one against a calculation of its own from its answer
and one whose answer is cut short. Both in one tick, which takes as long as all the rest."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from tests.support.loopback_servers import served
from tests.support.processes import BIN, database_of, empty_home, start, tick_once
from tests.support.slow_simulator import answering
from tickettape.marketplaces.simulator import answers
from tickettape.marketplaces.simulator.market import Market

CENT = Decimal("0.01")


def recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Two of (production id, listings answer, details answer), as a marketplace sends them."""
    now = datetime.now(UTC)
    market = Market(seed=3)
    productions = [p for p in market.productions(now) if p.date > now + timedelta(days=5)][:2]
    return [
        (
            str(production.production_id),
            msgspec.json.decode(answers.listings(market, production, now)),
            msgspec.json.decode(answers.details(market, production, now)),
        )
        for production in productions
    ]


def money(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def expected(listings: dict[str, Any], *path: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Lowest, average, highest, lowest for 2 and 4, tickets, listings by the ticket's keys in `path`."""
    groups = defaultdict(list)
    for ticket in listings["tickets"]:
        groups[tuple(ticket[key] for key in path)].append(ticket)
    rows = {}
    for key, tickets in groups.items():
        prices = [Decimal(ticket["p"]) for ticket in tickets]

        def lowest_of(size: int, tickets: list[dict[str, Any]] = tickets) -> Decimal | None:
            fitting = [Decimal(ticket["p"]) for ticket in tickets if size in sells(ticket)]
            return min(fitting, default=None)

        rows[key] = (
            min(prices), money(sum(prices, Decimal()) / len(prices)), max(prices), lowest_of(2), lowest_of(4),
            sum(int(ticket["q"]) for ticket in tickets), len(tickets),
        )  # fmt: skip
    return rows


def sells(ticket: dict[str, Any]) -> set[int]:
    """The quantities one may buy: `m`, else by split rule 0 even, 1 any, 2 all, 3 never leave one."""
    if ticket.get("m"):
        return {int(size) for size in ticket["m"].split(",")}
    quantity = int(ticket["q"])
    sizes = range(1, quantity + 1)
    rule = ticket.get("t")
    if rule == "0":
        return {size for size in sizes if size % 2 == 0}
    if rule == "2":
        return {quantity}
    if rule == "3":
        return {size for size in sizes if quantity - size != 1}
    return set(sizes)


@dataclass(frozen=True)
class Ticked:
    """The database after `tickettape track --event` and one tick on the served answers."""

    connection: "psycopg.Connection[Any]"
    whole: UUID
    listings: dict[str, Any]
    cut: UUID


@pytest.fixture(scope="module")
def ticked() -> Iterator[Ticked]:
    (whole, listings, details), (cut, cut_listings, cut_details) = recorded()
    cut_listings["tickets"] = cut_listings["tickets"][:40]
    replies = {
        f"/listings?productionId={whole}": listings,
        f"/productions/{whole}/details": details,
        f"/listings?productionId={cut}": cut_listings,
        f"/productions/{cut}/details": cut_details,
    }
    with empty_home() as home, served(answering(replies)) as url:
        log = home / "log"
        for production in (whole, cut):
            track = start([str(BIN / "tickettape"), "track", "--event", production], home, log, MARKETPLACE_URL=url)
            assert track.wait(timeout=60) == 0, log.read_text()
        assert tick_once(home, log, MARKETPLACE_URL=url) == 0, log.read_text()[-3000:]
        with database_of(home) as connection:
            ids = dict(connection.execute("select external_id, id from market.events").fetchall())
            yield Ticked(connection, ids[whole], listings, ids[cut])


@pytest.mark.processes
def test_every_zone_and_section_has_the_numbers_of_the_answer(ticked: Ticked) -> None:
    connection, event = ticked.connection, [ticked.whole]
    assert connection.execute(
        "select source, status from market.captures join market.events using (event_key) where id = %s", event
    ).fetchall() == [("vividseats", "ok")]
    sections = connection.execute(
        """select section_id, lowest_price, average_price, highest_price, lowest_price_2tickets,
                  lowest_price_4tickets, total_tickets, total_listings
           from analytics.ticket_snapshots where event_id = %s""",
        event,
    ).fetchall()
    assert {(row[0],): row[1:] for row in sections} == expected(ticked.listings, "d")
    names = """min_price, avg_price, max_price, min_price_2tickets, min_price_4tickets, total_tickets,
               total_listings"""
    assert by_zone(ticked, "aggregated_analytics", names) == expected(ticked.listings, "c")
    names = """lowest_price, average_price, highest_price, lowest_price_2tickets, lowest_price_4tickets,
               total_tickets, total_listings"""
    assert by_zone(ticked, "latest_prices", names) == expected(ticked.listings, "c")


def by_zone(ticked: Ticked, rollup: str, columns: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Columns of the whole answer's rows in a rollup, by the marketplace's id of the zone."""
    rows = ticked.connection.execute(
        f"""select zones.external_id, {columns}
            from analytics.{rollup} as rollup
            inner join market.events on events.id = rollup.event_id
            inner join market.zones on zones.name = rollup.zone and zones.event_key = events.event_key
            where rollup.event_id = %s""",
        [ticked.whole],
    ).fetchall()
    return {(row[0],): row[1:] for row in rows}


@pytest.mark.processes
def test_an_answer_cut_short_is_partial_it_is_shown_and_the_rollups_leave_it_out(ticked: Ticked) -> None:
    connection, event = ticked.connection, [ticked.cut]
    assert connection.execute(
        "select status, counted_listings from market.captures join market.events using (event_key) where id = %s", event
    ).fetchall() == [("partial", 40)]
    shown = connection.execute(
        "select distinct complete from analytics.ticket_snapshots where event_id = %s", event
    ).fetchall()
    assert shown == [(False,)]
    for rollup in ("aggregated_analytics", "daily_analytics", "latest_prices"):
        rows = connection.execute(f"select count(*) from analytics.{rollup} where event_id = %s", event)
        assert rows.fetchone() == (0,)
    assert connection.execute(
        "select ok_captures, partial_captures from analytics.event_hours where event_id = %s", event
    ).fetchall() == [(0, 1)]
