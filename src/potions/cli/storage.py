"""`potions storage`: what an app has stored: show, list, measure, get, put, make, rename and remove."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

from cyclopts import App, Parameter
from cyclopts.validators import Number

from potions.cli.confirm import confirm_by_name
from potions.cli.connection import connect
from potions.cli.options import AppWord, Json, Yes
from potions.cli.progress import spinner
from potions.cli.screen import new_table, print_json, sanitise, say, show, spell_out, stderr
from potions.cli.storage_files import get, put
from potions.cli.units import age, contents, duration, size
from potions.errors import AgentLost, StoredNotEmpty
from potions.names import parse_stored_path, shown_name
from potions.schema import Order, StorageSample, StorageUse, StoredEntry, StoredFolder, StoredKind, StoredRemoval, Use

if TYPE_CHECKING:
    from potions.client import Client

storage = App(name="storage", help="Show, list, get, put and remove what an app has stored.")
storage.command(get)
storage.command(put)

#: Before, a change says nothing.
_CHANGE_AFTER = timedelta(hours=1)
#: As many entries as the agent gives at once.
_PAGE = 100_000

_Where = Annotated[str, Parameter(name="PATH", help="A file or a folder in the storage.")]
_Folder = Annotated[str, Parameter(name="PATH", help="A folder in the storage; left out, all of it.")]
_Depth = Annotated[
    int, Parameter(name="--depth", validator=Number(gte=0, lte=32), help="How many levels of folders to name (1).")
]
_Top = Annotated[
    int, Parameter(name="--top", validator=Number(gte=0, lte=1000), help="How many folders to name at most (20).")
]


@storage.command(name="show")
def show_storage(app: AppWord, /, *, json: Json = False) -> int:
    """Show where an app's storage is, and what it holds.

    For example:

        potions storage show blog
    """
    with connect() as client:
        before = [] if json else client.storage_history(app, days=7)
        found = _measure(client, app, "", depth=0, top=0, quiet=json)
    if json:
        print_json(found)
        return 0
    say(f"The storage of {found.app}, which survives every deploy and every rollback:", "bold")
    use = found.use
    for name, words in (
        ("path", found.directory),
        ("for the app", "STORAGE_DIR, and ./storage in its working directory"),
        ("owner", f"{found.owner}, whom apps run as"),
        ("holds", _holds(found) if use.files else "nothing yet"),
        ("change", _change(before, use)),
        ("newest", _newest(use.newest)),
        ("free", f"{size(found.free_bytes)} on its disk"),
    ):
        if words:
            say(f"  {name:<12}  {sanitise(words)}")
    say(f"See what is in it: potions storage ls {found.app}")
    say(f"Put a file:        potions storage put {found.app} FILE")
    return 0


@storage.command
def ls(
    app: AppWord,
    path: _Folder = "",
    /,
    *,
    order: Annotated[Order, Parameter(name="--sort", help="By name, newest or largest first.")] = Order.NAME,
    json: Json = False,
) -> int:
    """List a folder of the storage, folders first, or one file.

    Links are shown with what they lead to, and never followed. For all that is
    below a folder: potions storage get APP PATH - | tar tv

    For example:

        potions storage ls blog
        potions storage ls blog uploads/2026 --sort newest
    """
    with connect() as client:
        entry = client.stored(app, path)
        if entry.kind is not StoredKind.FOLDER:
            return _show_one(entry, json=json)
        folder = _all_of(client, app, path, order)
    if json:
        print_json(folder)
        return 0
    _show_entries(folder.entries)
    if not folder.entries:
        what = "Nothing is stored yet" if not parse_stored_path(path).parts else "Nothing is in it"
        say(f"{what}. Put something there: potions storage put {app} FROM", console=stderr())
    return 0


@storage.command
def usage(app: AppWord, path: _Folder = "", /, *, depth: _Depth = 1, top: _Top = 20, json: Json = False) -> int:
    """Measure the storage, or a folder of it, and name its largest folders.

    Everything below a folder counts for it. A million files take some seconds.

    For example:

        potions storage usage blog
        potions storage usage blog uploads --depth 2 --top 5
    """
    with connect() as client:
        found = _measure(client, app, path, depth=depth, top=top, quiet=json)
    if json:
        print_json(found)
        return 0
    use = found.use
    say(f"{spell_out(_text(use.path)) or found.app}: {_holds(found)}", "bold")
    if use.newest:
        say(f"newest: {_newest(use.newest)}")
    if use.biggest:
        say()
        table = new_table("SIZE", "ON DISK", "FILES", "FOLDER", fold=("FOLDER",))
        for one in use.biggest:
            table.add_row(size(one.bytes), size(one.disk_bytes), f"{one.files:,}", spell_out(_text(one.path)) + "/")
        show(table)
        say()
    say(f"Counted in {duration(use.seconds)}; {size(found.free_bytes)} are free on its disk.")
    return 0


@storage.command
def mkdir(app: AppWord, path: _Where, /, *, json: Json = False) -> int:
    """Make a folder, with those on the way to it that are missing.

    For example:

        potions storage mkdir blog uploads/2026
    """
    with connect() as client:
        made = client.make_stored_folder(app, path)
    if json:
        print_json(made)
    else:
        say(f"{spell_out(_text(made.path))}/ is there.")
    return 0


@storage.command
def mv(
    app: AppWord,
    path: _Where,
    to: Annotated[str, Parameter(name="TO", help="Its new path; with a slash at the end, the folder to put it into.")],
    /,
    *,
    json: Json = False,
) -> int:
    """Rename a file, a folder or a link, or move it within the storage.

    Nothing is ever replaced. A link is moved itself, not what it leads to.

    For example:

        potions storage mv blog draft.pdf paper.pdf
        potions storage mv blog uploads/old archive/
    """
    target = f"{to}{parse_stored_path(path).name}" if to.endswith("/") else to
    with connect() as client:
        moved = client.move_stored(app, path, target)
    if json:
        print_json(moved)
    else:
        say(f"{shown_name(path)} is {spell_out(_text(moved.path))} now.")
    return 0


@storage.command
def rm(
    app: AppWord,
    path: _Where,
    /,
    *,
    recursive: Annotated[bool, Parameter(name=["--recursive", "-r"], help="A folder with all that is in it.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Remove a file, a link or a folder from the storage, for good.

    There is no trash for it. Its name is asked for before. Of a link only the
    link itself goes.

    For example:

        potions storage rm blog uploads/old.jpg
        potions storage rm blog uploads/2019 -r --yes
    """
    with connect() as client:
        if not yes:
            _tell_before(client, app, client.stored(app, path), recursive=recursive, quiet=json)
            confirm_by_name(shown_name(parse_stored_path(path).name), f"Removing {shown_name(path)}")
        with spinner(f"removing {shown_name(path)}", hidden=json):
            removed = client.remove_stored(app, path, recursive=recursive)
    if json:
        print_json(removed)
    else:
        say(f"{spell_out(_text(removed.path))} is removed{_with_what(removed)}.")
    return 0


def _measure(client: Client, app: str, path: str, *, depth: int, top: int, quiet: bool) -> StorageUse:
    with spinner("counting", hidden=quiet) as tell:
        for line in client.storage_use(app, path, depth=depth, top=top):
            if line.result is not None:
                return line.result
            tell(f"counting: {contents(line.files, line.bytes)}")
    raise AgentLost("The agent did not count to the end.", do="Try again; the agent's log may have more.")


def _all_of(client: Client, app: str, path: str, order: Order) -> StoredFolder:
    """All entries of a folder; up to a hundred thousand in one look."""
    folder = client.stored_folder(app, path, order=order, limit=_PAGE)
    entries = folder.entries
    while len(entries) < folder.total:
        more = client.stored_folder(app, path, order=order, offset=len(entries), limit=_PAGE)
        if not more.entries:
            break
        entries += more.entries
    return folder


def _show_one(entry: StoredEntry, *, json: bool) -> int:
    if json:
        print_json(entry)
    else:
        _show_entries([entry])
    return 0


def _show_entries(entries: list[StoredEntry]) -> None:
    """One line each, written as they are: a table of a hundred thousand rows would take a minute."""
    for entry in entries:
        amount = size(entry.bytes) if entry.kind is StoredKind.FILE else ""
        sys.stdout.write(f"{amount:>9}  {_time(entry.modified)}  {_called(entry)}\n")


def _called(entry: StoredEntry) -> str:
    name = spell_out(entry.name)
    if entry.kind is StoredKind.FOLDER:
        return f"{name}/"
    if entry.kind is StoredKind.LINK:
        return f"{name} -> {spell_out(entry.target or '?')}"
    return name if entry.kind is StoredKind.FILE else f"{name} (a socket, a named pipe or a device)"


def _time(moment: datetime) -> str:
    try:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        # The first and the last day of the calendar, in another zone.
        return moment.strftime("%Y-%m-%d %H:%M")


def _text(encoded: str) -> str:
    """A path of an answer as text."""
    return unquote(encoded, errors="backslashreplace")


def _holds(found: StorageUse) -> str:
    use = found.use
    folders = f", in {use.folders:,} {'folder' if use.folders == 1 else 'folders'}" if use.folders else ""
    return f"{contents(use.files, use.bytes)} ({size(use.disk_bytes)} on the disk){folders}"


def _change(before: list[StorageSample], use: Use) -> str:
    """What became of it since the first measurement of the last week; empty where none is an hour old."""
    if not before or datetime.now(UTC) - before[0].at < _CHANGE_AFTER:
        return ""
    more, when = use.bytes - before[0].bytes, age(before[0].at)
    if not more:
        return f"as much as {when}"
    return f"{size(abs(more))} {'more' if more > 0 else 'less'} than {when}"


def _newest(entry: StoredEntry | None) -> str:
    return "" if entry is None else f"{spell_out(_text(entry.path))}, {age(entry.modified)}"


def _tell_before(client: Client, app: str, entry: StoredEntry, *, recursive: bool, quiet: bool) -> None:
    """What would go. Refuses here what would be refused after the question."""
    path = spell_out(_text(entry.path))
    what = f"{path}, {size(entry.bytes)}"
    if entry.kind is StoredKind.FOLDER and entry.path:
        use = _measure(client, app, unquote(entry.path, errors="surrogateescape"), depth=0, top=0, quiet=quiet).use
        if (use.files or use.folders) and not recursive:
            raise StoredNotEmpty(
                f"{path} has something in it: {contents(use.files, use.bytes)}.",
                why="Nothing was removed.",
                do="To remove all of it, add: -r",
            )
        what = f"{path}/ with {contents(use.files, use.bytes)}"
    elif entry.kind is StoredKind.LINK:
        what = f"the link {path}, and not what it leads to"
    say(f"This removes {what}, for good: there is no trash for it.", "bold", console=stderr())


def _with_what(removed: StoredRemoval) -> str:
    return f", {contents(removed.files, removed.bytes)}" if removed.kind is StoredKind.FOLDER else ""
