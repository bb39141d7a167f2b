"""A computer at the other end of an SSH connection: commands with live output, files, and what system it is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from potions.errors import RemoteCommandFailed, ServerUnreachable
from potions.ssh.connecting import Connection
from potions.ssh.quoting import command_line, quoted

T = TypeVar("T")

#: Called with each line as it comes, without its end; made harmless by whoever prints it.
TellLine = Callable[[str], None]
#: Called with each further number of bytes that went out.
TellBytes = Callable[[int], None]

_PIECE = 256 * 1024
_PASSWORD_TRIES = 3
#: As SSH names them, and as a shell counts them.
_SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "PIPE": 13, "TERM": 15}
_SUDO_THAT_ASKS = "sudo -S -p ''"
#: So that what sudo did not read of its password is nobody's input.
_WITHOUT_INPUT = 'exec "$@" </dev/null'


@dataclass(frozen=True)
class Ran:
    """How a command ended. A signal that ended it stands as 128 and its number, as a shell says it."""

    status: int
    out: str
    err: str = field(repr=False)


class Remote:
    """Commands and files over an open `Connection`, which stays the caller's to close.

    With ``sudo`` a command runs as root: as it is where the user is root, else through sudo, whose password is asked at
    the terminal once and kept in memory alone.
    """

    def __init__(self, connection: Connection) -> None:
        self.address = connection.address
        self._connection = connection
        self._password: str | None = None
        self._way_to_root: str | None = None

    @property
    def user(self) -> str:
        """Who one is there, whatever ~/.ssh/config made of the address."""
        return str(self._connection.ssh.get_extra_info("username"))

    @property
    def peer(self) -> str:
        """The IP address at the other end; empty where something else stands between, as with a ProxyCommand."""
        found = self._connection.ssh.get_extra_info("peername")
        return str(found[0]) if found else ""

    def run(
        self,
        words: Sequence[str],
        *,
        sudo: bool = False,
        tell: TellLine | None = None,
        check: bool = True,
        input: bytes = b"",
    ) -> Ran:
        """Run a command to its end; ``tell`` gets the lines of both its outputs as they come, in this thread.

        The words reach the program one by one, through no shell that reads them. ``input`` is what it reads, and stays
        empty with ``sudo``. Raises RemoteCommandFailed for another status than 0 (with ``check``), and where root's
        rights are not given; ServerUnreachable where the connection breaks: what was begun may go on there.
        """
        assert not (sudo and input), "sudo reads its password there"
        line, before = self._as_root(words) if sudo else (command_line(words), b"")
        ran = self._run(line, before + input, tell)
        if check and ran.status != 0:
            raise RemoteCommandFailed(
                f"{words[0]} failed on {self.address} (status {ran.status}).",
                why=(ran.err or ran.out).strip()[-2000:],
            )
        return ran

    def put(
        self, source: Path | bytes, target: str, *, mode: int = 0o644, sudo: bool = False, tell: TellBytes | None = None
    ) -> None:
        """Put a file there, whole or not at all; with ``sudo`` it is root's. The folder has to be there.

        Raises what ``run`` raises, and OSError for a source that cannot be read here.
        """
        folder, _, name = target.rpartition("/")
        part = f"{folder}/.{name}.{secrets.token_hex(8)}.part"
        if not sudo:
            self._send(source, part, tell)
            self._place(part, target, mode, sudo=False)
            return
        # sudo's own input is its password: the file comes by way of a folder that is only the user's.
        waiting = self.run(["mktemp", "-d"]).out.strip()
        try:
            self._send(source, f"{waiting}/{name}", tell)
            self.run(["cp", f"{waiting}/{name}", part], sudo=True)
            self._place(part, target, mode, sudo=True)
        finally:
            self.run(["rm", "-rf", waiting], check=False)

    def os_release(self) -> dict[str, str]:
        """``/etc/os-release`` there: ``ID``, ``VERSION_ID``, ``PRETTY_NAME``; empty where there is none."""
        found = self.run(["cat", "/etc/os-release"], check=False)
        pairs = (line.partition("=") for line in found.out.splitlines() if "=" in line and not line.startswith("#"))
        return {name: value.strip().strip("\"'") for name, _, value in pairs}

    # Root

    def _as_root(self, words: Sequence[str]) -> tuple[str, bytes]:
        """The command for root, and what has to be typed into it."""
        if self._way_to_root is None:
            self._way_to_root = self._find_way()
        match self._way_to_root:
            case "root":
                return command_line(words), b""
            case "free":
                return command_line(["sudo", "-n", "--", *words]), b""
        typed = f"{self._password}\n".encode()
        return f"{_SUDO_THAT_ASKS} -- {command_line(['sh', '-c', _WITHOUT_INPUT, 'sh', *words])}", typed

    def _find_way(self) -> str:
        if self.run(["id", "-u"]).out.strip() == "0":
            return "root"
        if self.run(["sh", "-c", "command -v sudo"], check=False).status != 0:
            raise RemoteCommandFailed(
                f"{self.user} is not root on {self.address.host}, and there is no sudo.",
                do=f"Sign in as root: root@{self.address.host}; or install sudo there.",
            )
        if self.run(["sudo", "-k", "-n", "true"], check=False).status == 0:
            return "free"
        self._ask_password()
        return "password"

    def _ask_password(self) -> None:
        person = self._connection.person
        if not person.is_there:
            raise RemoteCommandFailed(
                f"sudo on {self.address} wants a password, and nobody can be asked for it.",
                why="Standard input is not a terminal.",
                do="Run it in a terminal, or sign in as root.",
            )
        told = ""
        for _ in range(_PASSWORD_TRIES):
            password = person.ask_secretly(f"Password of {self.user} on {self.address.host}, for sudo: ")
            tried = self._run(f"{_SUDO_THAT_ASKS} -k -v", f"{password}\n".encode(), None)
            if tried.status == 0:
                self._password = password
                return
            told = tried.err.strip()
        raise RemoteCommandFailed(
            f"sudo on {self.address} does not let {self.user} become root.",
            why=told[-500:],
            do="Sign in as root, or as somebody who may use sudo.",
        )

    # The other end

    def _run(self, line: str, typed: bytes, tell: TellLine | None) -> Ran:
        return self._call(self._run_there(line, typed, tell))

    async def _run_there(self, line: str, typed: bytes, tell: TellLine | None) -> Ran:
        process = await self._connection.ssh.create_process(line, encoding=None, request_pty=False)
        # What is not read is nobody's loss: it may have ended already.
        with suppress(BrokenPipeError):
            process.stdin.write(typed)
            process.stdin.write_eof()
        out, err = await asyncio.gather(self._read(process.stdout, tell), self._read(process.stderr, tell))
        await process.wait()
        return Ran(_status(process), out, err)

    async def _read(self, stream: Any, tell: TellLine | None) -> str:
        lines: list[str] = []
        async for raw in stream:
            if not raw:
                # Which asyncssh gives once more at the end of some streams (2.24).
                continue
            line = raw.decode("utf-8", "replace")
            lines.append(line)
            if tell is not None:
                await self._connection.loop.here(partial(tell, line.rstrip("\r\n")))
        return "".join(lines)

    def _send(self, source: Path | bytes, target: str, tell: TellBytes | None) -> None:
        data = source if isinstance(source, bytes) else source.read_bytes()
        self._call(self._send_there(data, target, tell))

    async def _send_there(self, data: bytes, target: str, tell: TellBytes | None) -> None:
        line = f"umask 077 && cat > {quoted(target)}"
        process = await self._connection.ssh.create_process(line, encoding=None, request_pty=False)
        # Where it cannot be written, the status says so.
        with suppress(BrokenPipeError):
            for begin in range(0, len(data), _PIECE):
                piece = data[begin : begin + _PIECE]
                process.stdin.write(piece)
                await process.stdin.drain()
                if tell is not None:
                    await self._connection.loop.here(partial(tell, len(piece)))
            process.stdin.write_eof()
        err = (await process.stderr.read()).decode("utf-8", "replace")
        await process.wait()
        if _status(process) != 0:
            raise RemoteCommandFailed(f"{target} could not be written on {self.address}.", why=err.strip()[-500:])

    def _place(self, part: str, target: str, mode: int, *, sudo: bool) -> None:
        """Give it its mode, and its name once it is on the disk."""
        script = 'chmod "$3" "$1" && sync "$1" && mv -fT "$1" "$2" || { rm -f "$1"; exit 1; }'
        self.run(["sh", "-c", script, "sh", part, target, f"{mode:o}"], sudo=sudo)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._connection.loop.call(work)
        except (asyncssh.Error, OSError) as error:
            raise ServerUnreachable(
                f"The connection to {self.address} broke.", why=str(error), do="What was begun there may go on."
            ) from error


def _status(process: Any) -> int:
    """A connection that breaks while a command runs leaves it without one, and that is no success."""
    if process.exit_status is None:
        raise asyncssh.ConnectionLost("The connection was lost before the command ended.")
    if process.exit_signal is not None:
        return 128 + _SIGNALS.get(process.exit_signal[0], 0)
    return int(process.exit_status)
