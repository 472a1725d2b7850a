"""How the commands speak, and how a person writes an instant."""

from datetime import UTC, datetime

import pytest
import typer

from tickettape.cli.console import check_window, fail, parse_instant, show_counts


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
