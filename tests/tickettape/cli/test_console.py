"""How the commands speak, and how a person writes an instant."""

from datetime import UTC, datetime
from typing import Any

import pytest
import typer

from tickettape.catalogue import Discovery
from tickettape.cli.console import check_window, fail, parse_instant, show_counts, show_found
from tickettape.marketplaces import MarketplaceEvent, Refused


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T10:00Z", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("2026-11-21T10:00-05:00", datetime(2026, 11, 21, 15, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_an_instant_has_its_zone_and_a_date_is_its_utc_midnight(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    ("text", "said"), [("2026-11-21T10:00", "no time zone"), ("yesterday", "is not an ISO instant")]
)
def test_an_instant_that_may_mean_several_is_refused(text: str, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        parse_instant(text)


def test_what_fails_says_why_on_stderr_and_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        fail("No such month.")
    assert ended.value.exit_code == 1
    assert capsys.readouterr() == ("", "No such month.\n")


def test_a_window_that_ends_before_it_begins_was_asked_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    start, end = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
    assert check_window(start, end) == (start, end)
    for window in ((end, start), (start, start)):
        with pytest.raises(typer.Exit) as ended:
            check_window(*window)
        assert ended.value.exit_code == 2
    assert "must be before --to" in capsys.readouterr().err


def test_counts_stand_side_by_side_with_their_difference_and_without_what_is_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_counts({"listings": 1200, "gone": 3, "nothing": 0}, {"listings": 1200, "new": 5, "nothing": 0})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["before", "after"],
        ["listings", "1,200", "1,200"],
        ["gone", "3", "0", "-3"],
        ["new", "0", "5", "+5"],
    ]


def test_found_events_are_listed_by_date_and_a_placeholder_is_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    unknown: dict[str, Any] = dict.fromkeys(
        ("venue", "city", "state", "country", "venue_time_zone", "category", "performer_id", "performer_name",
         "image_url")
    )  # fmt: skip
    noon = datetime(2026, 11, 21, 17, tzinfo=UTC)
    events = [
        MarketplaceEvent("3", "Later", date=None, date_status="postponed", **unknown),
        MarketplaceEvent("2", "Someday", date=noon, date_status="time_tbd", sales_state="onsale", **unknown),
        MarketplaceEvent("1", "Tonight", date=noon.replace(day=20), **unknown),
    ]
    show_found(Discovery(events, [Refused("It has no name")]))
    assert capsys.readouterr().out.splitlines() == [
        "          1  2026-11-20 17:00 UTC  Tonight, venue unknown",
        "          2  2026-11-21, time unknown  onsale  Someday, venue unknown",
        "          3  postponed             Later, venue unknown",
        "  left out: It has no name",
    ]
