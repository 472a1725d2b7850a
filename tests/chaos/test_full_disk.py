"""A disk that is full: in the middle of a tick, at Ctrl-C, and where the archive writes."""

import os
import signal
import time

import pytest
from typer.testing import CliRunner

from tests.chaos.program import MOST_LINES, SLOW, report, running, told
from tests.support.loopback_servers import served
from tests.support.old_months import JULY, fill
from tests.support.processes import BIN, empty_home, kill_all, seconds_to_end, start, tick_once, wait_for
from tests.support.slow_simulator import SlowSimulator
from tests.support.small_disks import small_disk
from tickettape import cli
from tickettape.cli import app
from tickettape.database import Connection
from tickettape.settings import Settings

pytestmark = pytest.mark.long

DISK_MB = 400  # the embedded server takes 60 MB empty, and the tables, their journal and the logs the rest
CTRL_C_SECONDS = 10.0


def test_a_tick_by_hand_on_a_full_disk_says_why_in_three_lines_and_is_well_when_there_is_room() -> None:
    market = SlowSimulator(events=60)
    with small_disk(DISK_MB) as disk, empty_home() as elsewhere, served(market) as url:
        home, log = disk.folder / "home", elsewhere / "log"
        home.mkdir()
        environment = {"MARKETPLACE_URL": url, "MARKETPLACE_SOURCE": "simulator", "REQUESTS_PER_SECOND": "100"}
        assert start([str(BIN / "tickettape"), "tracked"], home, log, **environment).wait(timeout=120) == 0
        log.unlink()
        market.seconds = SLOW
        ticking = start([str(BIN / "tickettape"), "tick"], home, log, **environment)
        try:
            wait_for("the middle of a tick", lambda: market.asked.total() > 3, 120, log)
            disk.fill()
            market.seconds = 0
            assert ticking.wait(timeout=180) == 1
        finally:
            kill_all(ticking, home)
        said = log.read_text()
        report("a tick on a disk that fills:", said)
        assert len(said.splitlines()) <= MOST_LINES
        assert "disk is full" in said
        assert "Free some space" in said
        log.unlink()
        assert tick_once(home, log, **environment) == 1  # it does not start either
        report("a tick on a full disk:", log.read_text())
        assert len(log.read_text().splitlines()) <= 3
        assert "Free some space" in log.read_text()
        disk.free()
        assert tick_once(home, log, **environment) == 0, log.read_text()


def test_a_disk_that_fills_in_mid_tick_costs_no_data_and_ctrl_c_ends_everything_on_it() -> None:
    with small_disk(DISK_MB) as disk, told() as inbox:
        home = disk.folder / "home"
        home.mkdir()
        with running(home, inbox) as program:
            program.wait_for_the_middle_of_a_tick()
            before = len(program.said())
            disk.fill()
            program.market.seconds = 0
            time.sleep(60)
            disk.free()
            took = program.wait_until_well()
            said = program.said()[before:]
            report(f"the disk full: well {took:.0f} s after it; {len(said)} lines:", *said)
            report(*[f"told: {one['title']}\n{one['message']}" for one in inbox.messages])
            assert len(program.problems(said)) <= MOST_LINES
            assert any("disk is full" in line and "Free some space" in line for line in said)
            disk.fill()
            time.sleep(20)
            before = len(program.said())
            os.killpg(program.process.pid, signal.SIGINT)
            took = seconds_to_end(program.process, home)
            report(f"Ctrl-C on the full disk: all ended in {took:.1f} s", *program.said()[before:])
            assert took < CTRL_C_SECONDS


def test_the_archive_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, JULY)
    connection.execute("delete from market.dirty_buckets")
    with small_disk(1) as disk:
        settings = Settings(raw_months=1, keep_detached_days=0, cold_storage_url=str(disk.folder / "cold"))
        monkeypatch.setattr(cli.archive, "settings", lambda: settings)
        disk.fill()
        failed = CliRunner().invoke(app, ["archive", "2026-07"])
        report("the archive on a full disk:", failed.stderr)
        assert failed.exit_code == 1
        assert len(failed.stderr.splitlines()) <= 3
        assert f"The disk of {disk.folder}/cold is full" in failed.stderr
        assert "Free some space" in failed.stderr
        assert connection.execute("select count(*) from market.section_snapshots").fetchone() == (28,)
        disk.free()
        done = CliRunner().invoke(app, ["archive", "2026-07"])
        assert done.exit_code == 0, done.output
        assert "2026-07 is in cold storage" in done.output
