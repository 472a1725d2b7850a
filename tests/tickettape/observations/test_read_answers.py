"""Answers are read each for itself."""

from collections import Counter
from typing import Any

from tests.support.markets import TEN
from tests.support.refused_answers import TICK, Change, answered, in_quarantine, read, statuses, stored
from tickettape.database import Connection
from tickettape.marketplaces import HIGHEST_PRICE_CENTS
from tickettape.observations import (
    not_understood_at_newest_tick,
    ticks_with_answers,
)


def test_s5_a_listing_that_names_another_group_than_its_sections_makes_its_answer_partial(
    connection: Connection,
) -> None:
    def stray(answer: dict[str, Any]) -> None:
        ticket = answer["tickets"][0]
        ticket["c"] = next(group["i"] for group in answer["groups"] if group["i"] != ticket["c"])

    bad, good = answered(connection, stray, None)
    assert read(connection) == {bad: "partial", good: "ok"}
    assert stored(connection, bad)


def test_s5_one_bad_event_among_many_costs_that_event_alone_even_at_the_edge_of_what_columns_hold(
    connection: Connection,
) -> None:
    """The limit is checked before the COPY: one row too large would fail the COPY of all events."""

    def dearest(cents: int) -> Change:
        def change(answer: dict[str, Any]) -> None:
            for ticket in answer["tickets"]:
                ticket.update(p=f"{cents // 100}.{cents % 100:02d}", aip=f"{cents // 100}.{cents % 100:02d}")

        return change

    def endless_id(answer: dict[str, Any]) -> None:
        answer["groups"][0]["i"] = "".join(chr(0x100 + number % 5000) for number in range(9000))
        answer["groups"][0]["nul \0"] = answer["x" * 5000] = ""

    above, at, usual, endless = answered(
        connection, dearest(HIGHEST_PRICE_CENTS + 1), dearest(HIGHEST_PRICE_CENTS), None, endless_id
    )
    assert read(connection) == {above: "rejected", at: "ok", usual: "ok", endless: "rejected"}
    of_name, of_price = in_quarantine(connection)
    assert (of_price.event_key, "21474836.48" in of_price.reason) == (above, True)
    assert (of_name.event_key, "9000 characters" in of_name.reason) == (endless, True)
    row = connection.execute(
        """select min(highest_price_cents), max(lowest_all_in_price_cents), max(price_sum_cents),
               bool_and(price_sum_cents = total_listings::bigint * %s), max(total_listings)
           from market.section_snapshots where event_key = %s""",
        [HIGHEST_PRICE_CENTS, at],
    ).fetchone()
    assert row
    highest, all_in, most, exact, listings = row
    assert highest == all_in == HIGHEST_PRICE_CENTS
    assert listings > 1
    assert most > HIGHEST_PRICE_CENTS
    assert exact
    assert stored(connection, usual)


def test_a_run_reads_the_answers_of_its_own_source_alone(connection: Connection) -> None:
    """After a switch of marketplaces the other's answers wait: the same id there is another event."""
    [mine] = answered(connection, None)
    [theirs] = answered(connection, None, source="vividseats")
    assert read(connection) == {mine: "ok"}
    assert statuses(connection) == {mine: "ok", theirs: "received"}
    assert read(connection, again=True) == {mine: "ok"}
    begin, end = TICK - TEN, TICK + TEN
    assert ticks_with_answers(connection, "simulator", begin, end, only_received=True) == []
    assert ticks_with_answers(connection, "simulator", begin, end, only_received=False) == [TICK]
    assert ticks_with_answers(connection, "vividseats", begin, end, only_received=True) == [TICK]
    assert ticks_with_answers(connection, "other", begin, end, only_received=False) == []


def test_one_bad_listing_among_many_costs_itself_alone_and_is_counted_and_seen(connection: Connection) -> None:
    def worthless(answer: dict[str, Any]) -> None:
        places = Counter(ticket["d"] for ticket in answer["tickets"])
        ticket = next(one for one in answer["tickets"] if places[one["d"]] > 1)
        ticket["p"] = "0.00"

    bad, good = answered(connection, worthless, None)
    assert read(connection) == {bad: "ok", good: "ok"}
    assert stored(connection, bad)
    rows = connection.execute(
        """select event_key, left_out_listings, stated_listings - counted_listings, note
           from market.captures order by event_key"""
    ).fetchall()
    [(_, left_out, differs, note), (_, none, same, nothing)] = rows
    assert (left_out, differs, none, same, nothing) == (1, 1, 0, 0, None)
    assert "1 listings were left out: Listing " in note
    assert "'0.00', which is not above 0" in note
    found = not_understood_at_newest_tick(connection, "simulator")
    assert (found.answers_read, found.refused) == (2, [])
    assert [event["listings"] for event in found.left_out] == [1]
    assert in_quarantine(connection) == []
