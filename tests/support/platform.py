"""A whole Potions under test: its own home and ports, real supervisord, real Caddy, commands as a person types them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from potions.client import Client
from potions.layout import AppTree, Colour, Home

COMMAND_TIMEOUT = 180.0
#: Below the kernel's own range for outgoing connections, a block for each home.
_FIRST_BLOCK = 20_000
_BLOCK = 60
_BLOCKS = 190


class Outcome(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


class Platform:
    """One embedded home. ``up`` it first; ``close`` ends everything and says what would have been left behind."""

    def __init__(self) -> None:
        # Not pytest's own folder: nobody but root may enter that, and apps run as another user then.
        self.folder = Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.home = Home(self.folder / "h")
        self.http_port = free_port()
        self.first_port, self._block = claim_block()
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "POTIONS_HOME": str(self.home.root),
            "POTIONS_HTTP_PORT": str(self.http_port),
            "POTIONS_FIRST_PORT": str(self.first_port),
        }

    # Commands

    def run(self, *words: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Outcome:
        """Run ``potions WORDS`` to its end, whatever that is."""
        done = subprocess.run(
            ["potions", *words],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            env={**self.environment, **(env or {})},
            cwd=self.folder,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def do(self, *words: str, stdin: str | bytes = "") -> Outcome:
        """Run a command that has to succeed."""
        outcome = self.run(*words, stdin=stdin)
        assert outcome.status == 0, f"potions {' '.join(words)}: {outcome.status}\n{outcome.text}\n{self.report()}"
        return outcome

    def refused(self, *words: str, stdin: str | bytes = "") -> Outcome:
        """Run a command that has to be refused, in words and not in a traceback."""
        outcome = self.run(*words, stdin=stdin)
        assert outcome.status != 0, f"potions {' '.join(words)} was taken\n{outcome.text}"
        assert "Traceback" not in outcome.text, outcome.text
        assert "made a mistake" not in outcome.text, outcome.text + self.report()
        return outcome

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run a command in the background, to be ended by the test."""
        return subprocess.Popen(
            ["potions", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )

    def up(self) -> Platform:
        self.do("up")
        return self

    def json(self, *words: str) -> Any:
        return self.do(*words, "--json").json()

    @property
    def client(self) -> Client:
        return Client(self.home.agent_socket)

    # Looking

    def tree(self, app: str) -> AppTree:
        return self.home.app(app)

    def live(self, app: str) -> Colour:
        return Colour(Path(os.readlink(self.tree(app).live)).name)

    def get(self, app: str, path: str = "/", **options: Any) -> httpx.Response:
        """A visitor's request, on a connection of its own."""
        return self.request("GET", app, path, **options)

    def request(self, method: str, app: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Host": f"{app}.localhost", **options.pop("headers", {})}
        url = f"http://127.0.0.1:{self.http_port}{path}"
        return httpx.request(method, url, headers=headers, timeout=60, **options)

    def version(self, app: str) -> str:
        """The version that a visitor sees, or the status where that is no 200."""
        answer = self.get(app)
        return str(answer.json()["version"]) if answer.status_code == 200 else str(answer.status_code)

    def statuses(self, app: str) -> list[str]:
        """The status of every deployment, the newest first."""
        return [one["status"] for one in self.json("deployments", app)]

    def agent_pid(self) -> int:
        part = next(part for part in self.json("status")["parts"] if part["name"] == "agent")
        return int(part["pid"])

    def processes(self) -> list[psutil.Process]:
        """Everything that runs because of this home."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def report(self) -> str:
        """What a failing test shows: states and the ends of all logs."""
        parts = []
        for log in sorted(self.home.logs.glob("*.log")) + sorted(self.home.apps.glob("*/logs/*")):
            text = log.read_text(errors="replace")
            parts.append(f"--- {log}\n{text[-3000:]}")
        return "\n".join(parts)

    # The end

    def close(self) -> None:
        """Take everything down and remove the home; fails where a process outlives that."""
        try:
            self.run("down")
            left = self.processes()
            names = [f"{process.pid} {' '.join(process.cmdline())}" for process in left]
            for process in left:
                process.send_signal(signal.SIGKILL)
            assert not names, f"left running: {names}"
        finally:
            self._block.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        mark = str(self.folder)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            of_an_app = process.environ().get("POTIONS_DIR", "").startswith(mark)
            return of_an_app or any(mark in word for word in process.cmdline())
        except psutil.Error:
            return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def claim_block() -> tuple[int, socket.socket]:
    """Where the ports of one home's apps may begin, and the claim: nobody else gets that block until it is closed.

    The claim holds for every test run on this computer, and ends with this process at the latest.
    """
    for first in range(_FIRST_BLOCK, _FIRST_BLOCK + _BLOCK * _BLOCKS, _BLOCK):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0potions-test-ports-{first}")
        except OSError:
            claim.close()
        else:
            return first, claim
    raise AssertionError("every block of ports has a home under test")


def wait_for(condition: Callable[[], Any], what: str, timeout: float = 60.0) -> Any:
    """Wait until ``condition`` gives something true, and return it; fails after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, f"in {timeout} s it did not happen: {what}"
        time.sleep(0.02)
    return found
