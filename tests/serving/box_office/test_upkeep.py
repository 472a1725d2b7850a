"""The upkeep that each server process does beside its requests."""

import asyncio
import threading

import pytest

from serving import box_office_desk
from serving.box_office_desk import KnownSessions, open_desk
from tickettape.settings import Settings


def test_a_round_that_fails_is_logged_and_is_not_the_last(
    box_office_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds, again = [], threading.Event()

    def fail_at_first(*_: object) -> None:
        rounds.append("round")
        if len(rounds) == 1:
            raise AssertionError("a fault of ours")
        again.set()

    monkeypatch.setattr(box_office_desk, "TIDY_SECONDS", 0.01)
    monkeypatch.setattr(box_office_desk, "tidy", fail_at_first)

    async def tidy_twice() -> bool:
        async with open_desk(box_office_url, Settings(), lambda *_: None, KnownSessions()) as desk:
            work = asyncio.create_task(desk.keep_tidy())
            tidied = await asyncio.to_thread(again.wait, 5.0)
            work.cancel()
            return tidied

    assert asyncio.run(tidy_twice())
    assert "The box office could not be tidied" in caplog.text
    assert "a fault of ours" in caplog.text
