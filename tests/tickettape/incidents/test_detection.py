"""Which states are incidents, and what they say: decided without a database."""

import pytest

from tickettape.incidents import (
    EndedRun,
    FailedCheck,
    Incident,
    compose_message,
    database_size_incidents,
    failed_check_incidents,
    failed_run_incidents,
)


def run(job: str, tick: str | None, *, failed: bool) -> EndedRun:
    return EndedRun(job, f"run of {tick}", tick, failed, "no server" if failed else "")


@pytest.mark.parametrize(
    ("newest_first", "told_of"),
    [
        ([("tick", "3", True), ("tick", "2", True), ("tick", "1", True), ("tick", "0", False)], ["tick"]),
        ([("tick", "3", True), ("tick", "2", True), ("tick", "1", False)], []),
        ([("tick", "3", False), ("tick", "2", True), ("tick", "1", True), ("tick", "0", True)], []),
        ([("tick", "3", True), ("tick", "3", True), ("tick", "3", True), ("tick", "2", False)], []),  # one tick, thrice
        ([("tick", "3", False), ("tick", "3", True)], []),  # tried again, and it worked
        ([("backup", None, True)], ["backup"]),
        ([("backup", "b", False), ("backup", "a", True)], []),
        ([("backup", None, True), ("tick", "1", True)], ["backup"]),
    ],
)
def test_ticks_must_fail_some_times_in_a_row_and_any_other_job_once(
    newest_first: list[tuple[str, str | None, bool]], told_of: list[str]
) -> None:
    found = failed_run_incidents([run(job, tick, failed=failed) for job, tick, failed in newest_first], in_a_row=3)
    assert [incident.about for incident in found] == [f"runs of {job}" for job in told_of]
    assert all("no server" in incident.message and "Runs in the UI" in incident.message for incident in found)


def test_every_error_of_a_check_is_an_incident_and_all_warnings_are_one() -> None:
    failing = [FailedCheck(f"check {n}", error=n < 2, description=f"because {n}") for n in range(9)]
    errors, warnings = (found := failed_check_incidents(failing))[:2], found[2:]
    assert [incident.about for incident in errors] == ["check check 0", "check check 1"]
    assert "because 1" in errors[1].message
    assert [incident.title for incident in warnings] == ["7 checks warn"]
    assert "and 2 more" in warnings[0].message
    assert failed_check_incidents([]) == []


def test_a_database_is_too_large_only_above_the_limit_that_was_set() -> None:
    assert database_size_incidents(10**12, None) == []
    assert database_size_incidents(19_999_999_999, 20) == []
    [incident] = database_size_incidents(20_500_000_000, 20)
    assert "20.5 GB, more than 20" in incident.title


def test_one_long_incident_is_shortened_and_says_where_all_of_it_is() -> None:
    _, text = compose_message([Incident("a", "A title", "too long " * 1_000)], [])
    assert len(text) < 2_000
    assert text.endswith("(`tickettape incidents` shows all of it)")
