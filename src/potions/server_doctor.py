"""The doctor of a server: asks the agent, and looks by itself, as root, where there is none that answers."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from potions import __version__
from potions.client import Client
from potions.embedded.home import load_settings, refuse_missing_key
from potions.errors import (
    AgentLost,
    AgentNotStarted,
    AgentUnreachable,
    HomeRefused,
    NotAllowed,
    PotionsError,
    StartFailed,
)
from potions.host.caddy import Caddy
from potions.host.doctor.computer import admins, look_at_computer
from potions.host.doctor.disks import look_at_disk
from potions.host.doctor.entries import look_at
from potions.host.doctor.platform_parts import PlatformParts, parts_of
from potions.host.doctor.process_table import name_of, words_of
from potions.host.doctor.units import look_at_units
from potions.host.listeners import every_listener
from potions.host.programs import caddy_version
from potions.host.systemd import Systemd, systemd_version
from potions.host.trees import ROOM_KEPT
from potions.layout import Server
from potions.model.doctor import computer, entries, parts, ports, room, units
from potions.model.doctor import home as homes
from potions.model.doctor.cures import SERVER as CURES
from potions.model.doctor.entries import Thing, Wanted
from potions.model.doctor.finding import Finding, worst_first, worst_of
from potions.schema import Checkup, Looked, Treated, Treatment
from potions.server import looks
from potions.settings import Settings

Say = Callable[[str], None]

_AGENT = "potions-agent.service"
#: What has to run beside the agent and Caddy.
_UNITS = (
    *("potions-agent.socket", "potions-agent-web.socket", "potions-dashboard.socket"),
    *("potions-dashboard.service", "potions-firewall.service"),
)
_PUBLIC = (80, 443)
_ANYBODY = 0o077
_PATIENCE = 60.0
_POLL = 0.1


def look(server: Server, app: str | None) -> Checkup:
    """What the agent finds, or what root can see without it.

    Raises what the agent refuses with, as AppUnknown; for who is not root, AgentNotStarted with its reason, and
    NotAllowed where nobody tells one.
    """
    if _has_ended() and _is_root():
        # Its socket is systemd's, and would keep whoever asks waiting.
        return look_without_agent(server)
    with Client(server.agent_socket) as client:
        try:
            found = client.checkup(app)
        except (AgentUnreachable, AgentLost) as error:
            if isinstance(error, AgentNotStarted) and not _is_root():
                raise
            return look_without_agent(server)
    if found.version == __version__:
        return found
    return msgspec.structs.replace(found, findings=worst_first([*found.findings, _of_another_version(found.version)]))


def mend(server: Server, app: str | None, only: Iterable[str], say: Say) -> Treatment:
    """Mend what the keys in ``only`` name; without an agent, that is started first, with what it needs.

    Raises what the agent refuses with; NotAllowed for who may not start it, SupervisorRefused, StartFailed.
    """
    keys = set(only)
    if not _has_ended():
        with Client(server.agent_socket) as client:
            try:
                return client.fix(app, keys)
            except AgentUnreachable:
                pass
    seen = look_without_agent(server)
    down = [one for one in seen.findings if one.fix and one.key in keys]
    treated = [_started(one, say) for one in down]
    if not treated:
        return Treatment([], seen)
    _wait_for_agent(server)
    return Treatment(treated, look(server, app))


def _has_ended() -> bool:
    """Whether systemd has given the agent up, or starts it again and again."""
    agent = look_at_units([_AGENT])[_AGENT]
    return agent.is_there and (agent.active == "failed" or agent.is_crashing)


def _is_root() -> bool:
    return os.geteuid() == 0


def _started(finding: Finding, say: Say) -> Treated:
    unit = f"potions-{finding.place}.service" if finding.place in {"agent", "caddy"} else finding.place
    say(f"starting {unit}")
    try:
        Systemd(Server()).start_unit(unit)
    except PotionsError as error:
        return Treated(finding, str(error), done=False)
    return Treated(finding, f"started {unit}", done=True)


def _wait_for_agent(server: Server) -> None:
    """Until it answers, or has ended."""
    deadline = time.monotonic() + _PATIENCE
    with Client(server.agent_socket) as client:
        while time.monotonic() < deadline and not _has_ended():
            try:
                client.status()
            except (AgentUnreachable, AgentLost):
                time.sleep(_POLL)
            else:
                return


# Without an agent


def look_without_agent(server: Server) -> Checkup:
    """What root can see from outside: what was laid down, what runs, what is in the way. Raises NotAllowed."""
    if not _is_root():
        raise NotAllowed(
            "The agent does not answer, and only root can look without it.",
            why="What is wrong stands in files of root's.",
            do="sudo potions doctor",
        )
    began = time.monotonic()
    own = parts_of(server)
    settings, broken = _settings(server)
    every = {
        "home": ("directories, settings and the key", [*_judge_home(server), *broken]),
        "programs": _programs(server),
        "room": _room(server),
        "parts": (f"{own.supervisor()}, Caddy and the agent", list(_judge_parts(server, settings, own))),
        "units": ("units of the platform", list(_judge_units(settings, own))),
        "server": _server(settings),
    }
    return Checkup(
        version=__version__,
        home=str(server.root),
        app="",
        apps=0,
        looked_at=[Looked(name, words, worst_of(found)) for name, (words, found) in every.items()],
        findings=worst_first(one for _, found in every.values() for one in found),
        seconds=round(time.monotonic() - began, 3),
    )


def _of_another_version(version: str) -> Finding:
    words = f"The agent is of version {version}; this command is of version {__version__}."
    return parts.AGENT_VERSION.found(words, place="agent", do=CURES.other_version)


def _settings(server: Server) -> tuple[Settings | None, list[Finding]]:
    try:
        return load_settings(server), []
    except (AgentUnreachable, HomeRefused) as error:
        return None, [homes.told(homes.SETTINGS_BROKEN, error, place=server.settings, do=CURES.settings)]


def _judge_home(server: Server) -> Iterator[Finding]:
    directories = (
        Wanted(one.path, Thing.DIRECTORY, one.mode, one.user, not one.mode & _ANYBODY, fixable=False, group=one.group)
        for one in server.directories()
    )
    for finding in entries.judge_entries([(one, look_at(one.path)) for one in directories], as_root=True):
        # Without the agent nobody mends it: the install does.
        yield msgspec.structs.replace(finding, do=CURES.other_version, fix="")
    try:
        refuse_missing_key(server)
    except PotionsError as error:
        yield homes.told(homes.KEY_MISSING, error, place=server.secret_key)


def _programs(server: Server) -> tuple[str, list[Finding]]:
    found = []
    if not server.python.exists():
        what = f"{server.python} is not there: no version of Potions is in force."
        found.append(parts.PROGRAM_MISSING.found(what, place="python", do=CURES.programs))
    try:
        version = caddy_version(server)
    except StartFailed as error:
        found.append(homes.told(parts.PROGRAM_MISSING, error, place="caddy", do=CURES.programs))
        return "Caddy cannot be run", found
    return f"Caddy {version}, Python {platform.python_version()}", found


def _room(server: Server) -> tuple[str, list[Finding]]:
    there = {path.stat().st_dev: path for path in (server.state, server.apps) if path.is_dir()}
    disks = [look_at_disk(path) for path in there.values()]
    found = [one for disk in disks for one in room.judge_room(disk, ROOM_KEPT, CURES)]
    return (room.words_of(disks[-1]) if disks else "no disk to look at"), found


def _judge_parts(server: Server, settings: Settings | None, own: PlatformParts) -> Iterator[Finding]:
    supervisor = Systemd(server)
    yield from parts.judge_agent(_seen(supervisor, own, "agent", answers=False))
    if settings is None:
        return
    caddy = Caddy(server, settings)
    yield from parts.judge_proxy(_seen(supervisor, own, "caddy", answers=caddy.is_up()))
    for port in (*_PUBLIC, settings.http_port):
        yield from ports.judge_http_port(port, _strangers(server, port), CURES)


def _seen(supervisor: Systemd, own: PlatformParts, part: str, *, answers: bool) -> parts.PartSeen:
    last = "" if answers else own.last_lines(part)
    ends = own.ends_of(part, time.time() - parts.AGAIN_SECONDS)
    return parts.PartSeen(supervisor.state(part).phase, answers, own.log_of(part), last, cures=CURES, ends=ends)


def _strangers(server: Server, port: int) -> list[str]:
    """Who listens there and is not our Caddy."""
    holders = {held.pid for held in every_listener() if held.port == port}
    others = sorted(pid for pid in holders if str(server.caddyfile) not in words_of(pid))
    return [f"{name_of(pid)} (process {pid})" for pid in others]


def _judge_units(settings: Settings | None, own: PlatformParts) -> Iterator[Finding]:
    has_firewall = settings is None or settings.server is None or settings.server.firewall
    names = [name for name in _UNITS if has_firewall or "firewall" not in name]
    for unit in look_at_units(names).values():
        part = unit.name.removeprefix("potions-").removesuffix(".service")
        yield from units.judge_platform_unit(unit, own.last_lines(part) if unit.active == "failed" else "")
    if settings is not None:
        for name, text in looks.units(settings).items():
            yield units.judge_written(name, f"{text}.")


def _server(settings: Settings | None) -> tuple[str, list[Finding]]:
    seen = look_at_computer(updates=looks.has_updates())
    found = [*computer.judge_computer(seen), *computer.judge_users(looks.users())]
    if settings is not None:
        found += computer.judge_firewall(looks.firewall(settings))
    # Only the agent mends the rest.
    found = [msgspec.structs.replace(one, fix="") for one in found]
    return f"Linux {seen.kernel}, systemd {systemd_version()}; potions-admin: {', '.join(admins()) or 'nobody'}", found
