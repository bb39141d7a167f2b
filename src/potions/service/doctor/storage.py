"""The check of an app's storage. It takes its time, so it is made where one app is asked for."""

from __future__ import annotations

from collections import Counter

from potions.host.doctor.entries import look_at
from potions.host.doctor.storage_use import Process
from potions.layout import Colour
from potions.model.doctor.entries import Thing
from potions.model.doctor.room import size_words
from potions.model.doctor.storage import judge_storage, verdict
from potions.model.doctor.storage_seen import StorageSeen
from potions.model.plan import Strategy
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import AppScene, Scene


def look_at_storage(scene: Scene, app: AppScene) -> Look:
    """What lies in it, which files are in use, and what both say about deploys that overlap."""
    if look_at(app.tree.storage).thing is not Thing.DIRECTORY:
        # What is there instead is told with the permissions. No link is followed.
        return Look("there is no storage to look at", [])
    context = scene.context
    seen = context.looks.storage(app.tree.storage)
    use = context.looks.use(app.tree.storage, _processes(scene, app))
    strategy = _strategy(scene, app)
    found = judge_storage(app.name, strategy, str(app.tree.storage), context.world.account.name, seen, use)
    words = f"{counted(seen.files, 'file')}, {size_words(seen.bytes)}{_databases(seen)}; {verdict(strategy, found)}"
    return Look(words, found)


def _databases(seen: StorageSeen) -> str:
    """``, 2 SQLite, 1 LMDB``: those that are known by their files."""
    counts = Counter(one.engine.value for one in seen.databases)
    return "".join(f", {count} {engine}" for engine, count in sorted(counts.items()))


def _processes(scene: Scene, app: AppScene) -> list[Process]:
    marks = scene.table.marks
    return [
        Process(pid, colour.value, (marks[pid].process if pid in marks else "") or "web")
        for colour in Colour
        for pid in sorted(scene.pids(app, colour))
    ]


def _strategy(scene: Scene, app: AppScene) -> Strategy:
    """That of what serves; what a first deploy would have, where nothing does."""
    if app.serves is None:
        return Strategy.OVERLAP
    return scene.context.store.deployment(app.app.id, app.serves.deployment).strategy or Strategy.OVERLAP
