"""The command line against an agent with canned answers."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from potions.cli import screen
from potions.cli.main import main
from potions.layout import Home
from support.canned_agent import CannedAgent, running_agent
from support.command import Outcome, Run, Spawn
from support.terminal import Terminal, in_terminal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, and a terminal of 80 columns without colours."""
    monkeypatch.setenv("POTIONS_HOME", str(tmp_path / "h"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("NO_COLOR", "FORCE_COLOR", "POTIONS_DEBUG", "POTIONS_SERVER", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    screen.stdout.cache_clear()
    screen.stderr.cache_clear()
    return tmp_path / "h"


@pytest.fixture
def agent(home: Path) -> Iterator[CannedAgent]:
    with running_agent(Home(home).agent_socket) as running:
        yield running


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call ``main`` in this process; ``stdin`` is what a pipe would hold."""

    def call(*argv: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = main(argv)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture
def spawn() -> Spawn:
    """Start the command as a process of its own."""

    def start(*argv: str, env_more: dict[str, str] | None = None, **more: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "potions.cli.main", *argv]
        return subprocess.Popen(command, env=os.environ | (env_more or {}), **more)  # type: ignore[call-overload,no-any-return]

    return start


@pytest.fixture
def terminal() -> Terminal:
    """Run the command in a terminal of its own."""

    def start(*argv: str) -> Any:
        return in_terminal(sys.executable, "-m", "potions.cli.main", *argv, environment=os.environ)

    return start
