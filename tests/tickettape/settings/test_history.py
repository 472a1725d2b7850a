"""How long what is kept, and which settings contradict each other."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from tickettape.settings import Settings


def test_the_first_day_of_the_history_has_begun() -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(ValidationError, match="Choose a day that has begun"):
        Settings(first_day=tomorrow)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"payload_days": 60}, {"raw_months": 2}),
        ({"payload_days": 28}, {"raw_months": 1}),
        ({"hourly_months": 3}, {"raw_months": 4}),
        ({"scraper_logs_months": 4}, {"scraper_jobs_months": 3}),
        ({"dagster_failure_days": 10}, {"dagster_run_days": 30}),
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_both_their_names_r13(
    first: dict[str, int], second: dict[str, int]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(first | second)
    for name, value in (first | second).items():
        assert f"{name.upper()} is {value}" in str(refused.value)


def test_settings_that_only_just_agree_are_taken() -> None:
    assert Settings(payload_days=27, raw_months=1, hourly_months=1, scraper_logs_months=3).raw_months == 1
