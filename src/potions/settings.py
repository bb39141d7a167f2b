"""The settings of a home or a server, kept in ``potions.json`` so that every start finds them again."""

from __future__ import annotations

from typing import Annotated

import msgspec

HTTP_PORT = 8480
#: Where the dashboard answers on the computer itself. No app may be called so.
DASHBOARD_HOST = "potions.localhost"
FIRST_PORT = 4000
#: How far above the HTTP port the platform's own epmd listens.
EPMD_DISTANCE = 1000


Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Certificates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the certificates of public names come from."""

    internal: bool = False
    """Caddy makes them itself, for a network without a way to the outside; browsers have to be told its root."""
    email: str = ""
    """Whom the authority may write to."""
    directory: str = ""
    """The address of another ACME directory; empty: Caddy's own choice."""
    root: str = ""
    """A file with the root certificate that the directory's own address is signed by, where no system knows it."""


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only a server has."""

    address: str
    """How the server is called from outside: a host name, or an IP address."""
    addresses: tuple[str, ...] = ()
    """The IP addresses that a domain has to lead to; empty: those of its own network interfaces."""
    wildcard: str = ""
    """A name whose every sub-name leads here: an app answers at ``<app>.<wildcard>`` from its creation on."""
    dashboard: str = ""
    """The domain of the dashboard; empty: it answers on this computer alone."""
    certificates: Certificates = Certificates()
    firewall: bool = True
    """Whether the install keeps a firewall."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one home runs with."""

    http_port: Port
    """Where Caddy listens on 127.0.0.1, for this computer alone: every app is there, by its name."""
    first_port: Port
    """Where the pairs of ports of the apps begin."""
    epmd_port: Port
    """Where the platform's own Erlang port mapper listens."""
    probe_token: str
    """What a request must carry to be told which slot answered."""
    app_user: str
    """The system user that apps run as."""
    search_path: str
    """``PATH`` of the apps: that of whoever ran ``potions up`` last, without Potions' own programs."""
    server: ServerSettings | None = None
    """None in an embedded home."""

    @property
    def dashboard_address(self) -> str:
        """Where the dashboard is: at a domain of its own, or for this computer alone."""
        domain = self.server.dashboard if self.server else ""
        return f"https://{domain}" if domain else f"http://{DASHBOARD_HOST}:{self.http_port}"


def read_settings(data: bytes) -> Settings | None:
    """What stands in a ``potions.json``; None where that is no settings."""
    try:
        return msgspec.json.decode(data, type=Settings)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # A byte that is no UTF-8 within a text is told by the second.
        return None
