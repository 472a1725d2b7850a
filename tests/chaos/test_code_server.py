"""The process that has the code is killed under a program that ticks."""

import time

import psutil
import pytest

from tests.chaos.program import MOST_LINES, Program, report
from tests.support.own_server import OwnServer
from tests.support.processes import processes_of

pytestmark = pytest.mark.long


def code_servers(program: Program) -> list[psutil.Process]:
    """The process that has the code. A run's process has the same command line, and is its child."""
    found = [one for one in processes_of(program.process, program.home) if "api grpc" in " ".join(one.cmdline())]
    return [one for one in found if one.ppid() not in {other.pid for other in found}]


def test_a_code_server_that_is_killed_in_mid_tick_comes_back_and_the_tick_is_tried_again(program: Program) -> None:
    program.wait_for_the_middle_of_a_tick()
    before = len(program.said())
    for one in code_servers(program):
        one.kill()
    took = program.wait_until_well()
    said = program.said()[before:]
    report(f"the code server killed: well {took:.0f} s after it; {len(said)} lines:", *said)
    assert len(program.problems(said)) <= MOST_LINES


def test_a_code_server_that_is_killed_while_the_database_is_away_comes_back_with_it(
    program: Program, server: OwnServer
) -> None:
    program.wait_for_the_middle_of_a_tick()
    before = len(program.said())
    server.stop()
    for one in code_servers(program):
        one.kill()
    time.sleep(60)
    server.start()
    took = program.wait_until_well()
    said = program.said()[before:]
    report(f"killed while the database is away: well {took:.0f} s after it; {len(said)} lines:", *said)
    assert len(program.problems(said)) <= MOST_LINES
