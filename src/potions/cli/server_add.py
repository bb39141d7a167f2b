"""`potions server add`: a server that SSH reaches is installed or brought up to date, and remembered."""

from __future__ import annotations

import ipaddress
import socket as sockets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from potions.cli.links import find_dashboard, tell_dashboard
from potions.cli.options import Json
from potions.cli.progress import bytes_bar
from potions.cli.screen import print_json, sanitise, say, stderr, warn
from potions.cli.server_options import (
    AcmeDirectory,
    AcmeRoot,
    Address,
    AdoptDeploy,
    Dashboard,
    Email,
    Firewall,
    InternalCertificates,
    Wildcard,
)
from potions.cli.tunnelled import AtTerminal, TunnelledClient, socket_there
from potions.errors import NotAllowed, PotionsError, PotionsOlder, UsageRefused
from potions.server.over_ssh import Sent, There, install_there, join_admins, look_there, refuse_there
from potions.server.wheel import Wheel, open_wheel, wheel_of_this_program
from potions.ssh import SERVER_SOCKET, Connection, Remote
from potions.ssh.remembered import Server, Servers, name_for, parse_server_name

if TYPE_CHECKING:
    from potions.client import Client
    from potions.server.step import InstallReport


def add(
    address: Annotated[str, Parameter(name="USER@HOST", help="Where SSH finds it, with :PORT where that is not 22.")],
    /,
    *,
    name: Annotated[str | None, Parameter(name="--name", help="What to call it here; left out, like its host.")] = None,
    host_key: Annotated[
        str, Parameter(name="--host-key", help="The fingerprint (SHA256:…) to accept; left out, you are asked.")
    ] = "",
    socket: Annotated[
        str | None, Parameter(name="--socket", help="Where its agent listens, if that is not an installed server's.")
    ] = None,
    wheel: Annotated[
        Path | None, Parameter(name="--wheel", help="The wheel to install; left out, the Potions that runs here.")
    ] = None,
    downgrade: Annotated[
        bool, Parameter(name="--downgrade", help="Go back to the version here, where a newer one is there.")
    ] = False,
    public_address: Address = None,
    wildcard: Wildcard = None,
    dashboard: Dashboard = None,
    email: Email = None,
    internal_certificates: InternalCertificates = None,
    acme_directory: AcmeDirectory = None,
    acme_root: AcmeRoot = None,
    firewall: Firewall = None,
    adopt_deploy: AdoptDeploy = False,
    json: Json = False,
) -> int:
    """Make a computer that SSH reaches a Potions server, and remember it.

    As root, or as somebody who may use sudo. Where Potions is not installed
    there, or is older than here, it is installed as `potions server install`
    does it, with the same options; apps that run there run on. Where it is
    there already, it is only remembered.

    A key that was never met is shown with its fingerprint, and accepted once.
    SSH works as in ~/.ssh/config, with the keys that are there. The first
    server becomes the one that commands mean where none is named.

    For example:

        potions server add root@example.org --name shop
        potions server add root@example.org --dashboard potions.example.org
        potions --server shop status
    """
    servers = Servers()
    meant = _meant(servers, address, name, socket)
    servers.check(meant)
    options = _words(
        {
            "--address": public_address,
            "--wildcard": wildcard,
            "--dashboard": dashboard,
            "--email": email,
            "--acme-directory": acme_directory,
        },
        {
            "--internal-certificates": internal_certificates is True,
            "--public-certificates": internal_certificates is False,
            "--firewall": firewall is True,
            "--no-firewall": firewall is False,
            "--adopt-deploy": adopt_deploy,
        },
    )
    adding = _Adding(meant, Sent(options, acme_root), wheel, downgrade, AtTerminal(), host_key)
    adding.refuse_for_a_socket()
    return adding.run(servers, json=json)


def _words(texts: dict[str, str | None], flags: dict[str, bool]) -> list[str]:
    """The options as they are typed there. A text may be empty, and one that begins with a dash is no option."""
    given = [f"{option}={text}" for option, text in texts.items() if text is not None]
    return given + [option for option, is_set in flags.items() if is_set]


@dataclass
class _Adding:
    """One server on its way into the list."""

    meant: Server
    sent: Sent
    wheel: Path | None
    downgrade: bool
    person: AtTerminal
    host_key: str
    report: InstallReport | None = None
    """Of what was installed there."""

    @property
    def has_own_socket(self) -> bool:
        """Its agent is one that somebody runs: nothing is installed there."""
        return socket_there(self.meant) != SERVER_SOCKET

    @property
    def has_wishes(self) -> bool:
        return bool(self.sent.words or self.sent.acme_root)

    def refuse_for_a_socket(self) -> None:
        """Raises UsageRefused for options of an install where there will be none."""
        if self.has_own_socket and (self.has_wishes or self.wheel or self.downgrade):
            raise UsageRefused(
                "Nothing is installed where an agent has a socket of its own.",
                why="That Potions was started with `potions up`.",
                do="Leave out --socket to make that computer a server; or the options of an install.",
            )

    def run(self, servers: Servers, *, json: bool) -> int:
        if not self.has_own_socket:
            with Connection(self.meant.address, self.person, self.host_key) as connection:
                self._bring_up_to_date(connection)
        with self._client() as client:
            status, place, link = find_dashboard(client) if self.report else (client.status(), "", None)
        kept = servers.remember(msgspec.structs.replace(self.meant, dashboard=status.dashboard))
        if json:
            print_json(kept)
            return 0
        if self.report:
            say(f"This is a Potions {sanitise(status.version)} server.", "bold")
            tell_dashboard(status, place, link)
            warn(self.report.warnings)
        _tell_remembered(kept, status.version)
        return 0

    def _client(self) -> Client:
        """Open it; somebody who is not in the group yet becomes a member, where sudo allows that."""
        try:
            return self._open()
        except NotAllowed as refused:
            with Connection(self.meant.address, self.person, self.host_key) as connection:
                if self.has_own_socket or not self._join(Remote(connection), refused):
                    raise
        # A login of its own: the one before does not have the group yet.
        return self._open()

    def _open(self) -> Client:
        connection = Connection(self.meant.address, self.person, self.host_key)
        try:
            return TunnelledClient(self.meant, connection)
        except BaseException:
            connection.close()
            raise

    def _join(self, remote: Remote, refused: NotAllowed) -> bool:
        try:
            return self._let_in(remote)
        except PotionsError as error:
            raise refused from error

    def _let_in(self, remote: Remote) -> bool:
        has_joined = join_admins(remote)
        if has_joined:
            _tell(
                f"{remote.user} is a member of potions-admin now, and may command Potions there from the next login on."
            )
        return has_joined

    def _bring_up_to_date(self, connection: Connection) -> None:
        remote = Remote(connection)
        there = look_there(remote)
        with tempfile.TemporaryDirectory(prefix="potions-add-") as scratch:
            wheel = self._wheel_for(there, Path(scratch))
            if wheel is None and not self.has_wishes:
                return
            if wheel is not None:
                refuse_there(remote)
            self._install(remote, there, wheel)

    def _wheel_for(self, there: There, folder: Path) -> Wheel | None:
        """What has to be installed; None where what is there is to stay. Raises PotionsOlder, WheelRefused."""
        from potions import __version__

        given = open_wheel(self.wheel) if self.wheel else None
        version = given.version if given else __version__
        if there.is_newer_than(version) and not self.downgrade:
            if given is None and there.is_whole:
                _tell(f"Potions {there.version} is there, which is newer than here ({version}): it stays as it is.")
                _tell("To bring this computer up to date: pip install -U potions")
                return None
            raise PotionsOlder(
                f"Potions {there.version} on {self.meant.address} is newer than {version}.",
                why="An older one may not know what the newer one remembers.",
                do=f"To go back all the same: potions server add {self.meant.address} --downgrade",
            )
        if there.is_whole and (there.installed == given.name if given else there.version == version):
            _tell(f"Potions {there.version} is installed there already.")
            return None
        return given or wheel_of_this_program(folder)

    def _install(self, remote: Remote, there: There, wheel: Wheel | None) -> None:
        sent = self.sent
        if wheel is not None:
            _tell(f"Potions {wheel.version} is installed on {self.meant.address}.", "bold")
        if not there.installed and not any(word.startswith("--address=") for word in sent.words):
            sent = Sent([*sent.words, *_own_address(self.meant.host, remote)], sent.acme_root)
        size = wheel.path.stat().st_size if wheel else 0
        try:
            with bytes_bar("sending Potions", size, hidden=wheel is None) as sent_bytes:
                self.report = install_there(remote, wheel, sent, _tell, sent_bytes)
        except KeyboardInterrupt:
            _tell("What was begun there goes on to its end. To see what came of it, run this again.")
            raise
        self._let_in(remote)


def _own_address(host: str, remote: Remote) -> list[str]:
    """What was typed, as the server's address; nothing where only this computer calls it so, as ~/.ssh/config can."""
    peer = remote.peer
    with suppress(OSError, ValueError):
        found = {entry[4][0] for entry in sockets.getaddrinfo(host, None, type=sockets.SOCK_STREAM)}
        if peer in found and not ipaddress.ip_address(peer).is_loopback:
            return [f"--address={host}"]
    return []


def _meant(servers: Servers, address: str, name: str | None, socket: str | None) -> Server:
    """What is to be remembered; a name that is remembered already stands for its address."""
    found = servers.find(address)
    is_known = any(found.name == known.name for known in servers.all())
    called = parse_server_name(name) if name else found.name if is_known else name_for(found.host)
    return Server(called, found.user, found.host, found.port, socket or found.socket)


def _tell(line: str, style: str = "") -> None:
    say(sanitise(line), style, console=stderr())


def _tell_remembered(kept: Server, version: str) -> None:
    say(f"{kept.name} is remembered: {kept.address}, Potions {sanitise(version)}.", "bold")
    if kept.default:
        say("It is the one that commands mean now; this computer is: --server here")
    else:
        say(f"For example: potions --server {kept.name} status")
