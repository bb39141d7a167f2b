"""What ``--fix`` does: only what can lose nothing. Files in storage and in slots are never touched.

Each fix takes a finding of a look made a moment ago, does one thing, and says what it did. Those of an app run while
nobody else works on the app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from potions.errors import InternalError, StartFailed, StillRunning, UnsafePath
from potions.host import processes
from potions.host.caddy import wait_until_up
from potions.host.doctor.process_table import ProcessTable
from potions.host.files import provision, provision_as_named, remove_tree, replace_link, write_atomically
from potions.host.permissions import set_permissions
from potions.layout import Colour, Directory, Entry
from potions.model.doctor import computer, entries, leftovers, parts, records, sites, units
from potions.model.doctor import processes as running
from potions.model.doctor.entries import Thing, Wanted
from potions.model.doctor.finding import Finding
from potions.model.plan import Shipped
from potions.model.service import worker_service
from potions.service.doctor import server_fixes, wanted
from potions.service.doctor.bench import Bench

_PROXY_TIMEOUT = 15.0
_GRACE = 10.0


Fix = Callable[[Bench, Finding], str]


# Of the platform


def start_proxy(bench: Bench, _finding: Finding) -> str:
    """Raises StartFailed with Caddy's last lines where it does not come up."""
    bench.context.supervisor.start("caddy")
    if not wait_until_up(bench.context.proxy, _PROXY_TIMEOUT):
        own = bench.context.parts
        why = own.last_lines("caddy")
        raise StartFailed("Caddy did not come up.", why=why, do=f"Its whole log: {own.log_of('caddy')}")
    return "started Caddy"


def end_strays(bench: Bench, finding: Finding) -> str:
    """What runs from a directory of no app."""
    directory = Path(finding.place)
    with _apps(bench, directory.name) as apps:
        if directory.name in apps:
            raise UnsafePath(f"{directory.name} is an app by now.", why="It was made while this was looked at.")
        left = processes.end_processes(lambda: ProcessTable().directories().get(str(directory), set()), _GRACE)
    if left:
        raise StillRunning(f"Processes from {directory} do not end.", why=f"Still there: {sorted(left)}.")
    return f"ended what ran from {directory}"


def remove_program(bench: Bench, finding: Finding) -> str:
    """A program of no app or slot."""
    with _apps(bench, finding.place.partition(".")[0]) as apps:
        if not leftovers.judge_programs([finding.place], apps):
            raise UnsafePath(f"{finding.place} is a program of an app by now.", why="The app has just been made.")
        bench.context.supervisor.remove(finding.place)
    return f"ended and forgot {finding.place}"


def remove_purged(bench: Bench, finding: Finding) -> str:
    """The rest of an app that was deleted for good."""
    return _remove(finding, bench.context.home.trash)


@contextmanager
def _apps(bench: Bench, name: str) -> Iterator[set[str]]:
    """The names of all apps. Nobody makes, deletes or brings back one called ``name`` meanwhile."""
    lock = bench.context.locks.take(f"name-{name}")
    try:
        yield {str(app.name) for app in bench.context.store.apps()}
    finally:
        if lock is not None:
            lock.release()


# Directories, files and links


def make_directory(bench: Bench, finding: Finding) -> str:
    one = _wanted(bench, finding)
    if one.group:
        provision_as_named([Directory(one.path, one.mode, one.owner, one.group)])
        return f"made {one.path}"
    entry = Entry(one.path, "app" if one.of_app else "platform", one.mode)
    provision([entry], bench.context.world.account)
    return f"made {one.path}"


def make_marker(bench: Bench, finding: Finding) -> str:
    one = _wanted(bench, finding)
    if not one.makeable:
        raise InternalError(f"{one.path} cannot be made anew.")
    write_atomically(one.path, b"", one.mode)
    return f"made {one.path}"


def set_right(bench: Bench, finding: Finding) -> str:
    one = _wanted(bench, finding)
    set_permissions(one.path, one.mode, wanted.owner_of(one, bench.context.world.account))
    return f"set owner and permissions of {one.path}: {one.belongs_to}, {one.mode:04o}"


def make_link(bench: Bench, finding: Finding) -> str:
    for link in wanted.links_of(bench.the_app):
        if str(link.path) == finding.place:
            replace_link(link.path, link.target, _beside(link.path))
    return f"made {finding.place} lead where it should"


def _beside(link: Path) -> Path:
    """The name by which what makes such links calls one until it is renamed."""
    return link.with_name("slot.new" if link.name == "slot" else f".{link.name}.new")


def _wanted(bench: Bench, finding: Finding) -> Wanted:
    account = bench.context.world.account
    every = wanted.of_home(bench.context) if bench.app is None else wanted.of_app(bench.app, account)
    for one in every:
        if str(one.path) == finding.place and one.thing is not Thing.NOTHING:
            return one
    raise InternalError(f"Nothing is wanted at {finding.place}.")


# Of an app


def mend_records(bench: Bench, _finding: Finding) -> str:
    """Raises AppDamaged where not even the database knows."""
    app, trees = bench.the_app, bench.context.trees
    bench.context.mend(app.app)
    trees.live(app.tree)
    for colour in Colour:
        trees.holds(app.tree, colour)
    return "wrote anew which slot serves and what the slots hold, from the database"


def link_storage(bench: Bench, finding: Finding) -> str:
    """The one thing that is ever made in a slot; whatever has that name by now is left alone."""
    app = bench.the_app
    colour = Colour(Path(finding.place).parent.name)
    bench.context.trees.link_storage(app.tree, colour, Shipped.REFUSE)
    return f"made {finding.place}"


def end_idle(bench: Bench, finding: Finding) -> str:
    colour = Colour(finding.place)
    bench.lifecycle.end_slot(bench.the_app.app, colour)
    return f"ended what ran in {colour}"


def start_worker(bench: Bench, finding: Finding) -> str:
    app = bench.the_app
    if app.live is not None:
        bench.context.supervisor.start(worker_service(app.name, app.live, finding.place))
    return f"started the worker {finding.place}"


def end_hold(bench: Bench, _finding: Finding) -> str:
    bench.lifecycle.end_hold(bench.the_app.app)
    return "let the visitors go who waited"


def settle_slot(bench: Bench, finding: Finding) -> str:
    """As the next deploy would: what never served goes, and what it had pushed aside comes back."""
    app, trees = bench.the_app, bench.context.trees
    colour = Colour(Path(finding.place).name.partition(".")[0])
    held = app.held.get(colour)
    store = bench.context.store
    if held is not None and store.deployment(app.app.id, held.deployment).status.served:
        trees.discard_parked(app.tree, colour)
        remove_tree(app.tree.incoming(colour), below=app.tree.root)
    elif colour is not app.live:
        trees.put_back(app.tree, colour)
    return f"settled what lay beside {colour}"


def remove_leftover(bench: Bench, finding: Finding) -> str:
    return _remove(finding, bench.context.home.root if bench.app is None else bench.app.tree.root)


def _remove(finding: Finding, below: Path) -> str:
    remove_tree(finding.place, below=below)
    return f"removed {finding.place}"


#: By the code of the finding. Those of sites are in ``treatment``: all of them are loaded at once.
FIXES: Mapping[str, Fix] = {
    parts.PROXY_DOWN.code: start_proxy,
    records.APP_DAMAGED.code: mend_records,
    entries.DIRECTORY_MISSING.code: make_directory,
    entries.FILE_MISSING.code: make_marker,
    entries.OWNER_WRONG.code: set_right,
    entries.MODE_WRONG.code: set_right,
    entries.OPEN_TO_OTHERS.code: set_right,
    entries.LINK_WRONG.code: make_link,
    records.STORAGE_LINK_MISSING.code: link_storage,
    running.STRAY_PROCESSES.code: end_strays,
    leftovers.PROGRAM_STRAY.code: remove_program,
    running.IDLE_RUNS.code: end_idle,
    running.STOPPED_RUNS.code: end_idle,
    leftovers.SLOT_LEFT.code: settle_slot,
    leftovers.UPLOAD_LEFT.code: remove_leftover,
    leftovers.TEMPORARY_LEFT.code: remove_leftover,
    leftovers.PURGE_LEFT.code: remove_purged,
    running.WORKER_DOWN.code: start_worker,
    sites.HOLD_LEFT.code: end_hold,
    units.APP_UNIT_MISSING.code: server_fixes.write_unit,
    units.APP_UNIT_WRONG.code: server_fixes.write_unit,
    units.UNIT_NOT_READ.code: server_fixes.read_units,
    units.UNIT_NOT_ENABLED.code: server_fixes.enable_unit,
    units.UNIT_DOWN.code: server_fixes.start_unit,
    units.STARTING_LEFT.code: server_fixes.forget_start,
    units.STOPPED_WRONG.code: server_fixes.set_stopped,
    computer.JOURNAL_PASSING.code: server_fixes.keep_journal,
}
