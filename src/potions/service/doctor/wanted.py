"""Which directories and files of the platform's own should be there, and how."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from potions.host.doctor.entries import files_in, group_name, look_at, user_name
from potions.layout import ENV_FILE_MODE, HOLDS_MODE, SERVER, SLOT_MODE, Colour, Entry, Server
from potions.model.doctor.entries import Seen, Thing, Wanted, WantedLink
from potions.model.service import Account
from potions.service.context import Context
from potions.service.doctor.scene import AppScene
from potions.service.doctor.wanted_server import of_server

_ANYBODY = 0o077
_PRIVATE = 0o600
_READABLE = 0o644


def is_root() -> bool:
    return os.geteuid() == 0


def of_home(context: Context) -> list[Wanted]:
    """Those of the home itself."""
    home, account = context.home, context.world.account
    if isinstance(home, Server):
        return of_server(home)
    side_files = [home.database.with_name(f"{home.database.name}-{kind}") for kind in ("wal", "shm")]
    texts = [path for folder in (home.sites, home.programs) for path, _ in files_in(folder) if path.suffix]
    # What is missing of these is told elsewhere, with what it means.
    optional = [home.secret_key, home.caddyfile, home.supervisor_config, *side_files, *texts]
    return [
        *_directories(home.entries(), account),
        *(_file(path) for path in (home.database, home.settings)),
        *(_file(path, optional=True) for path in optional),
    ]


def of_app(app: AppScene, account: Account) -> list[Wanted]:
    """Those of an app. On a server their groups count as well."""
    found = [
        *_directories(app.tree.entries(), account),
        *(one for colour in Colour for one in _slot(app, colour, account)),
    ]
    if app.tree.root.parent != SERVER.apps:
        return found
    groups = {True: group_name(account.gid), False: group_name(os.getegid())}
    return [msgspec.structs.replace(one, group=groups[one.of_app]) for one in found]


def links_of(app: AppScene) -> list[WantedLink]:
    """The links that never change. ``.live`` is not one of them, and ``./storage`` belongs to the slots."""
    slots = (WantedLink(app.tree.marker_slot(colour), f"../../{colour.value}") for colour in Colour)
    return [WantedLink(app.tree.current, ".live/slot"), *slots]


def seen(paths: Iterable[Wanted]) -> list[tuple[Wanted, Seen]]:
    """What is there."""
    return [(wanted, look_at(wanted.path)) for wanted in paths]


def owner_of(wanted: Wanted, account: Account) -> tuple[int, int] | None:
    """The user and group it should belong to; None where this process can give nothing away."""
    if not is_root():
        return None
    if wanted.group:
        return pwd.getpwnam(wanted.owner).pw_uid, grp.getgrnam(wanted.group).gr_gid
    return (account.uid, account.gid) if wanted.owner == account.name else (os.geteuid(), os.getegid())


def _directories(entries: Iterable[Entry], account: Account) -> Iterator[Wanted]:
    for entry in entries:
        of_app = entry.owner == "app"
        owner = account.name if of_app else _own_name()
        secret = not entry.mode & _ANYBODY
        yield Wanted(entry.path, Thing.DIRECTORY, entry.mode, owner, secret=secret, of_app=of_app)


def _slot(app: AppScene, colour: Colour, account: Account) -> Iterator[Wanted]:
    tree, own = app.tree, _own_name()
    holds = app.held.get(colour) is not None
    yield Wanted(tree.marker_name(colour), Thing.FILE, _READABLE, own)
    # With the other one's name in it, its folder would send visitors there.
    yield Wanted(tree.marker(colour) / colour.other.value, Thing.NOTHING, 0, own)
    yield Wanted(tree.holds(colour), Thing.FILE, HOLDS_MODE, own, optional=True)
    yield Wanted(tree.slot(colour), Thing.DIRECTORY, SLOT_MODE, account.name, optional=True, of_app=True, fixable=False)
    yield Wanted(
        tree.env_file(colour),
        Thing.FILE,
        ENV_FILE_MODE,
        own,
        secret=True,
        optional=not holds,
        makeable=False,
        do=f"potions restart {app.name}"
        if colour is app.live
        else f"Deploy again: potions deploy PATH --app {app.name}",
    )


def _file(path: Path, *, optional: bool = False) -> Wanted:
    return Wanted(path, Thing.FILE, _PRIVATE, _own_name(), secret=True, optional=optional, makeable=False)


def _own_name() -> str:
    return user_name(os.geteuid())
