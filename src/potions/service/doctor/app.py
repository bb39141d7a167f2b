"""The checks of one app: its records, what runs, links and permissions, its site, its releases, half-made things."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator

from potions.errors import PotionsError, StoreFailed
from potions.flows.run import plan_in
from potions.host.doctor.entries import bytes_at, files_in, look_at
from potions.host.doctor.leftovers import temporary_in, uploads_in
from potions.layout import Colour
from potions.model.app import App
from potions.model.doctor import entries, home, leftovers, ports, processes, records, sites
from potions.model.doctor.finding import Finding
from potions.model.plan import Health, RunPlan, Worker
from potions.model.service import Phase, worker_service
from potions.service.context import Context
from potions.service.doctor import wanted
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import MINUTES, AppScene, Scene

_LOG = re.compile(r"deployment-(\d{1,18})\.jsonl\Z")


# What it holds


def look_at_records(scene: Scene, app: AppScene) -> Look:
    """Its directory, and what says which slot serves and what they hold."""
    if app.gone:
        return Look("its directory is gone", [_gone(app)])
    found = [home.told(records.APP_DAMAGED, error, app=app.name, place=app.tree.slots) for error in app.damage]
    if not found:
        found = list(_lost_record(scene, app))
    found += _sealed(scene, app)
    return Look(_holds(app), found)


def _gone(app: AppScene) -> Finding:
    return records.APP_GONE.found(
        f"{app.tree.root} was removed, emptied or replaced by hand.",
        app=app.name,
        place=app.tree.root,
        do=f"Make it anew: potions apps create {app.name}; forget it: potions apps delete {app.name}. "
        "What is left of it goes into the trash.",
    )


def _lost_record(scene: Scene, app: AppScene) -> Iterator[Finding]:
    """An app that served once serves from a slot that is there."""
    last = scene.context.store.last_served(app.app.id)
    if app.live is None or app.serves is not None or last is None:
        return
    if not app.tree.slot(app.live).is_dir():
        yield records.SLOT_GONE.found(
            f"{app.tree.slot(app.live)}, the live slot of {app.name}, is gone.",
            app=app.name,
            place=app.tree.slot(app.live),
            do=f"Unpack its release again: potions redeploy {app.name}",
        )
    else:
        place = app.tree.holds(app.live)
        yield records.APP_DAMAGED.found(f"{place} is missing.", app=app.name, place=app.tree.slots)


def _sealed(scene: Scene, app: AppScene) -> Iterator[Finding]:
    try:
        scene.context.store.variables(app.app.id)
    except StoreFailed as error:
        yield home.told(home.KEY_DAMAGED, error, app=app.name, place=scene.context.home.secret_key)


def _holds(app: AppScene) -> str:
    held = (f"{colour} holds {one.label}" for colour, one in app.held.items() if one is not None)
    return ", ".join(held) or "nothing is deployed yet"


# What runs


def look_at_processes(scene: Scene, app: AppScene) -> Look:
    """Both slots, the workers, and who has their ports."""
    if app.live is None or not scene.is_supervised:
        return Look("not looked at", [])
    live, idle = (_slot(scene, app, colour) for colour in (app.live, app.live.other))
    plan = _plan(scene, app, app.live)
    seen = processes.AppSeen(
        name=app.name,
        serves=app.serves is not None,
        stopped=app.app.stopped,
        keeps_idle=app.keeps_idle,
        live=live,
        idle=idle,
        workers=tuple(_workers(scene, app, app.live, plan.workers if plan else ())),
        boot=(plan.manifest.health if plan else Health()).timeout,
    )
    found = processes.judge_processes(seen)
    exits = scene.exits(scene.services(app), _serving_since(scene, app))
    found += processes.judge_exits(exits, MINUTES, lambda _name: f"potions logs {app.name}", app=app.name)
    for slot in (live, idle):
        found += ports.judge_port(_port(scene, app, slot))
    return Look(_words(app, live, idle), found)


def _slot(scene: Scene, app: AppScene, colour: Colour) -> processes.SlotSeen:
    pids = scene.pids(app, colour)
    state = scene.web(app, colour)
    return processes.SlotSeen(
        colour=colour,
        port=app.app.ports.of(colour),
        phase=state.phase,
        up_for=max(scene.now - state.since, 0.0),
        pids=pids,
        listening=tuple((held.address, held.port) for held in scene.listeners if held.pid in pids),
    )


def _workers(scene: Scene, app: AppScene, live: Colour, planned: Iterable[Worker]) -> Iterator[processes.WorkerSeen]:
    for worker in planned:
        state = scene.state(worker_service(app.name, live, worker.name))
        yield processes.WorkerSeen(worker.name, state.phase, worker.optional)


def _plan(scene: Scene, app: AppScene, live: Colour) -> RunPlan | None:
    """How what serves is run; None where nothing does, or its own files do not say it any more."""
    try:
        return None if app.serves is None else plan_in(scene.context.world, app.tree, live)
    except PotionsError:
        return None


def _serving_since(scene: Scene, app: AppScene) -> float:
    """From when on what serves has done so: what ended before it had served is told with its deploy."""
    if app.serves is None:
        return 0.0
    ended = scene.context.store.deployment(app.app.id, app.serves.deployment).ended
    return 0.0 if ended is None else ended.timestamp()


def _port(scene: Scene, app: AppScene, slot: processes.SlotSeen) -> ports.PortSeen:
    return ports.PortSeen(
        app=app.name,
        colour=slot.colour,
        port=slot.port,
        live=slot.colour is app.live,
        wanted=slot.colour is app.live and app.serves is not None and not app.app.stopped,
        own=any(port == slot.port for _, port in slot.listening),
        strangers=scene.strangers(slot.port, slot.pids),
    )


def _words(app: AppScene, live: processes.SlotSeen, idle: processes.SlotSeen) -> str:
    if app.serves is None:
        return "nothing is deployed, nothing runs"
    if app.app.stopped:
        return "it is stopped, nothing runs"
    kept = f"{idle.colour} drains or stands by" if idle.pids else f"nothing runs in {idle.colour}"
    does = "runs" if live.phase is Phase.RUNNING else live.phase.value
    return f"{live.colour} {does} on port {live.port}, {kept}"


# Owners, permissions and links


def look_at_entries(scene: Scene, app: AppScene) -> Look:
    """Directories, files and links of the platform's own."""
    if app.gone:
        return Look("not looked at", [])
    looked = wanted.seen(wanted.of_app(app, scene.context.world.account))
    links = [(link, look_at(link.path)) for link in wanted.links_of(app)]
    found = entries.judge_entries(looked, app=app.name, as_root=os.geteuid() == 0)
    found += entries.judge_links(links, app=app.name)
    found += _storage_links(scene, app)
    return Look(f"{len(looked) + len(links)} directories, files and links", found)


def _storage_links(scene: Scene, app: AppScene) -> Iterator[Finding]:
    """Of the slots that hold a release: a deploy that failed early leaves one without."""
    slots = [app.tree.slot(colour) for colour, held in app.held.items() if held is not None]
    right = (f"../{app.tree.storage.name}", str(app.tree.storage))
    for seen in scene.context.looks.storage_links(slots) if slots else ():
        yield from records.judge_storage_link(app.name, seen, right)


# The proxy


def look_at_site(scene: Scene, app: AppScene) -> Look:
    """Its site on disk, and whether visitors are held."""
    context = scene.context
    if app.gone or app.damage or app.live is None:
        return Look("not looked at", [])
    place = context.home.site(app.name)
    found = [
        *sites.judge_site(app.name, str(place), site_text(context, app.app), bytes_at(place)),
        *sites.judge_hold(app.name, app.live, held=context.trees.is_held(app.tree, app.live)),
    ]
    return Look(f"http://{app.app.host}:{context.settings.http_port}", found)


def site_text(context: Context, app: App) -> bytes:
    """What the site of an app has to say. Raises AppDamaged where it is not known what its slots hold."""
    gated = context.needs_gate(app)
    return context.proxy.site_text(app.name, app.ports.both, context.tree(app), gated=gated)


# Releases and half-made things


def look_at_releases(scene: Scene, app: AppScene) -> Look:
    """Kept archives and logs of deployments, on disk and in the store."""
    store, tree = scene.context.store, app.tree
    if app.gone:
        return Look("not looked at", [])
    # The disk first: what arrives meanwhile is then known to the store, and not missing.
    there = [
        records.ArchiveSeen(str(path), path.name.partition(".")[0], status.st_size, scene.now - status.st_mtime)
        for path, status in files_in(tree.releases)
        if not path.name.startswith(".")
    ]
    logs = {int(name[1]): str(path) for path, _ in files_in(tree.logs) if (name := _LOG.match(path.name)) is not None}
    known = {
        one.release: records.ArchiveKnown(
            one.label, str(tree.archive(one.release, one.suffix)), one.packed_bytes, one.pruned
        )
        for one in store.archives(app.app.id)
    }
    numbers = [one.number for one in store.deployments(app.app.id)]
    found = [*records.judge_archives(app.name, there, known), *records.judge_logs(app.name, logs, numbers)]
    return Look(f"{counted(len(there), 'archive')}, {counted(len(numbers), 'deployment')}", found)


def look_at_leftovers(scene: Scene, app: AppScene) -> Look:
    """What a crash left in its directory."""
    tree = app.tree
    if app.gone:
        return Look("not looked at", [])
    folders = [tree.root, tree.slots, tree.releases, *(tree.marker(colour) for colour in Colour)]
    beside = [
        (colour, str(path))
        for colour in Colour
        for path in (tree.previous(colour), tree.incoming(colour))
        if os.path.lexists(path)
    ]
    found = [
        *leftovers.judge_uploads(app.name, uploads_in(tree.releases)),
        *leftovers.judge_slots(app.name, beside, settled=frozenset(_settled(scene, app))),
        *leftovers.judge_temporary(temporary_in(folders, time.time()), app=app.name),
    ]
    return Look("what deploys and uploads leave when they are cut off", found)


def _settled(scene: Scene, app: AppScene) -> Iterator[Colour]:
    """The slots whose content is beyond doubt: the idle one, as any deploy settles it; a live one that served."""
    if app.live is not None and not app.damage:
        yield app.live.other
        if app.serves is not None and scene.context.store.deployment(app.app.id, app.serves.deployment).status.served:
            yield app.live
