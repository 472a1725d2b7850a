"""How probably a departure was a sale: the view says what the table says, which holds on worlds it never saw."""

from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from tests.support.dbt_runs import run_dbt
from tests.support.departed_listings import Departed, departed, points, probabilities, traces
from tickettape.database import Connection

HELD_OUT = 2001  # the table is fitted to the seeds of bench/fit_sale_points.py alone


def figures(strength: float, random_share: float) -> tuple[float, float, float]:
    """Of a held-out world: the share of sales, the mean probability, and the share of sales in its upper half."""
    table = points()
    rows = traces(departed(HELD_OUT, strength, random_share, events=12, days=14), table["crowded"], table["shrunk_by"])
    chance, sold = probabilities(rows, table), rows["sold"].to_numpy()
    upper = np.argsort(-chance, kind="stable")[: len(sold) // 2]
    return round(float(sold.mean()), 3), round(float(chance.mean()), 3), round(float(sold[upper].mean()), 3)


def load(connection: Connection, world: Departed) -> None:
    """Write a world into the rollups."""
    ids = {}
    for event, begins, time_zone in world.events.itertuples(index=False):
        (ids[event],) = connection.execute(
            """insert into market.events (source, external_id, name, venue, date, currency, venue_time_zone)
               values ('worlds', %s, 'Event', 'The Hall', %s, 'USD', %s) returning id""",
            [str(event), begins, time_zone],
        ).fetchone() or (UUID(int=0),)
    days = world.captures.assign(event=world.captures["event"].map(ids))
    prices, gone = (one.assign(event=one["event"].map(ids)) for one in (world.distribution, world.listings))
    edges = ["min", "lower", "median", "upper", "max"]
    prices[edges] /= 100
    gone["price"] = gone["price_cents"] / 100
    copy_in(
        connection,
        """event_days (event_id, date, ok_captures, observed_hours, partial_captures, missed_captures, failed_captures,
               voided_captures, created_at)""",
        days[["event", "date", "ok"]],
        (24, 0, 0, 0, 0, "now"),
    )
    copy_in(
        connection,
        """price_distribution (event_id, zone, hour, timestamp, total_listings, min_price, lower_quartile_price,
               median_price, upper_quartile_price, max_price, total_tickets, created_at)""",
        prices.assign(at=prices["hour"])[["event", "zone", "hour", "at", "listings", *edges]],
        (1, "now"),
    )
    copy_in(
        connection,
        """listing_departures (event_id, listing_id, hour, timestamp, zone, tickets, price, first_seen_at, verdict,
               section, seat_row, what, captures_absent, confidence, reason, created_at)""",
        gone.assign(since=gone["hour"])[
            ["event", "listing_id", "hour", "tick", "zone", "tickets", "price", "since", "verdict"]
        ],
        ("S", "A", "went", 3, 0.6, "", "now"),
    )


def copy_in(connection: Connection, table: str, rows: pd.DataFrame, more: tuple[object, ...]) -> None:
    """Rows into a table of analytics, each with the same further values."""
    with connection.cursor().copy(f"copy analytics.{table} from stdin") as copy:
        for row in rows.itertuples(index=False):
            copy.write_row((*row, *more))


@pytest.mark.parametrize(
    ("strength", "random_share", "expected"),
    [(1.0, 0.0, (0.44, 0.504, 0.669)), (0.5, 0.0, (0.445, 0.472, 0.548)), (1.0, 1.0, (0.327, 0.338, 0.36))],
)
def test_the_table_holds_on_a_world_that_it_was_not_fitted_to(
    strength: float, random_share: float, expected: tuple[float, float, float]
) -> None:
    assert figures(strength, random_share) == expected


def test_the_view_gives_each_departure_what_the_table_says(connection: Connection) -> None:
    world = departed(HELD_OUT, 1.0, 0.5, events=4, days=12)
    run_dbt("run", "--select", "stg_market__events", "sale_probabilities", "estimated_sales")
    load(connection, world)
    table = points()
    rows = traces(world, table["crowded"], table["shrunk_by"])
    said = {
        (listing, at): (float(chance), rank if rank is None else float(rank))
        for listing, at, chance, rank in connection.execute(
            "select listing_id, timestamp, sale_probability, price_rank from analytics.sale_probabilities"
        )
    }
    keys = list(zip(rows["listing_id"], rows["tick"], strict=True))
    assert set(said) == set(keys)
    assert [said[key][0] for key in keys] == pytest.approx(probabilities(rows, table), abs=0.001)
    ranks = [np.nan if said[key][1] is None else said[key][1] for key in keys]
    assert ranks == pytest.approx(rows["rank"].to_list(), abs=0.006, nan_ok=True)
    low, mid, high, sales, of_all = connection.execute(
        """select sum(sales_low), sum(sales_mid), sum(sales_high), sum(sales),
               (select sum(sale_probability) from analytics.sale_probabilities)
           from analytics.estimated_sales"""
    ).fetchone() or (0, 0, 0, 0, 0)
    assert 0 < low < mid < high == sales == len(rows)
    assert float(mid) == pytest.approx(float(of_all), abs=0.01 * len(rows))

    def plan(columns: str) -> str:
        rows = connection.execute(f"explain select event_id, hour, zone, {columns} from analytics.estimated_sales")
        return "\n".join(line for (line,) in rows)

    assert "price_distribution" in plan("sold_tickets_mid")
    assert "price_distribution" not in plan("sold_tickets"), "what is not asked for is not computed"
