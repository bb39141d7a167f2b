"""OpenSSH's own server, started by a test: on a port, with a configuration, a host key and accepted keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncssh
import psutil
import pytest

from support.platform import free_port, wait_for

SSHD = "/usr/sbin/sshd"
#: As it says itself, in its log.
_LISTENS = "Server listening on"


class Sshd:
    """A server that accepts one key. ``start`` it; what is in ``options`` goes before everything else it is told."""

    def __init__(self, folder: Path, *options: str, kind: str = "ssh-ed25519", port: int | None = None) -> None:
        self.folder = folder
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.port = port or free_port()
        self.log = folder / "sshd.log"
        self.accepted = folder / "authorized_keys"
        self.accepted.touch()
        self.host_key = asyncssh.generate_private_key(kind)
        self._key_file = folder / "host_key"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """How this user signs in."""
        return self.address_of(getpass.getuser())

    def address_of(self, user: str) -> str:
        return f"{user}@127.0.0.1:{self.port}"

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    def accept(self, public_key: Path) -> None:
        with self.accepted.open("ab") as file:
            file.write(public_key.read_bytes())

    def start(self) -> Sshd:
        self._key_file.unlink(missing_ok=True)
        self._key_file.touch(mode=0o600)
        self.host_key.write_private_key(self._key_file)
        config = self.folder / "sshd_config"
        config.write_text("\n".join([*self._options, *self._lines(), ""]))
        if os.geteuid() == 0:
            # Where the unprivileged half of it has to be able to go; the system's own makes it at boot.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.log.write_bytes(b"")
        self._process = subprocess.Popen([SSHD, "-D", "-f", str(config), "-E", str(self.log)])
        wait_for(self._listens, "sshd listens")
        return self

    def _lines(self) -> list[str]:
        return [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self._key_file}",
            f"AuthorizedKeysFile {self.accepted}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "LogLevel VERBOSE",
        ]

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return _LISTENS in self.log.read_text()

    def cut(self) -> None:
        """End every connection at once, as a network that goes away would; new ones are accepted."""
        assert self._process is not None
        for process in psutil.Process(self._process.pid).children(recursive=True):
            # One may have ended by itself since it was listed.
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        if self._process is not None:
            self.cut()
            self._process.terminate()
            self._process.wait()
            self._process = None


@contextmanager
def running_sshd(*options: str, kind: str = "ssh-ed25519") -> Iterator[Sshd]:
    """One that runs while the block does."""
    if not Path(SSHD).exists():
        pytest.skip("sshd is not installed; scripts/install_test_tools does it")
    folder = Path(tempfile.mkdtemp(prefix="pt-sshd-", dir="/tmp"))
    folder.chmod(0o755)
    sshd = Sshd(folder, *options, kind=kind)
    try:
        yield sshd.start()
    finally:
        sshd.stop()
        shutil.rmtree(folder, ignore_errors=True)
