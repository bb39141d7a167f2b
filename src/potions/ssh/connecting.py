"""Opening an SSH connection: as ``~/.ssh/config`` says, with the keys that are there, to a host whose key is known."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import asyncssh

from potions.errors import (
    HostKeyChanged,
    HostKeyMismatch,
    PotionsError,
    ServerUnreachable,
    SshNotAccepted,
    SshSetupBroken,
)
from potions.ssh.address import Address
from potions.ssh.host_keys import KnownHosts, Shown
from potions.ssh.own_loop import OwnLoop
from potions.ssh.person import Person

CONNECT_SECONDS = 15.0
#: A connection that is silent is asked this often, and given up after so many questions without an answer.
_ALIVE_SECONDS = 15.0
_ALIVE_QUESTIONS = 4


class Door:
    """Opens connections to one address; asks a person for what is missing."""

    def __init__(self, address: Address, loop: OwnLoop, person: Person, host_key: str = "") -> None:
        self._address = address
        self._loop = loop
        self._person = person
        self._host_key = host_key
        """The fingerprint that may be accepted without a question."""

    async def open(self) -> asyncssh.SSHClientConnection:
        """Raises ServerUnreachable, HostKeyUnknown, HostKeyChanged, SshNotAccepted, SshSetupBroken, FileNotWritten."""
        try:
            return await self._open_known(ask=False)
        except SshNotAccepted:
            if not self._person.is_there:
                raise
        # Only now, as ssh does: an agent may have the key whose file wants a passphrase.
        return await self._open_known(ask=True)

    async def _open_known(self, *, ask: bool) -> asyncssh.SSHClientConnection:
        """Open it; a key that is accepted on the way is looked for again, in the file that it was written to."""
        known = KnownHosts()
        client = _Client(self._loop, self._person, self._address)
        try:
            try:
                return await self._attempt(known, client, ask=ask)
            except ServerUnreachable:
                if not known.names_a_key:
                    raise
            # Asked for the kinds of keys that are known, a server that has another kind now just hangs up.
            return await self._attempt(known, client, ask=ask, every_kind_of_key=True)
        except asyncssh.HostKeyNotVerifiable as error:
            if client.shown is None:
                raise self._not_verifiable(error) from error
            await self._accept(known, client.shown)
        return await self._open_known(ask=ask)

    async def _attempt(
        self, known: KnownHosts, client: _Client, *, ask: bool, every_kind_of_key: bool = False
    ) -> asyncssh.SSHClientConnection:
        options: dict[str, Any] = {
            "username": self._address.user,
            "known_hosts": known,
            "client_factory": lambda: client,
            "connect_timeout": CONNECT_SECONDS,
            "keepalive_interval": _ALIVE_SECONDS,
            "keepalive_count_max": _ALIVE_QUESTIONS,
            "agent_forwarding": False,
            "x11_forwarding": False,
        }
        if self._address.port is not None:
            options["port"] = self._address.port
        if every_kind_of_key:
            options["server_host_key_algs"] = "default"
        if ask:
            options["passphrase"] = client.passphrase
        else:
            options |= {"ignore_encrypted": True, "password_auth": False, "kbdint_auth": False}
        try:
            return await asyncssh.connect(self._address.host, **options)
        except asyncssh.HostKeyNotVerifiable:
            raise
        except (asyncssh.Error, OSError, ValueError) as error:
            raise self._told(error) from error

    async def _accept(self, known: KnownHosts, shown: Shown) -> None:
        where = str(self._address)
        refusal = known.refuse(where, shown)
        if isinstance(refusal, HostKeyChanged):
            raise refusal
        if self._host_key:
            if self._host_key != shown.fingerprint:
                raise HostKeyMismatch(where, shown.kind, shown.fingerprint, self._host_key)
        elif not self._person.is_there or not await self._loop.here(lambda: self._agrees(known.name, shown)):
            raise refusal
        known.accept(shown)

    def _agrees(self, name: str, shown: Shown) -> bool:
        self._person.tell(f"{name} was never met before. Its {shown.kind} key has the fingerprint")
        self._person.tell(f"  {shown.fingerprint}")
        return self._person.ask("Is that right? Type yes to go on, and to remember it: ").strip().lower() == "yes"

    def _not_verifiable(self, error: asyncssh.Error) -> PotionsError:
        return SshSetupBroken(
            f"A computer on the way to {self._address} is not known.",
            why=error.reason,
            do=f"Meet it once with ssh, which asks: ssh {self._address.for_ssh}",
        )

    def _told(self, error: Exception) -> PotionsError:
        where = str(self._address)
        match error:
            case asyncssh.PermissionDenied():
                return SshNotAccepted(where, f"ssh-copy-id {self._address.for_ssh}")
            case asyncssh.ConfigParseError() | asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
                return SshSetupBroken(f"What ssh is told in ~/.ssh cannot be used for {where}.", why=str(error))
            case asyncssh.Error():
                return ServerUnreachable(f"SSH to {where} failed.", why=error.reason)
            case ConnectionResetError() | BrokenPipeError():
                return ServerUnreachable(f"SSH to {where} failed.", why="The other end hung up.")
            case socket.gaierror():
                return ServerUnreachable(
                    f"There is no computer called {self._address.host}.",
                    why=error.strerror or str(error),
                    do="Look at the name, and at this computer's own network.",
                )
            case OSError() if error.filename is not None:
                return SshSetupBroken(f"{error.filename} cannot be read.", why=error.strerror or str(error))
        return _unreachable(where, error)


def _unreachable(where: str, error: Exception) -> ServerUnreachable:
    if isinstance(error, TimeoutError) and not error.args:
        return ServerUnreachable(
            f"{where} does not answer.",
            why=f"Nothing came back within {CONNECT_SECONDS:.0f} s.",
            do="Look whether it runs, and whether a firewall lets SSH through.",
        )
    if "refused" in str(error) or "Connect call failed" in str(error):
        return ServerUnreachable(
            f"{where} refuses connections.",
            why="Nothing listens there for SSH.",
            do="Look whether sshd runs there, and at which port: USER@HOST:PORT.",
        )
    return ServerUnreachable(f"{where} is not reached.", why=str(error))


class _Client(asyncssh.SSHClient):
    """What the library asks on the way."""

    def __init__(self, loop: OwnLoop, person: Person, address: Address) -> None:
        self._loop = loop
        self._person = person
        self._address = address
        self._has_tried = False
        self.shown: Shown | None = None

    def validate_host_public_key(self, _host: str, _address: str, _port: int, key: asyncssh.SSHKey) -> bool:
        # Nobody is asked while the handshake waits: the connection is opened anew once the key was accepted.
        self.shown = Shown(key)
        return False

    def passphrase(self, filename: str) -> str:
        """Called in a thread that is neither the loop's nor the one that may ask."""
        if not _has_public_half(filename):
            # asyncssh would ask, and then fail over it (2.24).
            raise SshSetupBroken(
                f"{filename} wants a passphrase, and has no public half beside it.",
                do=f"Make that: ssh-keygen -y -f {filename} > {filename}.pub; or load the key: ssh-add {filename}",
            )
        return self._loop.from_elsewhere(self._secret(f"Passphrase of {filename}: "))

    async def password_auth_requested(self) -> str | None:
        if self._has_tried:
            return None
        self._has_tried = True
        return await self._secret(f"Password of {self._address}: ")

    async def kbdint_auth_requested(self) -> str | None:
        return None if self._has_tried else ""

    async def kbdint_challenge_received(
        self, _name: str, _instructions: str, _language: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        self._has_tried = True
        return [await self._answer(f"({self._address}) {prompt}", shown=shown) for prompt, shown in prompts]

    async def _answer(self, question: str, *, shown: bool) -> str:
        return await self._loop.here(lambda: self._person.ask(question)) if shown else await self._secret(question)

    async def _secret(self, question: str) -> str:
        return await self._loop.here(lambda: self._person.ask_secretly(question))


def _has_public_half(filename: str) -> bool:
    """Newer files of keys have it in themselves."""
    for path in (f"{filename}.pub", filename):
        try:
            asyncssh.read_public_key(path)
        except (OSError, asyncssh.KeyImportError):
            continue
        return True
    return False


class Connection:
    """An open connection with its loop. Use it as a context manager, or call ``close``."""

    def __init__(self, address: Address, person: Person, host_key: str = "") -> None:
        """Opens it; raises what `Door.open` raises."""
        self.address = address
        self.person = person
        self.loop = OwnLoop()
        try:
            self.ssh = self.loop.call(Door(address, self.loop, person, host_key).open())
        except BaseException:
            self.loop.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye where that still can be said, and end the loop."""
        self.loop.close(last=self._goodbye())

    async def _goodbye(self) -> None:
        self.ssh.close()
        try:
            # One that hangs is not waited for.
            await asyncio.wait_for(self.ssh.wait_closed(), 2)
        except (TimeoutError, OSError, asyncssh.Error):
            self.ssh.abort()
