"""The doctor of an embedded home: asks the agent, and looks by itself where there is none that answers."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from potions import __version__
from potions.client import Client
from potions.embedded.home import load_settings, refuse_home, refuse_missing_key
from potions.embedded.running import bring_up, leftovers
from potions.errors import AgentLost, AgentOlder, AgentUnreachable, HomeRefused, PotionsError, StartFailed
from potions.host import processes
from potions.host.account import account_of, refuse_unreachable
from potions.host.caddy import Caddy
from potions.host.doctor.disks import look_at_disk
from potions.host.doctor.limits import look_at_limits
from potions.host.doctor.platform_parts import parts_of
from potions.host.doctor.process_table import is_program_replaced
from potions.host.doctor.texts import last_lines
from potions.host.programs import caddy_version
from potions.host.supervisord import Supervisord
from potions.host.trees import ROOM_KEPT
from potions.layout import Home
from potions.model.doctor import home as homes
from potions.model.doctor import parts, ports, room
from potions.model.doctor.finding import Finding, Kind, worst_first, worst_of
from potions.model.service import Phase
from potions.schema import Checkup, Looked, Treated, Treatment
from potions.settings import Settings

Say = Callable[[str], None]


def look(home: Home, app: str | None) -> Checkup:
    """What the agent finds, or what can be seen without it. Raises what the agent refuses with, as AppUnknown."""
    with Client(home.agent_socket) as client:
        try:
            found = client.checkup(app)
        except (AgentUnreachable, AgentLost):
            return look_without_agent(home)
        except AgentOlder:
            return _too_old(home, client.status().version)
    if found.version == __version__:
        return found
    return msgspec.structs.replace(found, findings=worst_first([*found.findings, _of_another_version(found.version)]))


def mend(home: Home, app: str | None, only: Iterable[str], say: Say) -> Treatment:
    """Mend what the keys in ``only`` name, parts that are down first; raises what ``bring_up`` and the agent raise."""
    keys = set(only)
    with Client(home.agent_socket) as client:
        try:
            client.status()
        except (AgentUnreachable, AgentLost):
            seen = look_without_agent(home)
            down = [one for one in seen.findings if one.fix and one.key in keys]
            if not down:
                return Treatment([], seen)
            bring_up(home, None, None, say)
            return Treatment([Treated(one, "started it", done=True) for one in down], client.checkup(app))
        return client.fix(app, keys)


def look_without_agent(home: Home) -> Checkup:
    """What can be seen from outside: the home, its settings, its parts, what is in the way of a start."""
    began = time.monotonic()
    settings, broken = _settings(home)
    every = {
        "home": ("the home, its settings and its key", [*_judge_home(home, settings), *broken]),
        "programs": _programs(),
        "room": _room(home),
        "parts": ("supervisord, Caddy and the agent", list(_judge_parts(home, settings))),
    }
    return Checkup(
        version=__version__,
        home=str(home.root),
        app="",
        apps=0,
        looked_at=[Looked(name, words, worst_of(found)) for name, (words, found) in every.items()],
        findings=worst_first(one for _, found in every.values() for one in found),
        seconds=round(time.monotonic() - began, 3),
    )


# Another version


def _too_old(home: Home, version: str) -> Checkup:
    """For an agent that knows no doctor yet."""
    found = [_of_another_version(version)]
    looked = Looked("parts", f"agent {version}, which cannot be asked for more", worst_of(found))
    return Checkup(__version__, str(home.root), "", 0, [looked], found, 0.0)


def _of_another_version(version: str) -> Finding:
    return parts.AGENT_VERSION.found(
        f"The agent is of version {version}; this command is of version {__version__}.", place="agent"
    )


# The home


def _settings(home: Home) -> tuple[Settings | None, list[Finding]]:
    try:
        return load_settings(home), []
    except AgentUnreachable:
        return None, []
    except HomeRefused as error:
        return None, [homes.told(homes.SETTINGS_BROKEN, error, place=home.settings)]
    except OSError as error:
        why = f"{error.strerror}: {error.filename}"
        return None, [homes.SETTINGS_BROKEN.found(f"{home.settings} cannot be read.", place=home.settings, why=why)]


def _judge_home(home: Home, settings: Settings | None) -> Iterator[Finding]:
    yield from _told(homes.HOME_REFUSED, lambda: refuse_home(home), home)
    yield from _told(homes.KEY_MISSING, lambda: refuse_missing_key(home), home)
    yield from _told(homes.HOME_UNREACHABLE, lambda: _refuse_unreachable(home, settings), home)
    if settings is not None:
        yield from homes.judge_search_path(settings.search_path)


def _refuse_unreachable(home: Home, settings: Settings | None) -> None:
    if settings is not None:
        refuse_unreachable(home.root, account_of(settings.app_user))


def _told(kind: Kind, refuse: Callable[[], None], home: Home) -> Iterator[Finding]:
    try:
        refuse()
    except PotionsError as error:
        yield homes.told(kind, error, place=home.root)


# What a start needs


def _programs() -> tuple[str, list[Finding]]:
    found = list(homes.judge_limits(look_at_limits(os.getpid())))
    try:
        version = caddy_version()
    except StartFailed as error:
        return "Caddy cannot be run", [homes.told(parts.PROGRAM_MISSING, error, place="caddy"), *found]
    return f"Caddy {version}, Python {platform.python_version()}", found


def _room(home: Home) -> tuple[str, list[Finding]]:
    """Where the home lies, or will."""
    there = next((folder for folder in (home.root, *home.root.parents) if folder.is_dir()), None)
    if there is None:
        return "no disk to look at", []
    disk = look_at_disk(there)
    return room.words_of(disk), list(room.judge_room(disk, ROOM_KEPT))


# The parts


def _judge_parts(home: Home, settings: Settings | None) -> Iterator[Finding]:
    supervisor = Supervisord(home)
    if supervisor.is_up():
        yield from _judge_running(home, settings, supervisor)
        return
    left = set(leftovers(home))
    if left:
        yield parts.LEFT_BEHIND.found(
            f"supervisord is gone, and {len(left)} processes of this home run on.",
            place=home.root,
            why=last_lines(home.part_log("supervisord")),
        )
    else:
        started = settings is not None or home.database.exists()
        yield (parts.NOT_RUNNING if started else parts.NEVER_STARTED).found(
            f"Potions {'does not run' if started else 'was never started'} in {home.root}.", place=home.root
        )
        if settings is not None and not processes.is_port_free(settings.http_port):
            yield from ports.judge_http_port(
                settings.http_port, [str(processes.listener_on(settings.http_port) or "Another program")]
            )


def _judge_running(home: Home, settings: Settings | None, supervisor: Supervisord) -> Iterator[Finding]:
    yield from parts.judge_agent(_seen(home, supervisor, "agent", answers=False))
    if settings is not None:
        caddy = Caddy(home, settings)
        yield from parts.judge_proxy(_seen(home, supervisor, "caddy", answers=caddy.is_up()))


def _seen(home: Home, supervisor: Supervisord, part: str, *, answers: bool) -> parts.PartSeen:
    state = supervisor.state(part)
    log = home.part_log(part)
    replaced = state.phase is Phase.RUNNING and _is_replaced(state.pid)
    last = "" if answers else last_lines(log)
    ends = parts_of(home).ends_of(part, time.time() - parts.AGAIN_SECONDS)
    return parts.PartSeen(state.phase, answers, str(log), last, replaced, ends=ends)


def _is_replaced(pid: int) -> bool:
    return any(map(is_program_replaced, processes.family_of(pid)))
