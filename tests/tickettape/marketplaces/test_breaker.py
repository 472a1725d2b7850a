"""When a marketplace that blocks us is left alone, and how it is tried again."""

import pytest

from tickettape.marketplaces.breaker import PROBE_SECONDS, PROBES, Breaker, BreakerPolicy, admit_request, breaker_after

POLICY = BreakerPolicy(in_a_row=3, share=0.5, of_last=10, wait_seconds=100, longest_seconds=400)


def told(breaker: Breaker, kinds: str, now: float = 0.0, *, probe: bool = False) -> Breaker:
    """The breaker after outcomes: b blocked, r received, m missing, p passing, t throttled, f failed."""
    names = {
        "b": "blocked", "r": "received", "m": "missing", "p": "passing", "t": "throttled", "f": "failed",
    }  # fmt: skip
    return breaker_after(breaker, [(names[kind], probe) for kind in kinds], now, POLICY)


def opened(now: float = 0.0) -> Breaker:
    return told(Breaker(), "bbb", now)


@pytest.mark.parametrize("kinds", ["b", "bb", "bbrbb", "bbmbb", "rrrrrrbrbrbb", "pppppp", "tttttt", "ffffff", "bpbr"])
def test_a_lone_block_or_what_is_passing_opens_nothing(kinds: str) -> None:
    assert told(Breaker(), kinds).state == "closed"


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        ("bbb", "3 answers in a row were blocked"),
        ("rrrbpbtb", "3 answers in a row were blocked"),
        ("brbbrbrbbr", "6 of the last 10 answers were blocked"),
    ],
)
def test_blocks_in_a_row_or_too_many_of_the_last_open_it(kinds: str, reason: str) -> None:
    breaker = told(Breaker(), kinds, now=50)
    assert (breaker.state, breaker.reason, breaker.opened_at, breaker.probe_at) == ("open", reason, 50, 150)


def test_an_open_one_refuses_until_its_time_and_then_lets_one_through() -> None:
    breaker = opened(now=50)
    assert admit_request(breaker, 149) == (breaker, "refuse")
    breaker, verdict = admit_request(breaker, 150)
    assert (breaker.state, verdict) == ("probing", "probe")
    assert admit_request(breaker, 151)[1] == "wait"
    assert admit_request(breaker, 150 + PROBE_SECONDS)[1] == "probe"  # that probe was lost with its worker


def test_a_probe_that_is_answered_closes_it_and_late_answers_to_older_requests_do_not() -> None:
    assert told(opened(), "rrrr").state == "open"
    breaker, _ = admit_request(opened(), 100)
    assert told(breaker, "rrbbbb").state == "probing"
    closed = told(breaker, "r", probe=True)
    assert (closed.state, closed.probe_at, closed.reason, closed.opened_at) == ("closed", None, None, None)


def test_a_probe_of_the_one_event_that_is_always_blocked_is_not_the_last() -> None:
    breaker = opened()
    for number in range(PROBES):
        breaker, verdict = admit_request(breaker, 100 + number)
        assert verdict == "probe"
        breaker = told(breaker, "b", 100 + number, probe=True)
    assert (breaker.state, breaker.opened_at) == ("open", 0)
    assert breaker.probe_at == 102 + 200


def test_a_probe_without_an_outcome_decides_nothing() -> None:
    breaker, _ = admit_request(opened(), 100)
    breaker = told(breaker, "p", 101, probe=True)
    assert breaker.state == "probing"
    assert admit_request(breaker, 101)[1] == "probe"


def test_each_opening_that_no_answer_follows_waits_twice_as_long_up_to_a_limit() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(4):
        assert breaker.probe_at is not None
        waits.append(breaker.probe_at - now)
        now = breaker.probe_at
        breaker, _ = admit_request(breaker, now)
        breaker = told(breaker, "r", now, probe=True)  # it seems to be over,
        breaker = told(breaker, "bbb", now)  # and is not
    assert waits == [100, 200, 400, 400]
    breaker, _ = admit_request(breaker, now + 400)
    breaker = told(told(breaker, "r", probe=True), "rbbb", now)
    assert breaker.probe_at == now + 100
