"""Where a server is, as people type it: ``anna@example.org`` or ``anna@[2001:db8::1]:2222``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from potions.errors import ServerAddressRefused

SSH_PORT = 22
_HIGHEST_PORT = 65535

#: A user's name never begins with a dash, so that no other program takes it for an option.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,62}\$?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|[A-Za-z0-9]*:[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_WHOLE = re.compile(r"(?P<user>[^@]*)@(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(:(?P<port>.*))?")


@dataclass(frozen=True)
class Address:
    """Whom to be, and where. ``port`` is None where nobody named one: ~/.ssh/config may, and else it is 22."""

    user: str
    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" + ("" if self.port is None else f":{self.port}")

    @property
    def for_ssh(self) -> str:
        """As words for ssh and its kin, which take the port apart."""
        return ("" if self.port is None else f"-p {self.port} ") + f"{self.user}@{self.host}"


def parse_address(text: str) -> Address:
    """The address that ``text`` is. Raises ServerAddressRefused, with the rule that it breaks."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ServerAddressRefused(text, "It has the form USER@HOST or USER@HOST:PORT; an IPv6 address is in brackets.")
    user, host = found["user"], found["host"].strip("[]")
    if not _USER.fullmatch(user):
        raise ServerAddressRefused(text, f"{user!r} before the @ is not the name of a user.")
    if not _HOST.fullmatch(host):
        raise ServerAddressRefused(text, f"{host!r} after the @ is not the name or the address of a computer.")
    return Address(user, host, _port(text, found["port"]))


def _port(text: str, port: str | None) -> int | None:
    if port is None:
        return None
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _HIGHEST_PORT):
        raise ServerAddressRefused(text, f"{port!r} after the colon is not a port: 1 to {_HIGHEST_PORT}.")
    return int(port)
