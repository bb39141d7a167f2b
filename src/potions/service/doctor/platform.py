"""The checks of the platform: its parts, its home, the disk, the database, the ports, the proxy."""

from __future__ import annotations

import os
import platform as computer
from datetime import UTC, datetime

from potions import __version__
from potions.errors import HomeRefused, ProxyRefused, StartFailed
from potions.host.account import refuse_unreachable
from potions.host.doctor.disks import look_at_disk
from potions.host.doctor.entries import bytes_at
from potions.host.doctor.limits import look_at_limits
from potions.host.doctor.process_table import homes_at_work, is_program_replaced, words_of
from potions.host.programs import caddy_version
from potions.host.trees import ROOM_KEPT
from potions.layout import Home
from potions.model.doctor import database, entries, home, parts, ports, processes, room, sites
from potions.model.doctor.finding import Finding
from potions.model.service import PARTS, Phase
from potions.service.context import Context
from potions.service.doctor import wanted
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import MINUTES, Scene
from potions.settings import read_settings
from potions.store.revision import HEAD


def look_at_parts(scene: Scene) -> Look:
    """The supervisor, Caddy, the agent and the dashboard."""
    found: list[Finding] = []
    own = scene.context.parts
    version = _caddy_version(scene.context, found)
    if scene.is_supervised:
        found += parts.judge_proxy(_proxy_seen(scene))
    else:
        words = f"{own.supervisor()} does not answer."
        found.append(parts.SUPERVISOR_DOWN.found(words, place="supervisor", do=own.cures.supervisor))
    found += processes.judge_exits(scene.exits(PARTS), MINUTES, own.log_of)
    found += home.judge_limits(look_at_limits(os.getpid()), own.cures)
    words = f"{own.supervisor()}, Caddy {version}, agent {__version__} on Python {computer.python_version()}"
    return Look(words, found)


def _caddy_version(context: Context, found: list[Finding]) -> str:
    try:
        return caddy_version(context.home)
    except StartFailed as error:
        found.append(home.told(parts.PROGRAM_MISSING, error, place="caddy", do=context.parts.cures.programs))
        return "?"


def _proxy_seen(scene: Scene) -> parts.PartSeen:
    own = scene.context.parts
    state = scene.state("caddy")
    answers = scene.context.proxy.is_up()
    return parts.PartSeen(
        phase=state.phase,
        answers=answers,
        log=own.log_of("caddy"),
        last_lines="" if answers else own.last_lines("caddy"),
        replaced=state.phase is Phase.RUNNING and any(map(is_program_replaced, scene.table.family(state.pid))),
        cures=own.cures,
    )


def look_at_home(scene: Scene) -> Look:
    """Its directories and files, and what the apps need of it."""
    context = scene.context
    looked = wanted.seen(wanted.of_home(context))
    found = entries.judge_entries(looked, as_root=wanted.is_root())
    if not context.home.secret_key.exists():
        found.append(home.KEY_MISSING.found(f"{context.home.secret_key} is missing.", place=context.home.secret_key))
    try:
        refuse_unreachable(context.home.root, context.world.account)
    except HomeRefused as error:
        found.append(home.told(home.HOME_UNREACHABLE, error, place=context.home.root))
    try:
        found += home.judge_search_path(context.world.search_path(), context.parts.cures)
    except HomeRefused as error:
        found.append(
            home.told(home.SETTINGS_BROKEN, error, place=context.home.settings, do=context.parts.cures.settings)
        )
    return Look(f"{len(looked)} directories and files of the home", found)


def look_at_room(scene: Scene) -> Look:
    """Every file system that the home or a storage is on."""
    home = scene.context.home
    paths = [home.root, home.state, home.logs, *(app.tree.storage for app in scene.apps if not app.gone)]
    disks: dict[int, room.DiskSeen] = {}
    for path in paths:
        if path.exists():
            disks.setdefault(path.stat().st_dev, look_at_disk(path))
    first = next(iter(disks.values()))
    cures = scene.context.parts.cures
    found = [one for disk in disks.values() for one in room.judge_room(disk, ROOM_KEPT, cures)]
    return Look(room.words_of(first), found)


def look_at_database(scene: Scene) -> Look:
    """Potions' own."""
    store, path = scene.context.store, scene.context.home.database
    seen = database.DatabaseSeen(str(path), store.complaints(), store.revision(), store.newest_moment())
    found = list(database.judge_database(seen, HEAD, datetime.now(UTC)))
    return Look(f"the database, at revision {seen.revision}", found)


def look_at_ports(scene: Scene) -> Look:
    """The proxy's own port, and other homes."""
    settings = scene.context.settings
    cures, own = scene.context.parts.cures, _caddies(scene)
    public = (80, 443) if settings.server is not None else ()
    visited = [(port, scene.strangers(port, own)) for port in (*public, settings.http_port)]
    others = [
        (str(other.root), theirs.first_port)
        for other in map(Home, homes_at_work())
        if other != scene.context.home and (theirs := read_settings(bytes_at(other.settings) or b"")) is not None
    ]
    found = [one for port, strangers in visited for one in ports.judge_http_port(port, strangers, cures)]
    found += ports.judge_homes(settings.first_port, others)
    if settings.server is not None:
        return Look(f"ports 80, 443 and {settings.http_port} of the proxy", found)
    return Look(f"port {settings.http_port} of the proxy; {counted(len(others), 'other home')}", found)


def _caddies(scene: Scene) -> set[int]:
    """Our Caddy, by its words: it is ours also where no supervisord knows it any more."""
    main_file = str(scene.context.home.caddyfile)
    return {held.pid for held in scene.listeners if held.pid and main_file in words_of(held.pid)}


def look_at_proxy(scene: Scene) -> Look:
    """What Caddy runs with, and sites of no app. Each app's own site is a check of the app's."""
    context = scene.context
    there = {app: str(context.home.site(app)) for app in context.proxy.sites()}
    found = [
        *sites.judge_caddyfile(
            str(context.home.caddyfile), context.proxy.caddyfile_text(), bytes_at(context.home.caddyfile)
        ),
        *sites.judge_strays(there, scene.every_app),
    ]
    try:
        found += sites.judge_loaded(context.proxy.difference())
    except ProxyRefused:
        # That it does not answer is told with the parts.
        return Look("Caddy was not asked", found)
    return Look(f"{counted(len(there), 'site')}, on disk and loaded", found)
