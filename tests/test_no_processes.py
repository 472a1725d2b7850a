"""`--no-processes`, held: pytest is run on a small file, as `make check` and `make test` run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment
from tickettape.settings import ROOT

TESTS = """
import multiprocessing, os, subprocess, sys, threading
import pytest

def run(): subprocess.run([sys.executable, "-c", ""])

@pytest.fixture
def server_url(): run()

@pytest.fixture
def database(server_url): pass

def test_plain(): pass
def test_with_the_server(database): pass
def test_popen(): run()
def test_swallowed():
    try: run()
    except Exception: pass
def test_in_a_thread():
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
def test_fork():
    if os.fork() == 0: os._exit(0)
    os.wait()
def test_spawn(): os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
def test_multiprocessing():
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()
def test_system(): os.system("true")
@pytest.mark.processes
def test_marked(): run()
"""

STARTING = {"popen", "swallowed", "in_a_thread", "fork", "spawn", "multiprocessing", "system"}


def outcomes(folder: Path, tests: str, *options: str) -> dict[str, set[str]]:
    """Outcome -> the names of the tests that had it."""
    (folder / "test_some.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "tests.support.plugin", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(folder), "-c", "/dev/null", *options, str(folder)]
    env = environment(folder)  # without the options of the run that this test is in
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120).stdout
    found: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*::test_(\w+)", said, re.MULTILINE):
        found.setdefault(outcome, set()).add(name)
    return found


@pytest.mark.processes
def test_a_test_that_starts_a_process_by_whatever_way_is_left_out_or_fails(tmp_path: Path) -> None:
    assert outcomes(tmp_path, TESTS, "--no-processes") == {"PASSED": {"plain"}, "FAILED": STARTING}


@pytest.mark.processes
def test_control_without_the_option_they_all_run_and_pass(tmp_path: Path) -> None:
    assert outcomes(tmp_path, TESTS) == {"PASSED": {"plain", "with_the_server", "marked", *STARTING}}


@pytest.mark.processes
def test_a_test_that_is_marked_and_starts_nothing_fails(tmp_path: Path) -> None:
    marked = "import pytest\n@pytest.mark.processes\ndef test_quiet(): pass\n"
    assert outcomes(tmp_path, marked) == {"FAILED": {"quiet"}}
