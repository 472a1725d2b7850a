"""What pytest does here beside running tests: `--no-processes` for `make check`, rounds for `make test-long`, and which
worker runs what.

Which tests start a process is found out, not listed. A test that uses the PostgreSQL server, directly or through other
fixtures, is left out by --no-processes. What else starts a process says so by the marker `processes`, and is held to
it: without the marker it fails under --no-processes, and with it, where it starts none, it fails everywhere else.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test
from xdist.scheduler import LoadFileScheduling

from tests.support.profiles import LONG, ROUNDS

TOGETHER = ("tests/browser/", "tests/serving/", "tests/tickettape/rollups/", "tests/dbt_project/")
"""Folders whose set-up takes seconds and serves all of their tests: one worker runs each, and begins with them."""
IN_LONG = ("race", "whole_program")
SERVER_FIXTURE = "server_url"
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.exec"}
"""Audit events of Python that start a process."""


class Processes:
    """What a test has started so far, and the files whose tests did; `refused` while none may be."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.files: set[Path] = set()
        self.refused = False

    def note(self, what: str) -> None:
        """Called before anything is started."""
        self.started.append(what)
        if self.refused:
            # passes through `except Exception`, as the end of a test should
            pytest.fail(refusal([what]), pytrace=True)


PROCESSES = Processes()


def refusal(started: list[str]) -> str:
    """What to do about a process that was not to be started."""
    return (
        f"This test starts a process ({started[0]}), and --no-processes runs only what starts none. Mark it "
        "@pytest.mark.processes, or let it use the server's fixture if that is what it starts."
    )


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in STARTS:
        PROCESSES.note(f"{event} {arguments[0]}" if arguments else event)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-processes", action="store_true", help="run only the tests that start no process")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "processes: starts processes by other ways than the server's fixture")
    config.addinivalue_line("markers", "long: runs for longer in `make test-long`, as every property test does")
    config.addinivalue_line("markers", "whole_program: takes half a minute or more; only `make test-long` runs it")
    config.addinivalue_line("markers", "race: an injected wait decides a race; runs many rounds in `make test-long`")
    sys.addaudithook(_heard)
    # forkserver and spawn go by a way of their own, of which no event tells
    start = BaseProcess.start

    def noted(process: BaseProcess) -> None:
        PROCESSES.note(f"multiprocessing {process.name}")
        start(process)

    setattr(BaseProcess, "start", noted)  # noqa: B010


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A race is run ROUNDS times."""
    if ROUNDS > 1 and metafunc.definition.get_closest_marker("race"):
        metafunc.fixturenames.append("_round")
        metafunc.parametrize("_round", range(ROUNDS))


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A worker takes a file at a time, or a folder of TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` starts: one more than cores, as tests often wait for what they started."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.getoption("--no-processes") else cores + 1


def pytest_collection_finish() -> None:
    """Leave what was imported to no later garbage collection: each full one took a quarter of a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if is_hypothesis_test(getattr(item, "function", None)) or any(map(item.get_closest_marker, IN_LONG)):
            item.add_marker("long")
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))  # what takes longest begins first
    if not LONG:
        named = {(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args}
        _leave_out(config, items, lambda item: item.path not in named and "whole_program" in item.keywords)
    if config.getoption("--no-processes"):
        _leave_out(config, items, starts_processes)


def _leave_out(config: pytest.Config, items: list[pytest.Item], which: Callable[[pytest.Item], bool]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if which(item)])
    items[:] = [item for item in items if not which(item)]


def starts_processes(item: pytest.Item) -> bool:
    """Whether a test is known to start a process."""
    fixtures = getattr(item, "fixturenames", ())
    return SERVER_FIXTURE in fixtures or item.get_closest_marker("processes") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Whatever is started between here and the end is this test's, its fixtures' setting up included."""
    PROCESSES.started, PROCESSES.refused = [], bool(item.config.getoption("--no-processes"))
    try:
        return (yield)
    finally:
        PROCESSES.refused = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    result = yield
    if item.config.getoption("--no-processes"):
        if PROCESSES.started:  # in a thread, whose failure is nobody's
            pytest.fail(refusal(PROCESSES.started), pytrace=False)
    elif PROCESSES.started:
        PROCESSES.files.add(item.path)
    elif item.get_closest_marker("processes") and item.path not in PROCESSES.files:  # a fixture of all started it
        pytest.fail("It starts no process: take @pytest.mark.processes away, and `make check` runs it.", pytrace=False)
    return result
