"""`pytest --no-skips`: a skipped test fails, with its reason. For runs where every tool is installed."""

from collections.abc import Generator

import pytest

_WRAPPER = pytest.hookimpl(wrapper=True, tryfirst=True)  # after pytest itself has told xfail from skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail a test that is skipped, with its reason")


@_WRAPPER
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        _fail_a_skip(report)
    return report


@_WRAPPER
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        _fail_a_skip(report)
    return report


def _fail_a_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason} (--no-skips)"
