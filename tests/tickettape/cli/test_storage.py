"""`tickettape storage`, as people type it."""

import re

import pytest

from tests.support.corrected_history import succeeds
from tests.support.packed_history import packed, past_days
from tickettape.cli.storage import until_full
from tickettape.database import Connection


def test_it_names_every_tier_with_what_a_snapshot_takes_and_the_room_on_the_disk(connection: Connection) -> None:
    packed(connection, past_days(connection))
    output = succeeds("storage")
    assert re.search(r"^market\.section_snapshots +hot +[\d.,]+ ", output, re.MULTILINE)
    assert re.search(r"^market\.packed_days +warm +[\d.]+ +12 +[\d,.]+ *$", output, re.MULTILINE)
    assert re.search(r"The disk has [\d,.]+ GB free; the growth is known after a day", output)


@pytest.mark.parametrize(
    ("growth", "said"),
    [(1e9, ", and is full in 10 days"), (0.0, ", and nothing grows"), (None, "; the growth is known after a day of")],
)
def test_until_when_the_disk_has_room(growth: float | None, said: str) -> None:
    assert until_full(10_000_000_000, growth).startswith(said)
