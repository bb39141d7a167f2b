"""A laptop, a real sshd, and behind it an agent with canned answers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import answers
from support.canned_agent import CannedAgent, running_agent
from support.laptop import Laptop
from support.sshd import Sshd, running_sshd


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A path to a socket may only be so long, and pytest's own folders are longer."""
    folder = Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def laptop(short_folder: Path) -> Laptop:
    return Laptop(short_folder / "laptop")


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


@pytest.fixture
def agent(short_folder: Path) -> Iterator[CannedAgent]:
    """One that says its status."""
    with running_agent(short_folder / "run" / "agent.sock") as running:
        running.says("GET", "/status", answers.platform())
        running.says("GET", "/apps", [answers.summary()])
        yield running
