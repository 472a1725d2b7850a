"""Where every tool is installed, a skipped test fails the run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment
from tickettape.settings import ROOT

SUITE = {
    "test_marked.py": """
        import pytest
        @pytest.mark.skipif(True, reason="the marked tool is missing")
        def test_marked(): ...
        def test_called(): pytest.skip("the called tool is missing")
        @pytest.mark.xfail(reason="known")
        def test_known(): assert False
        def test_green(): ...""",
    "test_module.py": """
        import pytest
        pytest.skip("the module's tool is missing", allow_module_level=True)""",
}


@pytest.mark.processes
@pytest.mark.parametrize(
    ("options", "code", "counts"),
    [([], 0, "1 passed, 3 skipped, 1 xfailed"), (["--no-skips"], 1, "1 failed, 1 passed, 1 xfailed, 2 errors")],
    ids=["without", "with"],
)
def test_a_skip_fails_the_run_with_its_reason(options: list[str], code: int, counts: str, tmp_path: Path) -> None:
    for name, source in SUITE.items():
        (tmp_path / name).write_text(source.replace("\n        ", "\n"))
    plugin = ["-p", "tests.support.no_skips", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", "/dev/null", "-ra"]
    command = [sys.executable, "-m", "pytest", *plugin, "--continue-on-collection-errors", *options, str(tmp_path)]
    env = environment(tmp_path)  # without the options of the run that this test is in
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout
    assert counts in done.stdout
    for tool in ("marked", "called", "module's"):
        assert f"the {tool} tool is missing" in done.stdout
