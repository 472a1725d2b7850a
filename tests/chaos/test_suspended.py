"""A machine that sleeps over ticks: each is captured late in its interval, or recorded as missed."""

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.program import MOST_LINES, TICK, Program, report
from tests.support.own_server import OwnServer
from tests.support.processes import signal_all

pytestmark = pytest.mark.long

INTO_THE_TICK = timedelta(seconds=65)  # the schedule's minute is over, and the tick is not


@pytest.mark.parametrize("ticks", [1, 3])
def test_a_machine_that_slept_over_ticks_captures_the_newest_and_records_the_others_as_missed(
    program: Program, server: OwnServer, ticks: int
) -> None:
    asleep = program.wait_for_the_middle_of_a_tick()
    before = len(program.said())
    wakes = asleep + ticks * TICK + INTO_THE_TICK
    signal_all(program.process, program.home, signal.SIGSTOP)
    with server.frozen():
        program.market.seconds = 0
        time.sleep((wakes - datetime.now(UTC)).total_seconds())
    signal_all(program.process, program.home, signal.SIGCONT)
    took = program.wait_until_well()
    said = program.said()[before:]
    with program.database() as connection:
        found = connection.execute(
            """select tick, count(*) filter (where status in ('ok', 'empty')), count(*) filter (where status = 'missed')
               from market.captures where tick >= %s group by tick order by tick""",
            [asleep],
        ).fetchall()
    report(f"asleep over {ticks}: well {took:.0f} s after it", *said)
    report(*[f"{tick:%H:%M}: {captured} captured, {missed} missed" for tick, captured, missed in found])
    report(*[f"told: {one['title']}\n{one['message']}" for one in program.inbox.messages])
    of_tick = {tick: (captured, missed) for tick, captured, missed in found}
    slept_over = [asleep + number * TICK for number in range(1, ticks)]
    assert [tick for tick in slept_over if of_tick[tick][1] == 0] == []
    assert sum(of_tick[asleep + ticks * TICK]) > 0  # late, or missed: the code server needs some two minutes to start
    assert len(program.problems(said)) <= MOST_LINES
