"""The figures of a tick."""

from datetime import timedelta
from typing import Any

from tests.support.markets import NOON, TEN, add_event
from tickettape.database import Connection, ensure_partitions
from tickettape.observations import Capture, scraper_figures, store_captures


def test_the_scrapers_figures_are_those_of_the_ticks_captures_of_one_marketplace(connection: Connection) -> None:
    def capture(key: int, status: str, code: int | None, latency_ms: int | None, **more: Any) -> Capture:
        return Capture(key, NOON, status, http_status=code, latency_ms=latency_ms, **more)

    assert scraper_figures(connection, "simulator", [NOON]).success_rate is None
    events = [add_event(connection, str(number)) for number in range(5)]
    other = add_event(connection, "1", "elsewhere")
    ensure_partitions(connection, [NOON])
    captured = [
        capture(events[0], "received", 200, 100, answer=b"1234"),
        capture(events[1], "received", 200, 300, answer=b"1234"),
        capture(events[2], "blocked", 403, 50),
        capture(events[3], "missed", None, None),
        Capture(events[4], NOON - timedelta(minutes=10), "received", answer=b"older"),
        capture(other, "failed", 503, 9_000),
    ]
    store_captures(connection, captured, None)
    figures = scraper_figures(connection, "simulator", [NOON])
    assert (figures.asked, figures.answered, figures.success_rate) == (4, 2, 0.5)
    assert figures.by_status == {"received": 2, "blocked": 1, "missed": 1}
    assert figures.by_http_status == {"200": 2, "403": 1, "none": 1}
    assert (figures.latency_p50, figures.payload_bytes) == (100, 8)
    assert 280 < (figures.latency_p99 or 0) <= 300
    both = scraper_figures(connection, "simulator", [NOON, NOON - TEN])
    assert (both.asked, both.answered) == (5, 3)
