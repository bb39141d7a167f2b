"""Which directories, files and sockets of a server should be there beside those of its apps, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from potions.host.doctor.entries import files_in
from potions.layout import ADMIN_GROUP, CADDY_USER, DASHBOARD_USER, SITE_MODE, Server
from potions.model.doctor.entries import Thing, Wanted

_ANYBODY = 0o077
_OTHERS = 0o007
_PRIVATE = 0o600
_READABLE = 0o644
_EXECUTABLE = 0o755
_INSTALL = "sudo potions server install"


def of_server(server: Server) -> list[Wanted]:
    """All that the install lays down, and what the agent writes."""
    return [*_directories(server), *_private(server), *_of_proxy(server), *_program(server), *_sockets(server)]


def _directories(server: Server) -> Iterator[Wanted]:
    for one in server.directories():
        is_secret = not one.mode & _ANYBODY
        yield Wanted(one.path, Thing.DIRECTORY, one.mode, one.user, group=one.group, secret=is_secret)


def _private(server: Server) -> Iterator[Wanted]:
    """What holds secrets. Where one of them is missing is told elsewhere, with what it means."""
    yield from _files([server.database, server.settings], _PRIVATE)
    side_files = [server.database.with_name(f"{server.database.name}-{kind}") for kind in ("wal", "shm")]
    specs = [path for path, _ in files_in(server.programs) if path.suffix]
    yield from _files([server.secret_key, *side_files, *specs], _PRIVATE, optional=True)
    yield from _files([server.dashboard_key], _PRIVATE, DASHBOARD_USER, DASHBOARD_USER, optional=True)


def _of_proxy(server: Server) -> Iterator[Wanted]:
    """Root's, and for Caddy to read: a hole in the proxy changes no site."""
    sites = [path for path, _ in files_in(server.sites) if path.suffix]
    yield from _files([server.caddyfile, *sites], SITE_MODE, group=CADDY_USER, optional=True)


def _program(server: Server) -> Iterator[Wanted]:
    yield from _files([server.launcher], _READABLE, do=_INSTALL)
    yield from _files([server.caddy_program], _EXECUTABLE, do=_INSTALL)


def _files(
    paths: Iterable[Path],
    mode: int,
    user: str = "root",
    group: str = "root",
    *,
    optional: bool = False,
    do: str = "",
) -> Iterator[Wanted]:
    for path in paths:
        is_secret = not mode & _OTHERS
        yield Wanted(
            path, Thing.FILE, mode, user, group=group, secret=is_secret, optional=optional, makeable=False, do=do
        )


def _sockets(server: Server) -> Iterator[Wanted]:
    """Held by systemd, whose units say whose they are. Who may open the agent's commands this computer."""
    for path, unit, user, group, mode in (
        (server.agent_socket, "potions-agent", "root", ADMIN_GROUP, 0o660),
        (server.web_socket, "potions-agent-web", DASHBOARD_USER, DASHBOARD_USER, 0o600),
        (server.dashboard_socket, "potions-dashboard", "root", CADDY_USER, 0o660),
    ):
        do = f"sudo systemctl restart {unit}.socket; then: {_INSTALL}"
        yield Wanted(path, Thing.SOCKET, mode, user, group=group, secret=True, makeable=False, fixable=False, do=do)
