"""The checks of what belongs to no app, and of deployments that nobody works on."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from potions.host.doctor.entries import names_in
from potions.host.doctor.leftovers import temporary_in
from potions.model.deployment import Deployment
from potions.model.doctor import leftovers, processes, records
from potions.service.apps import PURGE
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import Scene

#: What every fresh file system of that kind has at its top.
_MADE_BY_EXT4 = "lost+found"


def look_at_directories(scene: Scene) -> Look:
    """What lies among the directories of the apps, and in the trash."""
    home, store = scene.context.home, scene.context.store
    names = {
        name: str(home.apps / name) for name in names_in(home.apps) if name not in {home.trash.name, _MADE_BY_EXT4}
    }
    there = {name: str(home.trash / name) for name in names_in(home.trash)}
    purges = [path for name, path in there.items() if name.endswith(PURGE)]
    known = {
        record.directory: (str(record.name), record.restorable_until)
        for record in store.trash()
        if record.name not in scene.busy or record.directory in there
    }
    found = [
        *records.judge_directories(names, scene.every_app),
        *records.judge_trash({name: path for name, path in there.items() if path not in purges}, known),
        *leftovers.judge_purges(purges),
    ]
    return Look(f"{counted(len(names), 'app directory', 'app directories')}, {len(there):,} in the trash", found)


def look_at_programs(scene: Scene) -> Look:
    """What the supervisor and its folders know, and what runs from directories of this home."""
    context = scene.context
    found = [
        *leftovers.judge_programs([*context.parts.programs(), *scene.states], scene.every_app),
        *processes.judge_strays(_strays(scene)),
    ]
    return Look(f"{counted(len(scene.states), 'program')} of {context.parts.supervisor()}", found)


def _strays(scene: Scene) -> list[tuple[str, frozenset[int]]]:
    apps = scene.context.home.apps
    return [
        (directory, frozenset(pids))
        for directory, pids in sorted(scene.table.directories().items())
        if Path(directory).parent == apps and Path(directory).name not in scene.every_app
    ]


def look_at_temporary(scene: Scene) -> Look:
    """Temporary files of the home itself; each app's own are a check of the app's."""
    home = scene.context.home
    folders = [entry.path for entry in home.entries() if entry.path not in {home.trash, home.logs, home.locks}]
    return Look("temporary files of the home", leftovers.judge_temporary(temporary_in(folders, time.time())))


def look_at_deployments(scene: Scene) -> Look:
    """Those that have not ended, or drain."""
    store = scene.context.store
    every = {one.id: one for one in (*store.unfinished(), *store.draining())}
    seen = [_deployment_seen(scene, one) for one in every.values()]
    return Look(counted(len(seen), "deployment") + " under way", records.judge_deployments(seen))


def _deployment_seen(scene: Scene, one: Deployment) -> records.DeploymentSeen:
    since = one.ended or one.created
    return records.DeploymentSeen(
        app=one.app,
        number=one.number,
        status=one.status,
        draining=one.draining,
        worked_on=scene.jobs.is_known(one),
        age=(datetime.now(since.tzinfo) - since).total_seconds(),
    )
