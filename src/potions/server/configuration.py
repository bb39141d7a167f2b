"""The settings of a server: what it had, what was asked for, and what can be found out."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from potions.errors import HomeRefused, UsageRefused
from potions.host.files import remove_tree, write_atomically
from potions.layout import APPS_USER, SERVER, SITE_MODE
from potions.server.step import Step
from potions.settings import EPMD_DISTANCE, FIRST_PORT, HTTP_PORT, ServerSettings, Settings, read_settings

_MODE = 0o600
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_LABEL = r"[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_EMAIL = re.compile(r"[^\s@\"'{}]+@[^\s@\"'{}]+\Z")


@dataclass(frozen=True)
class Wishes:
    """What was asked for; None leaves it as it was, an empty text takes it away."""

    address: str | None = None
    wildcard: str | None = None
    dashboard: str | None = None
    email: str | None = None
    internal_certificates: bool | None = None
    acme_directory: str | None = None
    acme_root: Path | None = None
    firewall: bool | None = None


def settings_step(wanted: Settings, acme_root: Path | None) -> Step:
    """``wanted`` is what `wanted_settings` said; ``acme_root`` is the file that is copied, if one was named."""
    root = acme_root.read_bytes() if acme_root else None
    return Step("settings", lambda: _differences(wanted, root), lambda _say: _write(wanted, root))


def known_settings() -> Settings | None:
    """Those of this server, or of one that was uninstalled and kept its data; None where there are none.

    Raises HomeRefused for a file that is broken: made anew it would lose the server's name and ports without a word.
    """
    for path in (SERVER.settings, SERVER.kept_settings):
        if path.exists():
            found = read_settings(path.read_bytes()) if path.is_file() else None
            if found is None:
                raise HomeRefused(
                    f"{path} cannot be read.",
                    why="It is no JSON, or has what no settings have.",
                    do="Mend it; or remove it, and run with all options again: sudo potions server install",
                )
            return found
    return None


def wanted_settings(wishes: Wishes, known: Settings | None) -> Settings:
    """What this server shall run with, given what it had. Raises UsageRefused for what cannot be."""
    _refuse(wishes)
    base = known or Settings(
        http_port=HTTP_PORT,
        first_port=FIRST_PORT,
        epmd_port=HTTP_PORT + EPMD_DISTANCE,
        probe_token=secrets.token_urlsafe(24),
        app_user=APPS_USER,
        search_path=_SEARCH_PATH,
    )
    server = base.server or ServerSettings(address=wishes.address or own_address())
    return msgspec.structs.replace(base, app_user=APPS_USER, server=_as_wished(server, wishes))


def _as_wished(server: ServerSettings, wishes: Wishes) -> ServerSettings:
    certificates = {
        "internal": wishes.internal_certificates,
        "email": wishes.email,
        "directory": wishes.acme_directory,
        "root": str(SERVER.acme_root) if wishes.acme_root else None,
    }
    if wishes.acme_directory == "":
        certificates["root"] = ""
    changes = {
        "address": wishes.address or None,
        "wildcard": wishes.wildcard,
        "dashboard": wishes.dashboard,
        "firewall": wishes.firewall,
        "certificates": msgspec.structs.replace(server.certificates, **_given(certificates)),
    }
    return msgspec.structs.replace(server, **_given(changes))


def _given(changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not None}


def _differences(wanted: Settings, root: bytes | None) -> list[str]:
    found = []
    if root is not None and not (SERVER.acme_root.exists() and SERVER.acme_root.read_bytes() == root):
        found.append(f"{SERVER.acme_root} is another certificate")
    there = read_settings(SERVER.settings.read_bytes()) if SERVER.settings.exists() else None
    if there is None:
        return [*found, f"{SERVER.settings} is not there"]
    if SERVER.settings.stat().st_mode & 0o777 != _MODE:
        found.append(f"{SERVER.settings} has another mode than {_MODE:04o}")
    return found + [
        f"{name}: {_shown(there, name)} instead of {_shown(wanted, name)}" for name in _unequal(there, wanted)
    ]


def _unequal(one: Settings, other: Settings) -> list[str]:
    return [name for name in _named(one) if _named(one)[name] != _named(other)[name]]


def _named(settings: Settings) -> dict[str, object]:
    """Everything by one level of names. The token is no setting that a person reads."""
    server = settings.server
    found = {name: value for name, value in msgspec.structs.asdict(settings).items() if name != "server"}
    if server is not None:
        found |= msgspec.structs.asdict(server) | msgspec.structs.asdict(server.certificates)
        found.pop("certificates")
    return found


def _shown(settings: Settings, name: str) -> str:
    value = _named(settings).get(name)
    return "…" if name == "probe_token" else repr(value)


def _write(wanted: Settings, root: bytes | None) -> None:
    if root is not None:
        write_atomically(SERVER.acme_root, root, SITE_MODE)
    write_atomically(SERVER.settings, msgspec.json.format(msgspec.json.encode(wanted)) + b"\n", _MODE)
    remove_tree(SERVER.kept_settings, below=SERVER.state)


# What may be asked for


def _refuse(wishes: Wishes) -> None:
    if wishes.address is not None:
        _refuse_address(wishes.address)
    for option, name in (("--wildcard", wishes.wildcard), ("--dashboard", wishes.dashboard)):
        if name and not (_NAME.match(name) and "." in name):
            raise UsageRefused(
                f"{option} {name!r} is no domain.",
                why="It is a name in lower case with dots in it, without https:// and without *.",
                do=f"For example: {option} {'apps' if option == '--wildcard' else 'potions'}.example.com",
            )
    if wishes.email and not _EMAIL.match(wishes.email):
        raise UsageRefused(
            f"--email {wishes.email!r} is no address of a mailbox.", do="For example: --email admin@example.com"
        )
    if wishes.acme_directory and not re.match(r"https://[^\s\"'{}]+\Z", wishes.acme_directory):
        raise UsageRefused(
            f"--acme-directory {wishes.acme_directory!r} is no address.",
            why="It begins with https://.",
            do="Your certificate authority names it, as https://ca.example.com/acme/directory",
        )
    if wishes.acme_root is not None:
        _refuse_root(wishes.acme_root)


def _refuse_address(address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        if not _NAME.match(address):
            raise UsageRefused(
                f"--address {address!r} is no host name and no IP address.",
                why="It is how this server is reached from outside, without https:// and without a port.",
                do="For example: --address 203.0.113.7, or --address server.example.com",
            ) from None


def _refuse_root(path: Path) -> None:
    try:
        is_certificate = b"-----BEGIN CERTIFICATE-----" in path.read_bytes()
    except OSError as error:
        raise UsageRefused(f"--acme-root: {path} cannot be read.", why=str(error.strerror)) from error
    if not is_certificate:
        raise UsageRefused(f"--acme-root: {path} holds no certificate.", why="It has to be in the form called PEM.")


# What can be found out


def own_address() -> str:
    """How this computer is reached from outside, as far as it knows: a public IP address, its full name, or another."""
    found = [ipaddress.ip_address(text) for text in _interface_addresses()]
    everywhere = [address for address in found if address.is_global]
    name = socket.getfqdn()
    if everywhere:
        return str(everywhere[0])
    if "." in name.strip(".") and name != "localhost.localdomain" and _NAME.match(name):
        return name
    return str(found[0]) if found else socket.gethostname()


def _interface_addresses() -> list[str]:
    """IPv4 first, because not everybody has the other; none of the computer's own loop or of one link alone."""
    found = [
        one.address
        for interface in psutil.net_if_addrs().values()
        for one in interface
        if one.family in {socket.AF_INET, socket.AF_INET6} and "%" not in one.address
    ]
    outside = [text for text in found if not ipaddress.ip_address(text).is_loopback]
    return sorted(outside, key=lambda text: ":" in text)
