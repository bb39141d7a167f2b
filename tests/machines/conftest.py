"""Machines for the tests of this folder, and what a failed test says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.machine import Machine
from support.machine_base import what_is_lacking

ROOT = Path(__file__).resolve().parents[2]

#: ``make("trixie", disk_megabytes=300)``: a booted machine; takes what ``make_machine`` takes.
MakeMachine = Callable[..., Machine]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who wants to look into a machine after a failure has it kept."""
    parser.addoption("--keep-machines", action="store_true", help="leave the machines of a failed test running")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What the machines of a failed test have to say goes into its report, before they are destroyed."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        for machine in _machines_of(item):
            report.sections.append((f"machine {machine.name}", machine.report()))
            if item.config.getoption("--keep-machines"):
                machine.keep()
                report.sections.append(("it was kept", machine.enter_words()))
    return report  # type: ignore[return-value]


def _machines_of(item: pytest.Item) -> list[Machine]:
    values = getattr(item, "funcargs", {}).values()
    found = [value for value in values if isinstance(value, Machine)]
    return found + [
        machine for value in values if isinstance(value, list) for machine in value if isinstance(machine, Machine)
    ]


@pytest.fixture(scope="session", autouse=True)
def _machines_can_run() -> None:
    """Everything here is skipped where no machine can run; with CI=true a skip is a failure."""
    if lacking := what_is_lacking():
        pytest.skip(lacking)


@pytest.fixture
def suite() -> str:
    """The Debian of ``machine``. For both: ``@pytest.mark.parametrize("suite", SUITES)``."""
    return "bookworm"
