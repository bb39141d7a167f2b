"""`potions apps`: create, list, show, delete and restore apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from potions.cli.confirm import confirm_by_name
from potions.cli.connection import connect
from potions.cli.domains import lost_words
from potions.cli.links import no_domain_words
from potions.cli.options import AppWord, Json, Yes
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr, stdout
from potions.cli.units import age, contents, left, size, until
from potions.errors import AppUnknown
from potions.schema import AppDetail, AppSummary, Deployed, Deployment, Phase, Removal, SlotDetail, TrashEntry

if TYPE_CHECKING:
    from potions.client import Client

apps = App(name="apps", help="Create, list, show, delete and restore apps.")

_NewName = Annotated[str, Parameter(name="NAME", help="A letter, then lower-case letters, digits and '-'; at most 40.")]

_STYLES = {
    "running": "green",
    "starting": "cyan",
    "stopped": "yellow",
    "empty": "dim",
    "crashing": "bold red",
    "crashed": "bold red",
    "down": "bold red",
    "gone": "bold red",
    "failed": "red",
}


@apps.command
def create(name: _NewName, /, *, json: Json = False) -> int:
    """Make an app: its directory with storage, its ports, variables and address.

    For example:

        potions apps create blog
    """
    with connect() as client:
        made = client.create_app(name)
    if json:
        print_json(made)
        return 0
    say(f"{made.summary.name} is there.", "bold green")
    say(f"  address  {sanitise(made.summary.address) or no_domain_words(name)}")
    say(f"  storage  {made.storage}   (STORAGE_DIR; it survives every deploy)")
    say(f"Deploy to it: potions deploy PATH --app {made.summary.name}")
    return 0


@apps.command(name="list")
def list_apps(
    *,
    deleted: Annotated[bool, Parameter(name="--deleted", help="The deleted ones that can be brought back.")] = False,
    json: Json = False,
) -> int:
    """List the apps of this server.

    For example:

        potions apps list
        potions apps list --deleted
    """
    with connect() as client:
        found: list[TrashEntry] | list[AppSummary] = client.trash() if deleted else client.apps()
    if json:
        print_json(found)
    elif deleted:
        show_trash([entry for entry in found if isinstance(entry, TrashEntry)])
    else:
        show_apps([entry for entry in found if isinstance(entry, AppSummary)])
    return 0


@apps.command(name="show")
def show_app(app: AppWord, /, *, json: Json = False) -> int:
    """Show everything about an app: slots, storage, releases.

    For example:

        potions apps show blog
    """
    with connect() as client:
        detail = client.app(app, measure=True)
    if json:
        print_json(detail)
    else:
        _show_detail(detail)
    return 0


@apps.command
def delete(
    app: AppWord,
    /,
    *,
    purge: Annotated[bool, Parameter(name="--purge", help="Remove it at once; it cannot be brought back.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Delete an app with its storage, releases and logs.

    It stays in the trash for 72 hours, unless it is purged. Its name is asked
    for before. With --purge, an app that is in the trash already goes for good.

    For example:

        potions apps delete blog
        potions apps delete blog --purge --yes
    """
    with connect() as client:
        try:
            if not yes:
                _tell_before(client.removal(app, purge=purge))
                confirm_by_name(app, f"Deleting {app}")
            removed = client.delete_app(app, purge=purge)
        except AppUnknown:
            deleted = [entry for entry in client.trash() if purge and entry.name == app]
            if not deleted:
                raise
            return _purge_trash(client, deleted[0], yes=yes, json=json)
    if json:
        print_json(removed)
    else:
        _tell_after(removed)
    return 0


@apps.command
def restore(
    old: Annotated[str, Parameter(name="OLD", help="The deleted app, as in: potions apps list --deleted")],
    /,
    *,
    new: Annotated[str | None, Parameter(name="--as", help="Another name for it, where the old one is taken.")] = None,
    json: Json = False,
) -> int:
    """Bring a deleted app back, with its storage and releases.

    For example:

        potions apps restore blog
        potions apps restore blog --as blog-old
    """
    with connect() as client:
        detail = client.restore_app(old, new)
    if json:
        print_json(detail)
        return 0
    say(f"{detail.summary.name} is back.", "bold green")
    for line in lost_words(detail.summary.name, detail.lost_domains):
        say(line, "bold yellow")
    _show_detail(detail)
    return 0


def show_apps(found: list[AppSummary]) -> None:
    """Print the table of apps, or what to do while there is none."""
    if not found:
        say("No app yet. Make one: potions apps create NAME")
        return
    table = new_table("APP", "STATE", "SERVES", "STORAGE", "ADDRESS", fold=("APP", "ADDRESS"))
    for app in found:
        stored = "" if app.storage_bytes is None else size(app.storage_bytes)
        table.add_row(
            app.name,
            state_text(app.state),
            _release_and_age(app.serves),
            stored,
            sanitise(app.address) or "no domain yet",
        )
    show(table)


def show_trash(found: list[TrashEntry]) -> None:
    """Print the table of deleted apps."""
    if not found:
        say("No deleted app is kept.")
        return
    table = new_table("APP", "DELETED", "UNTIL", "HOLDS", fold=("APP", "HOLDS"))
    for entry in found:
        holds = contents(entry.total_files, entry.total_bytes)
        table.add_row(sanitise(entry.name), age(entry.deleted), until(entry.restorable_until), holds)
    show(table)
    say("Bring one back: potions apps restore APP")


def state_text(state: str) -> Text:
    """An app's state in its colour."""
    return Text(sanitise(state), style=_STYLES.get(state, "cyan"))


def gone_words(detail: AppDetail) -> list[str]:
    """What to say and to do about an app whose directory somebody removed by hand."""
    name = detail.summary.name
    return [
        f"{sanitise(detail.directory)} was removed, emptied or replaced by hand.",
        f"Make it anew: potions apps create {name}; forget it: potions apps delete {name}",
    ]


def _release_and_age(deployed: Deployed | None) -> str:
    if deployed is None:
        return "nothing yet"
    return f"{deployed.label}, {age(deployed.at)}" if deployed.at else deployed.label


def _serves(deployed: Deployed | None) -> str:
    return _release_and_age(deployed) + (f" (deploy {deployed.number})" if deployed else "")


def _show_detail(detail: AppDetail) -> None:
    stdout().print(_facts(detail), soft_wrap=True)
    if any(slot.holds for slot in detail.slots):
        say()
        show(_slots(detail.slots))
    for line in _hints(detail):
        say(line)


def _facts(detail: AppDetail) -> Table:
    app = detail.summary
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(Text(app.name, style="bold"), state_text(app.state))
    for name, value in (
        ("serves", _serves(app.serves)),
        *([("strategy", app.strategy.value)] if app.strategy else []),
        ("address", app.address or no_domain_words(app.name)),
        ("directory", detail.directory),
        ("storage", detail.storage),
        ("", _stored(detail)),
        ("made", age(app.created)),
        ("last deploy", _deploy_words(detail.last)),
    ):
        table.add_row(name, sanitise(value))
    return table


def _stored(detail: AppDetail) -> str:
    if detail.storage_files is None or detail.storage_bytes is None:
        return "gone" if detail.summary.state == "gone" else "not measured yet"
    return contents(detail.storage_files, detail.storage_bytes)


def _deploy_words(deployment: Deployment | None) -> str:
    if deployment is None:
        return "none"
    return f"{deployment.number} ({deployment.release.label}), {deployment.status}, {age(deployment.created)}"


def _slots(slots: list[SlotDetail]) -> Table:
    table = new_table("SLOT", "PORT", "HOLDS", "STATE", "PID", "IN FLIGHT", "MEMORY", fold=("HOLDS",))
    for slot in slots:
        name = f"{slot.colour} (live)" if slot.live else slot.colour.value
        running = slot.phase is Phase.RUNNING
        table.add_row(
            Text(name, style="bold" if slot.live else ""),
            str(slot.port),
            f"{slot.holds.label} (deploy {slot.holds.number})" if slot.holds else "",
            _slot_state(slot),
            str(slot.pid) if running else "",
            str(slot.in_flight) if running else "",
            size(slot.memory_bytes) if running else "",
        )
        for worker in slot.workers:
            runs = worker.phase is Phase.RUNNING
            table.add_row(
                f"  {sanitise(worker.name)}",
                "",
                "",
                state_text(worker.phase.value),
                str(worker.pid) if runs else "",
                "",
                size(worker.memory_bytes) if runs else "",
            )
    return table


def _slot_state(slot: SlotDetail) -> Text:
    if slot.draining:
        return Text("draining", style="cyan")
    if slot.standby_until and slot.phase is Phase.RUNNING:
        return Text(f"standby, {left(slot.standby_until)}", style="cyan")
    return state_text(slot.phase.value)


def _hints(detail: AppDetail) -> list[str]:
    name, hints = detail.summary.name, []
    if detail.summary.state == "gone":
        return ["", *gone_words(detail)]
    if detail.running:
        number = detail.running.number
        hints.append(f"Deploy {number} is {detail.running.status}: potions log {name} {number} -f")
    if detail.summary.state in ("crashing", "crashed", "down"):
        hints.append(f"It does not stay up, and is started again and again. See why: potions logs {name}")
    if detail.summary.serves is None:
        hints.append(f"Deploy to it: potions deploy PATH --app {name}")
    if detail.rollback_to:
        back = detail.rollback_to
        hints.append(f"Back to {back.release.label} (deploy {back.number}): potions rollback {name}")
    if detail.unsaved:
        hints.append(f"Variables that are saved, not live: {detail.unsaved}. Make them live: potions redeploy {name}")
    return ["", *hints] if hints else []


def _purge_trash(client: Client, entry: TrashEntry, *, yes: bool, json: bool) -> int:
    """What is left of a deleted app."""
    if not yes:
        holds = contents(entry.total_files, entry.total_bytes)
        say(f"{entry.name} is in the trash, deleted {age(entry.deleted)}: {holds}.", "bold", console=stderr())
        say("It is removed at once and cannot be brought back.", "bold red", console=stderr())
        confirm_by_name(entry.name, f"Removing {entry.name} from the trash")
    removed = client.purge_trash(entry.name)
    if json:
        print_json(removed)
    else:
        say(f"{removed.name} is removed from the trash: {contents(removed.total_files, removed.total_bytes)}.")
    return 0


def _tell_before(removal: Removal) -> None:
    console = stderr()
    say(f"This deletes {removal.name}:", "bold", console=console)
    _tell_sizes(removal)
    if removal.restorable_until:
        say(f"It can be brought back until {until(removal.restorable_until)}.", console=console)
    else:
        say("It is removed at once and cannot be brought back.", "bold red", console=console)


def _tell_sizes(removal: Removal) -> None:
    say(f"  storage     {contents(removal.storage_files, removal.storage_bytes)}", console=stderr())
    say(f"  everything  {contents(removal.total_files, removal.total_bytes)}", console=stderr())


def _tell_after(removed: Removal) -> None:
    say(f"{removed.name} is deleted: {contents(removed.total_files, removed.total_bytes)},")
    say(f"of these in its storage {contents(removed.storage_files, removed.storage_bytes)}.")
    if removed.restorable_until:
        say(f"Until {until(removed.restorable_until)} it can be brought back: potions apps restore {removed.name}")
    else:
        say("It cannot be brought back.")
