"""What rules tell: tables written by hand, before the code.

How captures are written: tests/support/priced_listings.py.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.priced_listings import listings
from tickettape.price_alerts.decisions import Decision, State, decide, limit_of, reference_of
from tickettape.price_alerts.rules import Place, Rule, can_be_bought, is_quiet, less, more, wanted_sections
from tickettape.price_alerts.sights import Listing, Sight, forerunners, outliers

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)
PLACES = {101: Place("Lower", "101"), 102: Place("Lower", "102"), 301: Place("Upper", "301")}


def rule(**said: Any) -> Rule:
    whole: dict[str, Any] = {"rule_id": UUID(int=1), "condition": "below", "limit_cents": 10_000, "captures": 1}
    return Rule(**whole | said)


def told(
    asked: Rule, captures: Sequence[str], *, hours: dict[datetime, int] | None = None, start: datetime = NOON
) -> list[str]:
    """What the rule says at each capture: `2 VB1 95` is the listing and its dollars, told at the third capture."""
    made = decisions(asked, captures, hours or {}, start)
    return [text for number, decision in enumerate(made) for text in said(number, decision)]


def said(number: int, decision: Decision) -> list[str]:
    texts = []
    if decision.occasion:
        occasion = decision.occasion
        what = f"{occasion.tickets} left" if occasion.tickets else ""
        if occasion.listing and occasion.cents:
            what = f"{occasion.listing.listing_id} {occasion.cents / 100:g}"
        texts.append(f"{number} {what}" + ("" if occasion.outcome == "tell" else f" ({occasion.outcome})"))
    texts += [f"{number} left out {one.listing.listing_id} {one.cents / 100:g}" for one in decision.left_out]
    return texts


def decisions(asked: Rule, captures: Sequence[str], hours: dict[datetime, int], start: datetime) -> list[Decision]:
    state, today = State(), 0
    before: list[Listing] | None = None
    made: list[Decision] = []
    for number, capture in enumerate(captures):
        now = listings(capture)
        sight = Sight(start + number * TEN, now, before, zone_of=lambda key: key // 300)
        limit = limit_of(asked, reference_of(asked, hours, start))
        decision = decide(asked, wanted_sections(asked, PLACES), sight, state, limit, today)
        today += decision.occasion is not None and decision.occasion.outcome == "tell"
        state, before = decision.state, now
        made.append(decision)
    return made


SERIES = [  # a section at some 3,300 dollars, as it was seen: a lone 17, a cent, a real bargain, a price of one look
    "VB1:3300 VB2:3350 VB3:3400",
    "VB1:3300 VB2:3350 VB3:3400 VB4:17",  # a slip of the hand
    "VB1:3300 VB2:3350 VB3:3400 VB4:17",  # that stands at a second look
    "VB1:3300 VB2:3350 VB3:3400 VB4:0.01",
    "VB1:3300 VB2:3350 VB3:3400 VB4:0.01",
    "VB1:3300 VB2:3350 VB3:3400",
    "VB1:3300 VB2:3350 VB3:3400 VB5:2900",  # a price of one look
    "VB1:3300 VB2:3350 VB3:3400",
    "VB1:3300 VB2:3350 VB3:3400 VB6*1:2950",
    "VB1:3300 VB2:3350 VB3:3400 VB7:2800",  # a price of two looks only
    "VB1:3300 VB2:3350 VB3:3400 VB7:2800",
    "VB1:3300 VB2:3350 VB3:3400",
    "VB1:2990 VB2:3350 VB3:3400",  # the seller gives way
    "VB1:2990 VB2:3350 VB3:3400",
    "VB1:3100 VB2:3350 VB3:3400",  # and dithers
    "VB1:2990 VB2:3350 VB3:3400",
    "VB1:2990 VB2:3350 VB3:3400",
    "VB1:2600 VB2:3350 VB3:3400",  # a step further
    "VB1:2600 VB2:3350 VB3:3400",
]
EXPECTED = """
| rule                          | tells                                                                        |
| at most 3,000                 | 1 left out VB4 17; 10 VB7 2800; 13 VB1 2990; 18 VB1 2600                      |
| at most 3,000, at once        | 1 left out VB4 17; 6 VB5 2900; 9 VB7 2800; 12 VB1 2990; 17 VB1 2600           |
| at most 20                    | 1 left out VB4 17                                                            |
| at most 2,500                 | 1 left out VB4 17                                                            |
| at most 3,000, four tickets   |                                                                              |
| at most 3,000, section 102    |                                                                              |
"""


def test_a_series_with_absurd_minima_tells_what_a_person_wants_and_nothing_else() -> None:
    rules = {
        "at most 3,000": rule(limit_cents=300_000, captures=2),
        "at most 3,000, at once": rule(limit_cents=300_000),
        "at most 20": rule(limit_cents=2_000, captures=2),
        "at most 2,500": rule(limit_cents=250_000, captures=2),
        "at most 3,000, four tickets": rule(limit_cents=300_000, tickets=4),
        "at most 3,000, section 102": rule(limit_cents=300_000, sections=frozenset({"102"})),
    }
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in EXPECTED.strip().splitlines()[1:]]
    assert [name for name, _ in table] == list(rules)
    assert {name: "; ".join(told(asked, SERIES)) for name, asked in rules.items()} == dict(table)


CASES: dict[str, tuple[Rule, list[str], list[str]]] = {
    "a price within the limit is told once": (rule(), ["VB1:120", "VB1:95", "VB1:95", "VB1:95"], ["1 VB1 95"]),
    "the limit itself is within": (rule(), ["VB1:100"], ["0 VB1 100"]),
    "a cent more is not": (rule(), ["VB1:100.01"], []),
    "a price must stand at two captures": (rule(captures=2), ["VB1:95", "VB1:96", "VB1:96"], ["1 VB1 96"]),
    "a price of one look is not told": (rule(captures=2), ["VB1:120", "VB1:95", "VB1:120"], []),
    "a new id with the same seats and a near price is the same listing": (
        rule(captures=2),
        ["VB1/7:95", "VB9/7:96"],
        ["1 VB9 96"],
    ),
    "a new id in another row is not": (rule(captures=2), ["VB1/7:95", "VB9/8:95"], []),
    "a new id at a far price is not": (rule(captures=2), ["VB1/7:140", "VB9/7:95"], []),
    "one listing that is repriced up and down is told once": (
        rule(),
        ["VB1:95", "VB1:120", "VB1:95", "VB1:120", "VB1:99"],
        ["0 VB1 95"],
    ),
    "unless it falls by a step": (rule(), ["VB1:95", "VB1:120", "VB1:85"], ["0 VB1 95", "2 VB1 85"]),
    "another listing within the limit is not told while one is": (
        rule(),
        ["VB1:95", "VB1:95 VB2:94"],
        ["0 VB1 95"],
    ),
    "but one that is a step cheaper": (rule(), ["VB1:95", "VB1:95 VB2:80"], ["0 VB1 95", "1 VB2 80"]),
    "and after all were above the limit": (
        rule(),
        ["VB1:95", "VB1:120 VB2:120", "VB1:120 VB2:99"],
        ["0 VB1 95", "2 VB2 99"],
    ),
    "the same seats under ever new ids are told once": (
        rule(),
        ["VB1/7:95", "VB8:120", "VB2/7:95", "VB8:120", "VB3/7:95"],
        ["0 VB1 95"],
    ),
    "a single ticket is not two": (rule(), ["VB1*1:95"], []),
    "two of four tickets are not sold where the seller says four": (rule(), ["VB1*4:95"], []),
    "at least two takes four": (rule(at_least=True), ["VB1*4:95"], ["0 VB1 95"]),
    "any quantity takes one": (rule(tickets=None), ["VB1*1:95"], ["0 VB1 95"]),
    "another section is not asked for": (rule(sections=frozenset({"102"})), ["VB1:95 VB2@102:99"], ["0 VB2 99"]),
    "a zone has all its sections": (rule(zones=frozenset({"lower"})), ["VB1@301:90 VB2@102:99"], ["0 VB2 99"]),
    "an excluded row is no seat": (rule(), ["VB1/PARKING:95"], []),
    "few left is told once": (
        rule(condition="few", few=4),
        ["A:1 B:1 C:1", "A:1 B:1", "A:1 B:1", "A:1"],
        ["1 4 left"],
    ),
    "few left, told again after there were more": (
        rule(condition="few", few=2, captures=2),
        ["A:1", "A:1", "A:1 B:1", "A:1", "A:1"],
        ["1 2 left", "4 2 left"],
    ),
    "nothing left is not few": (rule(condition="few", few=2), ["A:1 B:1", "-"], []),
    "back for sale": (rule(condition="back", captures=2), ["A:90", "-", "-", "B:90", "B:90"], ["4 B 90"]),
    "not after one empty capture": (rule(condition="back", captures=2), ["A:90", "-", "B:90", "B:90"], []),
    "not for what never was away": (rule(condition="back", captures=2), ["A:90", "A:90"], []),
    "at most n a day": (
        rule(most_per_day=1),
        ["A:95", "A:120", "A:120 B:90"],
        ["0 A 95", "2 B 90 (capped)"],
    ),
    "an outlier is compared with its section first": (
        rule(),
        ["A:50 B:160 C@301:20 D@301:30"],
        ["0 left out A 50", "0 C 20"][::-1],
    ),
    "two cheap listings vouch for each other": (rule(), ["A:17 B:17 C:3300"], ["0 A 17"]),
    "the only listing of a section is compared with its zone": (
        rule(),
        ["A@101:17 B@102:3300"],
        ["0 left out A 17"],
    ),
    "the only listing of an event is believed": (rule(), ["A:17"], ["0 A 17"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_table_of_conditions(name: str) -> None:
    asked, captures, expected = CASES[name]
    assert told(asked, captures) == expected


def hours(*prices: int) -> dict[datetime, int]:
    """Dollars by hour, the last one the hour before noon."""
    return {NOON - timedelta(hours=len(prices) - place): price * 100 for place, price in enumerate(prices)}


HISTORIES: dict[str, tuple[Rule, dict[datetime, int], list[str], list[str]]] = {
    "20 % below its median of 100": (
        rule(condition="below_median", percent=20),
        hours(*[100] * 30),
        ["A:81", "A:80", "A:80"],
        ["1 A 80"],
    ),
    "a day of prices makes a median, not less": (
        rule(condition="below_median", percent=20),
        hours(*[100] * 23),
        ["A:50"],
        [],
    ),
    "absurd hours do not move a median": (
        rule(condition="below_median", percent=20),
        hours(*[100] * 30, 1, 1, 1),
        ["A:85"],
        [],
    ),
    "cheapest in two days": (
        rule(condition="cheapest", days=2),
        hours(*[100] * 48, 90),
        ["A:90", "A:89.5", "A:89", "A:79"],
        ["1 A 89.5", "3 A 79"],
    ),
    "not before two days are known": (rule(condition="cheapest", days=2), hours(*[100] * 30), ["A:10"], []),
    "fell by 10 % in a day": (rule(condition="fell", percent=10), hours(*[100] * 30), ["A:91", "A:90"], ["1 A 90"]),
    "rose by 10 % in a day, at two captures": (
        rule(condition="rose", percent=10, captures=2),
        hours(*[100] * 30),
        ["A:100 B:150", "B:150", "B:150", "B:150", "B:170", "B:170"],
        ["2 B 150", "5 B 170"],
    ),
    "what comes back at the old price has not risen": (
        rule(condition="rose", percent=10, captures=2),
        hours(*[100] * 30),
        ["A:100", "B:150", "A:100"],
        [],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_table_of_conditions_on_history(name: str) -> None:
    asked, known, captures, expected = HISTORIES[name]
    assert told(asked, captures, hours=known) == expected


def test_quiet_hours_put_off_until_they_end_and_only_if_it_still_holds() -> None:
    night = rule(quiet=(time(23), time(7)), time_zone="America/New_York")
    start = datetime(2026, 11, 20, 11, 50, tzinfo=UTC)  # 06:50 in New York
    assert told(night, ["A:95", "A:95"], start=start) == ["0 A 95 (quiet)", "1 A 95"]
    assert told(night, ["A:95", "A:120"], start=start) == ["0 A 95 (quiet)"]


@pytest.mark.parametrize(
    ("clock", "quiet"), [(time(22, 59), False), (time(23), True), (time(3), True), (time(7), False)]
)
def test_quiet_hours_go_over_midnight(clock: time, quiet: bool) -> None:
    at = datetime.combine(NOON.date(), clock, tzinfo=UTC)
    assert is_quiet(rule(quiet=(time(23), time(7))), at) is quiet


def test_a_price_that_is_not_stated_on_the_basis_counts_for_nothing() -> None:
    unstated = Listing("A", 101, "1", 2, (2,), 5_000, 0)
    sight = Sight(NOON, [unstated], [unstated])
    sections = frozenset({101})
    assert decide(rule(), sections, sight, State(), (10_000, None)).occasion is None
    fees_apart = decide(rule(all_in=False), sections, sight, State(), (10_000, None)).occasion
    assert fees_apart is not None
    assert fees_apart.cents == 5_000
    assert decide(rule(condition="back"), sections, sight, State(sold_out=1), None).occasion is not None


def test_percentages_are_exact_to_the_cent() -> None:
    assert (less(10_000, 12.5), more(10_000, 12.5)) == (8_750, 11_250)
    assert (less(999, 10), more(999, 10)) == (899, 1_099)
    assert limit_of(rule(condition="fell", percent=0.1), 10_000) == (9_990, 10_000)


def test_the_sections_of_a_rule_leave_out_what_it_excludes() -> None:
    places = {1: Place("Lower", "101"), 2: Place("Lower", "101 Limited View"), 3: Place("Parking", "Lot C")}
    assert wanted_sections(rule(), places) == {1}
    assert wanted_sections(rule(excluded=()), places) == {1, 2, 3}


def test_a_listing_is_the_forerunner_of_one_other_at_most() -> None:
    before = listings("A/7:100 B/7:104")
    now = listings("C/7:103 D/7:101 E/7:100")
    assert {new: old.listing_id for new, old in forerunners(now, before).items()} == {"C": "B", "D": "A"}


def test_what_is_sold_in_other_quantities_than_before_has_no_forerunner() -> None:
    assert forerunners(listings("A*1:100"), listings("A*2:100")) == {}
    assert can_be_bought(rule(tickets=1), (1, 2))


def test_an_outlier_says_what_it_is_compared_with() -> None:
    sight = Sight(NOON, listings("A:17 B:3300 C:3400"), None)
    (found,) = outliers(sight.all_in, lambda key: key).values()
    assert (found.listing.listing_id, found.next_cents) == ("A", 330_000)


def test_a_record_needs_a_price_in_its_days() -> None:
    """Such as one that was sold out for longer."""
    asked = rule(condition="cheapest", days=3, limit_cents=None)
    old = {NOON - timedelta(days=10): 9_000}
    assert reference_of(asked, old, NOON) is None
    assert reference_of(asked, old | {NOON - timedelta(days=2): 12_000}, NOON) == 12_000
