"""Which keys the computers at the other end have: Potions' own known_hosts, and OpenSSH's beside it.

What is accepted here is written to Potions' own file alone; ``~/.ssh/known_hosts`` is read and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import asyncssh

from potions.errors import HostKeyChanged, HostKeyUnknown
from potions.private_file import write_private
from potions.ssh.address import SSH_PORT
from potions.ssh.config_folder import changing, config_folder

#: What asyncssh wants to be told of a host: keys, authorities, revoked keys, and the same for X.509.
Trusted = tuple[
    list[asyncssh.SSHKey],
    list[asyncssh.SSHKey],
    list[asyncssh.SSHKey],
    list[object],
    list[object],
    list[object],
    list[object],
]
_KINDS = 7


def own_file() -> Path:
    """``~/.config/potions/known_hosts``."""
    return config_folder() / "known_hosts"


def openssh_files() -> list[Path]:
    """OpenSSH's own, that of the user and that of the system."""
    return [Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts")]


class Line(NamedTuple):
    """A line of a known_hosts file, which knows of the host in question."""

    file: Path
    number: int
    trusted: Trusted

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.number}"


@dataclass(frozen=True)
class Shown:
    """The key that a server showed, as people compare it."""

    key: asyncssh.SSHKey

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as ``ssh-keygen -l`` prints it."""
        return self.key.get_fingerprint()

    @property
    def kind(self) -> str:
        """``ED25519``, ``RSA``: as OpenSSH calls them."""
        algorithm = self.key.get_algorithm()
        return algorithm.removeprefix("sk-").removeprefix("ssh-").partition("-")[0].partition("@")[0].upper()

    @property
    def line(self) -> str:
        """As it stands in a known_hosts file, behind the host."""
        return self.key.export_public_key("openssh").decode().split(" ", 2)[0] + " " + self._data

    @property
    def _data(self) -> str:
        return self.key.export_public_key("openssh").decode().split()[1]


def lookup_name(host: str, port: int | None) -> str:
    """What stands for a host in such a file."""
    return host if port in (None, SSH_PORT) else f"[{host}]:{port}"


class KnownHosts:
    """What all files know of one host. As a callable it is what asyncssh asks, with the name that it looks for."""

    def __init__(self, files: list[Path] | None = None) -> None:
        self._files = [own_file(), *openssh_files()] if files is None else files
        self.name = ""
        self.lines: list[Line] = []

    def __call__(self, host: str, _address: str, port: int | None) -> Trusted:
        self.name = lookup_name(host, port)
        self.lines = [line for file in self._files for line in _lines_about(self.name, file)]
        return _merged([line.trusted for line in self.lines])

    @property
    def names_a_key(self) -> bool:
        """Whether this host has been met before, so that another key of it is a changed one."""
        return any(line.trusted[0] for line in self.lines)

    def refuse(self, where: str, shown: Shown) -> HostKeyUnknown | HostKeyChanged:
        """The error for a key that is not trusted."""
        if self.names_a_key:
            return HostKeyChanged(where, shown.kind, shown.fingerprint, self._places())
        return HostKeyUnknown(where, shown.kind, shown.fingerprint)

    def accept(self, shown: Shown) -> None:
        """Write the key of the host that was looked for last into Potions' own file. Raises FileNotWritten."""
        file = self._files[0]
        with changing(file.parent):
            before = file.read_bytes() if file.exists() else b""
            if before and not before.endswith(b"\n"):
                before += b"\n"
            write_private(file, before + f"{self.name} {shown.line}\n".encode(), force=True)

    def _places(self) -> list[str]:
        return [line.place for line in self.lines if line.trusted[0]]


def _lines_about(name: str, file: Path) -> list[Line]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # Most people have but one of them.
        return []
    found = (Line(file, number, _trusted(name, text)) for number, text in enumerate(lines, 1))
    return [line for line in found if any(line.trusted)]


def _trusted(name: str, text: str) -> Trusted:
    """What one line says of the host. Without the address: it is the name that people trust, and addresses wander."""
    try:
        # Its own second look, without the port, would take another server on the same computer for this one.
        found = asyncssh.import_known_hosts(text).match(name, "", None)
    except ValueError:
        # A line that nobody understands vouches for nobody.
        return _merged([])
    return _merged([found])  # type: ignore[list-item]


def _merged(several: list[Trusted]) -> Trusted:
    kinds: list[list[object]] = [[] for _ in range(_KINDS)]
    for one in several:
        for kind, found in zip(kinds, one, strict=True):
            kind.extend(cast(list[object], found))
    return tuple(kinds)  # type: ignore[return-value]
