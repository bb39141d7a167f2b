"""Options of the whole suite."""

from __future__ import annotations

import os
import re
import signal

import pytest

#: Reasons for which a test may be skipped even where skips are forbidden: CI is root, and runs the other half.
_ALLOWED = re.compile(r"needs an ordinary user\b")


def pytest_addoption(parser: pytest.Parser) -> None:
    """CI has everything the tests need, so there a skip means that something was not tested."""
    parser.addoption(
        "--forbid-skips",
        action="store_true",
        default=os.environ.get("CI") == "true",
        help="fail if a test was skipped (set by CI=true)",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in its background with Ctrl-C ignored, and every command under test would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The workers of pytest-xdist hand their reports to the main process, which judges.
    if config.getoption("--forbid-skips") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipsForbidden(), "skips-forbidden")


class SkipsForbidden:
    """Ends the run with status 1 if a test was skipped for a reason that is not allowed."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._remember(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._remember(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped, though nothing may be skipped here", red=True)
            for line in self.skipped:
                terminalreporter.line(line, red=True)

    def _remember(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not _ALLOWED.search(reason):
            self.skipped.append(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")
