"""Answers of the simulator agree with themselves, and are the same bytes whenever they are asked for."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickettape.marketplaces.simulator import Market, answers
from tickettape.marketplaces.vividseats.read_listings import read_listings

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=3, events=24)
times = st.datetimes(datetime(2021, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def cents(text: str) -> int:
    return round(float(text) * 100)


@given(at=times, seed=st.integers(0, 5), which=st.integers(0, 11))
def test_every_answer_agrees_with_itself(at: datetime, seed: int, which: int) -> None:
    market = Market(seed=seed, events=12)
    production = market.productions(at)[which]
    body = answers.listings(market, production, at)
    answer = json.loads(body)
    tickets, totals = answer["tickets"], answer["global"][0]
    assert int(totals["listingCount"]) == len(tickets) == len({ticket["i"] for ticket in tickets})
    for kind, key in (("groups", "c"), ("sections", "d")):
        assert sum(int(one["q"]) for one in answer[kind]) == int(totals["ticketCount"])
        for one in answer[kind]:
            inside = [ticket for ticket in tickets if ticket[key] == one["i"]]
            assert int(one["q"]) == sum(int(ticket["q"]) for ticket in inside)
            assert one["a"] == ("1" if inside else "0")
            prices = [cents(ticket["p"]) for ticket in inside] or [0]
            assert (cents(one["l"]), cents(one["h"])) == (min(prices), max(prices))
    groups = {group["i"] for group in answer["groups"]}
    homes = {section["i"]: section["g"] for section in answer["sections"]}
    for ticket in tickets:
        assert homes[ticket["d"]] == ticket["c"] in groups
        assert int(ticket["q"]) > 0
        if "aip" in ticket:
            assert 1.19 < cents(ticket["aip"]) / cents(ticket["p"]) < 1.36
        if "m" in ticket:
            assert max(map(int, ticket["m"].split(","))) <= int(ticket["q"])
    if tickets:
        prices = [cents(ticket["p"]) for ticket in tickets]
        assert (cents(totals["lp"]), cents(totals["hp"])) == (min(prices), max(prices))
        assert cents(totals["atp"]) == pytest.approx(np.mean(prices), abs=1)
        assert cents(totals["mp"]) == pytest.approx(np.median(prices), abs=1)
    inventory = read_listings(body, str(production.production_id), tolerance=0.0)
    assert inventory.status == ("ok" if tickets else "empty")


def test_the_same_seed_production_and_time_give_the_same_bytes_in_any_order() -> None:
    production = MARKET.productions(AT)[5]
    first = answers.listings(MARKET, production, AT)
    other = Market(seed=3, events=500)
    answers.listings(other, other.productions(AT)[7], AT + timedelta(days=3))
    known = other.production(production.production_id, AT)
    assert known is not None
    assert answers.listings(other, known, AT) == first


def test_the_default_markets_answers_are_those_of_always_byte_for_byte() -> None:
    digest, offered = sha256(), MARKET.productions(AT)
    for production in offered[::4]:
        for days in (0, 1, 30):
            digest.update(answers.listings(MARKET, production, AT - timedelta(days=days)))
        digest.update(answers.details(MARKET, production, AT))
    digest.update(answers.page(MARKET, offered, AT, 1, 5))
    assert digest.hexdigest() == "4e082db686d09290d450105fd90924646de667c7aaf37188d5a6166f3f7f8920"
