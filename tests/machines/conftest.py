"""Machines for the tests of this folder, and what a failed test says of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.installed_disk import installed_disk
from support.machine import ALIVE, Machine, machine_of
from support.machine_base import what_is_lacking
from support.server import InstalledServer

ROOT = Path(__file__).resolve().parents[2]

#: ``make("trixie", disk_megabytes=300)``: one more booted machine; takes what ``machine_of`` takes.
MakeMachine = Callable[..., Machine]
InstalledDisk = Callable[[str], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who wants to look into a machine after a failure has it kept."""
    parser.addoption("--keep-machines", action="store_true", help="leave the machines of a failed test running")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the machines of a failed test have to say goes into its report, before they are destroyed."""
    report = yield
    if report.failed:
        for machine in ALIVE:
            report.sections.append((f"machine {machine.name}", machine.report()))
            if item.config.getoption("--keep-machines"):
                machine.keep()
                report.sections.append((f"machine {machine.name} was kept", machine.how_to_enter()))
    return report


@pytest.fixture(scope="session", autouse=True)
def _machines_can_run() -> None:
    """Everything here is skipped where no machine can run; with CI=true a skip is a failure."""
    if lacking := what_is_lacking():
        pytest.skip(lacking)


@pytest.fixture
def suite() -> str:
    """The Debian of ``machine``. Both of them: ``@pytest.mark.parametrize("suite", SUITES)``."""
    return "bookworm"


@pytest.fixture
def machine(suite: str) -> Iterator[Machine]:
    """A fresh machine for one test. For a whole module, write a fixture of that scope around ``machine_of``."""
    with machine_of(suite) as machine:
        yield machine


@pytest.fixture(name="make_machine")
def several_machines() -> Iterator[MakeMachine]:
    """Several machines in one test, destroyed at its end."""
    with ExitStack() as made:
        yield lambda suite="bookworm", **options: made.enter_context(machine_of(suite, **options))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, as a release ships it."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("potions-*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path) -> InstalledDisk:
    """``installed("trixie")``: a disk with Potions on it, to put machines over."""
    return lambda suite: installed_disk(suite, wheel)


@pytest.fixture(scope="module")
def server(installed: InstalledDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledServer]:
    """A server for all stories of a module: each has apps of its own."""
    with machine_of("bookworm", over=installed("bookworm")) as machine:
        yield InstalledServer(machine, tmp_path_factory.mktemp("releases"))


@pytest.fixture
def fresh_server(installed: InstalledDisk, suite: str, tmp_path: Path) -> Iterator[InstalledServer]:
    """A server of one test's own."""
    with machine_of(suite, over=installed(suite)) as machine:
        yield InstalledServer(machine, tmp_path / "releases")
