"""Another computer, as far as Potions can tell: a user with a home of their own, where no Potions runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from support.platform import COMMAND_TIMEOUT, Outcome
from support.sshd import Sshd
from support.terminal import InTerminal, in_terminal

INSTALL_TIMEOUT = 900.0


class Laptop:
    """Runs ``potions`` as somebody does who has one SSH key, in ``~/.ssh/id_ed25519``."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.ssh = folder / ".ssh"
        self.ssh.mkdir(mode=0o700, parents=True)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.key = self.ssh / "id_ed25519"
        self.write_key(self.key)
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            # Not below the home: a path to a socket may only be so long.
            "POTIONS_HOME": str(folder / "potions"),
            "TMPDIR": str(self.temporary),
        }

    @property
    def config(self) -> Path:
        return self.home / ".config" / "potions"

    def write_key(self, path: Path, passphrase: str | None = None) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.touch(mode=0o600)
        key.write_private_key(path, passphrase=passphrase)
        key.write_public_key(path.with_name(f"{path.name}.pub"))

    def may_enter(self, sshd: Sshd) -> None:
        """The server accepts this laptop's key, and this laptop knows the server."""
        sshd.accept(self.key.with_name(f"{self.key.name}.pub"))
        self.knows(sshd)

    def knows(self, sshd: Sshd) -> None:
        line = sshd.host_key.export_public_key("openssh").decode()
        with (self.ssh / "known_hosts").open("a") as file:
            file.write(f"[127.0.0.1]:{sshd.port} {line}")

    def run(self, *words: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Outcome:
        done = subprocess.run(
            ["potions", *words],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            env={**self.environment, **(env or {})},
            cwd=self.home,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def do(self, *words: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Outcome:
        """Run a command that has to succeed."""
        outcome = self.run(*words, stdin=stdin, env=env)
        assert outcome.status == 0, f"potions {' '.join(words)}: {outcome.status}\n{outcome.text}"
        return outcome

    def refused(self, *words: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run a command that has to be refused, in words and not in a traceback; nothing of a tunnel is left."""
        outcome = self.run(*words, env=env)
        assert outcome.status != 0, f"potions {' '.join(words)} was taken\n{outcome.text}"
        assert "Traceback" not in outcome.text, outcome.text
        assert "did not expect" not in outcome.text, outcome.text
        assert self.left() == []
        return outcome

    def json(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
        return self.do(*words, "--json", env=env).json()

    @contextmanager
    def start(self, *words: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the background; it is ended with the block at the latest."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, **more}
        with subprocess.Popen(
            ["potions", *words], text=True, env=self.environment, cwd=self.home, **streams
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def terminal(self, *words: str, patience: float = COMMAND_TIMEOUT) -> AbstractContextManager[InTerminal]:
        return in_terminal("potions", *words, environment=self.environment, folder=self.home, patience=patience)

    def adding(self, *words: str) -> AbstractContextManager[InTerminal]:
        """`potions server add`, with the time that an install takes on a busy computer."""
        return self.terminal("server", "add", *words, patience=INSTALL_TIMEOUT)

    def left(self) -> list[str]:
        """What tunnels left behind."""
        return sorted(path.name for path in self.temporary.iterdir())
