"""Which servers this computer remembers: ``~/.config/potions/servers.json``. No secret is ever in it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from potions.errors import NameRefused, ServersUnreadable, ServerTaken, ServerUnknown
from potions.private_file import write_private
from potions.ssh.address import Address, parse_address
from potions.ssh.config_folder import changing, config_folder

#: The word for this computer, where a server's name may stand.
HERE = "here"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server as it is remembered. ``socket`` is set where its agent listens elsewhere than an installed one does."""

    name: str
    user: str
    host: str
    port: int | None = None
    socket: str | None = None
    dashboard: str = ""
    """The address of its dashboard when it was added last. One that begins with ``http:`` is for the server alone."""
    default: bool = False

    @property
    def address(self) -> Address:
        return Address(self.user, self.host, self.port)


def parse_server_name(text: str) -> str:
    """A name that a server can have. Raises NameRefused."""
    if text == HERE:
        raise NameRefused("a server", text, "It stands for this computer.")
    if not _NAME.fullmatch(text):
        raise NameRefused("a server", text, "A name has a-z, 0-9, dots and dashes, and at most 63 of them.")
    return text


def name_for(host: str) -> str:
    """What a server is called where nobody says it: like its host, or what a name can have of it."""
    made = re.sub(r"[^a-z0-9.-]+", "-", host.lower())[:63].strip(".-")
    return made if made and made != HERE else f"{made}-1".strip("-")


class Servers:
    """The file. Every change reads it, changes it and writes it anew under a lock."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or config_folder() / "servers.json"

    def all(self) -> list[Server]:
        """By name. Raises ServersUnreadable."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Server])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise ServersUnreadable(
                f"{self._file} cannot be read.",
                why=str(error),
                do="Mend it, or remove it and add the servers anew: potions server add USER@HOST",
            ) from error

    def default(self) -> Server | None:
        """The one that is meant where none is named."""
        return next((server for server in self.all() if server.default), None)

    def find(self, word: str) -> Server:
        """The one of that name, or one at that address. Raises ServerUnknown, ServerAddressRefused."""
        known = self.all()
        named = next((server for server in known if server.name == word), None)
        if named is not None:
            return named
        if "@" not in word:
            raise ServerUnknown(word, [server.name for server in known])
        address = parse_address(word)
        at = next((server for server in known if server.address == address), None)
        return at or Server(str(address), address.user, address.host, address.port)

    def check(self, server: Server) -> None:
        """Raises ServerTaken where another server has its name."""
        _refuse_other(self.all(), server)

    def remember(self, server: Server) -> Server:
        """Add it, or change what is remembered of it; the first one becomes the default. Raises ServerTaken."""
        with changing(self._file.parent):
            known = self.all()
            _refuse_other(known, server)
            before = next((other for other in known if other.name == server.name), None)
            default = before.default if before else server.default or not known
            kept = msgspec.structs.replace(server, default=default)
            self._write([other for other in known if other.name != server.name] + [kept])
        return kept

    def forget(self, name: str) -> Server:
        """Raises ServerUnknown."""
        with changing(self._file.parent):
            known = self.all()
            gone = _named(known, name)
            self._write([server for server in known if server.name != name])
        return gone

    def use(self, name: str) -> Server | None:
        """Make it the default; ``here`` makes none the default. Raises ServerUnknown."""
        with changing(self._file.parent):
            known = self.all()
            chosen = None if name == HERE else _named(known, name)
            self._write([msgspec.structs.replace(server, default=server is chosen) for server in known])
        return chosen

    def _write(self, servers: list[Server]) -> None:
        text = msgspec.json.format(msgspec.json.encode(sorted(servers, key=lambda server: server.name)))
        write_private(self._file, text + b"\n", force=True)


def _named(known: list[Server], name: str) -> Server:
    for server in known:
        if server.name == name:
            return server
    raise ServerUnknown(name, [server.name for server in known])


def _refuse_other(known: list[Server], server: Server) -> None:
    for other in known:
        if other.name == server.name and (other.address, other.socket) != (server.address, server.socket):
            raise ServerTaken(server.name, str(other.address))
