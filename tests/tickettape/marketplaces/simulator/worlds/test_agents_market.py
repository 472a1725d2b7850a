"""A market of agents is a marketplace like the default one; its history is what captures show, its truth is apart."""

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.support.listing_worlds import DAYS, EVENTS, FULL, MIXED, NONE, drawn, market
from tests.support.simulated_market import all_of
from tests.test_layers import sources
from tickettape.catalogue import discover_events, upsert_events
from tickettape.database import Connection, ensure_partitions
from tickettape.marketplaces.simulator import Market, SimulatedMarketplace, answers, market_in_process
from tickettape.marketplaces.simulator.worlds import AgentsMarket, draw_listings
from tickettape.marketplaces.vividseats.read_listings import answer_fields, read_listings
from tickettape.observations import capture_tick, read_tick

WORLDS = "tickettape.marketplaces.simulator.worlds"
TRUE_WORDS = (b"sold", b"withdrawn", b"relist", b"random", b"outcome", b"seller", b"broker", b"agent")


def some_time(of: AgentsMarket) -> datetime:
    """A time at which an event of the histories is on sale."""
    return of._lives_of(20).productions[0].date - timedelta(days=3)


def test_the_same_seed_is_the_same_market_and_an_event_is_the_same_beside_any_others() -> None:
    history, truth = drawn(2, *MIXED)
    again, same = draw_listings(AgentsMarket(2, EVENTS, random_share=0.5, days=DAYS))
    assert history.listings.equals(again.listings)
    assert truth.equals(same)
    fewer, of_fewer = draw_listings(AgentsMarket(2, 3, random_share=0.5, days=DAYS))
    first = history.events["event"].iloc[:3]
    assert fewer.listings.equals(history.listings[history.listings["event"].isin(first)].reset_index(drop=True))
    assert of_fewer.equals(truth[truth["event"].isin(first)].reset_index(drop=True))
    assert not draw_listings(AgentsMarket(3, 3, random_share=0.5, days=DAYS))[0].listings.equals(fewer.listings)


@pytest.mark.parametrize("of", [FULL, NONE, MIXED])
def test_the_truth_agrees_with_what_captures_show(of: tuple[float, float]) -> None:
    history, truth = drawn(2, *of)
    rows = history.listings
    assert (rows["first_capture"] < rows["until_capture"]).all()
    assert (rows["until_capture"] <= history.events["captures"].iloc[0]).all()
    assert (rows["all_in_price_cents"] > rows["price_cents"]).all()
    spans = rows.groupby(["event", "listing_id"]).agg(last=("until_capture", "max"), begun=("quantity", "first"))
    went = truth[truth["what"] == "went"]
    assert not went.duplicated(["event", "listing_id"]).any()
    ends = spans.loc[list(zip(went["event"], went["listing_id"], strict=True))]
    assert (ends["last"].to_numpy() == went["capture"].to_numpy()).all()
    # Whoever has no fate is for sale at the last capture.
    left = spans[~spans.index.isin(list(zip(went["event"], went["listing_id"], strict=True)))]
    assert (left["last"] == history.events["captures"].iloc[0]).all()
    shrank = truth[(truth["what"] == "shrank") & (truth["outcome"] == "sold")]
    for event, listing_id, capture, tickets in shrank[["event", "listing_id", "capture", "tickets"]].to_numpy()[:20]:
        before, after = (history.at(event, one).set_index("listing_id") for one in (capture - 1, capture))
        if listing_id in after.index:
            taken = shrank[(shrank["listing_id"] == listing_id) & (shrank["capture"] == capture)]["tickets"].sum()
            assert before.loc[listing_id, "quantity"] - after.loc[listing_id, "quantity"] == taken >= tickets


def test_captures_that_come_less_often_show_the_same_market() -> None:
    history, truth = drawn(2, *FULL)
    rarer, of_rarer = draw_listings(market(2, *FULL), interval_minutes=30)
    event = history.events["event"].iloc[0]
    for capture in (0, 1, 100, 500):
        often, rare = history.at(event, 3 * capture), rarer.at(event, capture)
        assert often.reset_index(drop=True).equals(rare.reset_index(drop=True))
    assert 0.97 * len(truth) < len(of_rarer) <= len(truth)
    with pytest.raises(ValueError, match="Captures cannot come every 15 minutes"):
        draw_listings(market(2, *FULL), interval_minutes=15)


def test_the_answers_show_the_history_and_nothing_that_the_default_markets_do_not_show() -> None:
    of = market(2, *FULL)
    history, _ = drawn(2, *FULL)
    for production in of._lives_of(20).productions[:3]:
        capture = 7 * 144
        at = history.events.set_index("event")["starts_at"][production.production_id] + capture * history.interval
        known = of.production(production.production_id, at.to_pydatetime())
        assert known is not None
        body = answers.listings(of, known, at.to_pydatetime())
        default = Market(seed=2, events=EVENTS)
        assert answer_fields(body) <= answer_fields(answers.listings(default, production, at.to_pydatetime()))
        assert not [word for word in TRUE_WORDS if word in body.lower()]
        inventory = read_listings(body, str(production.production_id), tolerance=0.0)
        assert inventory.status == "ok"
        columns = ["listing_id", "zone", "section", "row", "quantity", "price_cents", "all_in_price_cents"]
        listed = {tuple(row) for row in history.at(production.production_id, capture)[columns].to_numpy().tolist()}
        assert listed == {
            (x.listing_id, x.zone_id, x.section_id, x.row, x.quantity, x.price_cents, x.all_in_price_cents)
            for x in inventory.listings
        }


def test_a_number_gives_away_neither_the_seats_nor_the_id_before() -> None:
    history, truth = drawn(2, *FULL)
    rows = history.listings
    numbers = rows["listing_id"].str[2:].astype(np.int64)
    assert len(rows.drop_duplicates(["event", "listing_id"])) == len(set(zip(rows["event"], numbers, strict=True)))
    assert abs(np.corrcoef(numbers, rows["price_cents"])[0, 1]) < 0.05
    back = truth[truth["relisted_as"] != ""]
    old, new = (back[name].str[2:].astype(np.int64) for name in ("listing_id", "relisted_as"))
    assert abs(np.corrcoef(old, new)[0, 1]) < 0.1
    assert len(set((new - old) % 2**40)) == len(back)
    sold = truth[truth["what"] == "went"]["outcome"] == "sold"
    ids = truth[truth["what"] == "went"]["listing_id"].str[2:].astype(np.int64)
    assert abs(np.corrcoef(ids, sold)[0, 1]) < 0.1


def test_it_is_a_marketplace_in_every_format() -> None:
    of = market(2, *FULL)
    at = some_time(of)

    async def scenario() -> None:
        async with SimulatedMarketplace(market=of, clock=lambda: at) as marketplace:
            offered = await all_of(marketplace)
            assert 0 < len(offered) < of.size
            answer = await marketplace.listings(offered[0].external_id, at)
            assert answer.body is not None
            too_early = await marketplace.listings(offered[0].external_id, at - timedelta(days=DAYS))
            assert too_early.status == "missing"
        async with market_in_process("gametime", of, source="gametime", clock=lambda: at) as other:
            events = [one async for one in other.upcoming_events(query="simulated")]
            assert len(events) == len(offered)

    asyncio.run(scenario())


def test_the_pipeline_stores_what_the_history_shows(connection: Connection) -> None:
    of = market(2, *FULL)
    history, _ = drawn(2, *FULL)
    at = some_time(of)
    tick = at.replace(minute=0, second=0, microsecond=0)
    marketplace = SimulatedMarketplace(market=of, clock=lambda: tick)
    found = asyncio.run(discover_events(marketplace, "search", "simulated")).events
    upsert_events(connection, "simulator", map(asdict, found))
    ensure_partitions(connection, [tick])
    capture_tick(connection, marketplace, tick, None, "test")
    read_tick(connection, marketplace, tick, 0.05, "test", only_received=True)
    stored = connection.execute(
        """select events.external_id::bigint, listings.listing_id, listings.seat_row, listings.quantity
           from market.events, market.listings_at(events.id, %s) as listings""",
        [tick],
    ).fetchall()
    events = history.events.set_index("event")["starts_at"]
    expected = set()
    for event in {row[0] for row in stored} & set(events.index):
        shown = history.at(event, (tick - events[event].to_pydatetime()) // history.interval)
        expected |= {(event, *row) for row in shown[["listing_id", "row", "quantity"]].to_numpy().tolist()}
    assert expected
    assert expected == {row for row in stored if row[0] in events.index}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"strength": 1.1}, "is no share"), ({"random_share": -0.1}, "is no share"), ({"days": 0}, "cannot last 0 days")],
)
def test_impossible_markets_are_refused(options: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AgentsMarket(**options)  # type: ignore[arg-type]


def users_of_the_worlds(modules: dict[str, str]) -> list[str]:
    """The modules outside the worlds that name them."""
    return [name for name, source in modules.items() if f"{WORLDS}." not in f"{name}." and WORLDS in source]


def test_no_other_part_of_the_product_uses_the_worlds() -> None:
    modules = sources()
    assert users_of_the_worlds(modules) == []
    modules["tickettape.rollups.marks"] += f"\nfrom {WORLDS} import draw_listings\n"
    assert users_of_the_worlds(modules) == ["tickettape.rollups.marks"]
