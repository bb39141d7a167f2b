"""`potions storage get` and `put`: files and folders between this computer and an app's storage."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import unquote

from cyclopts import Parameter

from potions.cli.connection import connect
from potions.cli.faults import INTERRUPTED
from potions.cli.options import AppWord, Json
from potions.cli.progress import bytes_bar
from potions.cli.screen import print_json, say, sign, spell_out, stderr
from potions.cli.units import contents, duration, size
from potions.errors import StoredTaken, StoredUnknown, UsageRefused
from potions.local.sources import LocalFile, LocalFolder, open_source
from potions.local.targets import Fetched, fetch_file, fetch_folder, refuse_what_is_there
from potions.names import parse_stored_path, shown_name
from potions.schema import ArchiveFormat, Existing, FolderPut, StoredEntry, StoredKind

if TYPE_CHECKING:
    from potions.client import Client

#: In place of a file: standard input, or standard output.
_STREAM = "-"
_READ_BYTES = 256 * 1024


def get(
    app: AppWord,
    path: Annotated[str, Parameter(name="PATH", help="A file or a folder in the storage; . is all of it.")],
    to: Annotated[
        str,
        Parameter(
            name="TO",
            allow_leading_hyphen=True,
            help="What it is called here; a folder that is there, or a slash at the end: into it; - is standard"
            " output.",
        ),
    ] = "./",
    /,
    *,
    replace: Annotated[bool, Parameter(name="--replace", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> int:
    """Get a file or a folder from the storage.

    A folder comes with all that is in it; as a zip, if TO ends in .zip; to
    standard output, as a tar.
    Nothing is there before all of it came. Links in a folder are kept where
    they stay in it; a link itself is not got.

    For example:

        potions storage get blog uploads/a.jpg
        potions storage get blog uploads backup/uploads
        potions storage get blog uploads uploads.zip
        potions storage get blog . - | tar t
    """
    _refuse_option(to, "get")
    with connect() as client:
        entry = client.stored(app, path)
        folder = entry.kind is StoredKind.FOLDER
        if to == _STREAM:
            return _to_stdout(client, app, path, folder=folder)
        target = _local_target(to, parse_stored_path(path).name or f"{app}-storage")
        refuse_what_is_there(target, replace=replace and (not folder or _is_zip(target)))
        began = time.monotonic()
        try:
            fetched = _fetch(client, app, path, target, folder=folder, replace=replace, quiet=json)
        except KeyboardInterrupt:
            say("Stopped before all of it came; nothing is there.", console=stderr())
            return INTERRUPTED
    _tell_got(path, target, fetched, time.monotonic() - began, json=json)
    return 0


def put(
    app: AppWord,
    source: Annotated[
        str, Parameter(name="FROM", allow_leading_hyphen=True, help="A file or a folder here; - is standard input.")
    ],
    path: Annotated[
        str,
        Parameter(
            name="PATH",
            help="What it is called in the storage; a slash at the end: into that folder. Left out, its own name.",
        ),
    ] = "",
    /,
    *,
    replace: Annotated[bool, Parameter(name="--replace", help="Replace files that are there.")] = False,
    skip: Annotated[bool, Parameter(name="--skip", help="Leave files that are there, and put the others.")] = False,
    json: Json = False,
) -> int:
    """Put a file or a folder into the storage.

    It belongs to the app's user there, and may be executed where it may be
    here. Nothing is there before all of it arrived. What is there already is
    refused, unless --replace or --skip says otherwise; with these, a folder is
    put together with the one that is there.

    For example:

        potions storage put blog a.jpg uploads/
        potions storage put blog ./photos uploads --skip
        pg_dump blog | potions storage put blog - dumps/today.sql
    """
    _refuse_option(source, "put")
    if replace and skip:
        raise UsageRefused("--replace and --skip say two different things.", do="Choose one of them.")
    existing = Existing.REPLACE if replace else Existing.SKIP if skip else Existing.REFUSE
    began = time.monotonic()
    try:
        with connect() as client:
            done = _Putting(client, app, existing, quiet=json).put(source, path)
    except KeyboardInterrupt:
        say("Stopped before all of it arrived; nothing of it is there.", console=stderr())
        return INTERRUPTED
    if json:
        print_json(done.answer)
    else:
        _tell_put(done, time.monotonic() - began)
    return 0


def _refuse_option(word: str, verb: str) -> None:
    """A lone hyphen is taken where a name is; whatever else begins with one was meant as an option."""
    if word.startswith("-") and word != _STREAM:
        raise UsageRefused(
            f'Unknown option: "{word}".',
            why="A name that begins with a hyphen is written as ./-name.",
            do=f"See: potions storage {verb} --help",
        )


# Getting


def _local_target(to: str, name: str) -> Path:
    return Path(to) / name if to.endswith("/") or Path(to).is_dir() else Path(to)


def _is_zip(target: Path) -> bool:
    return target.suffix.lower() == ".zip"


def _fetch(client: Client, app: str, path: str, target: Path, *, folder: bool, replace: bool, quiet: bool) -> Fetched:
    zipped = folder and _is_zip(target)
    form = ArchiveFormat.ZIP if zipped else ArchiveFormat.TAR
    incoming = client.get_stored_folder(app, path, format=form) if folder else client.get_stored_file(app, path)
    with incoming as coming, bytes_bar(f"getting {shown_name(path)}", coming.size, hidden=quiet) as progress:
        pieces = _heard(coming.pieces, progress)
        if zipped:
            return Fetched(coming.files, fetch_file(pieces, target, replace=replace))
        if folder:
            return fetch_folder(pieces, target)
        return Fetched(1, fetch_file(pieces, target, replace=replace))


def _to_stdout(client: Client, app: str, path: str, *, folder: bool) -> int:
    if folder and sys.stdout.isatty():
        raise UsageRefused(
            f"{shown_name(path)} is a folder, and a tar would only garble the terminal.",
            do=f"Hand it to a program: potions storage get {app} {shown_name(path)} - | tar t",
        )
    incoming = client.get_stored_folder(app, path) if folder else client.get_stored_file(app, path)
    with incoming as coming:
        for piece in coming.pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return 0


def _heard(pieces: Iterable[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        progress(len(piece))
        yield piece


def _tell_got(path: str, target: Path, fetched: Fetched, seconds: float, *, json: bool) -> None:
    if json:
        left_out = [shown_name(link) for link in fetched.links_left_out]
        print_json({"to": shown_name(str(target)), "files": fetched.files, "bytes": fetched.bytes, "links": left_out})
        return
    amount = f"{contents(fetched.files, fetched.bytes)} in {duration(seconds)}"
    say(f"{sign('✓', '+')} got {shown_name(path)} as {shown_name(str(target))}: {amount}")
    for link in fetched.links_left_out:
        say(f"{shown_name(link)} is a link that leads out of the folder; it was left out.", console=stderr())


# Putting


class _Done(NamedTuple):
    """What was put, as the agent told it; or what was there already and was left as it is."""

    answer: StoredEntry | FolderPut
    left: bool = False


@dataclass(frozen=True)
class _Putting:
    """What was asked for, apart from what is put and where to."""

    client: Client
    app: str
    existing: Existing
    quiet: bool

    def put(self, source: str, path: str) -> _Done:
        if source == _STREAM:
            return _Done(self._stream(path))
        found = open_source(Path(source))
        target = _stored_target(path, Path(source).resolve().name)
        with bytes_bar(f"putting {shown_name(source)}", found.size, hidden=self.quiet) as progress:
            if isinstance(found, LocalFolder):
                return _Done(self._folder(found, target, progress))
            return self._file(found, target, progress)

    def _stream(self, path: str) -> StoredEntry:
        if not path or path.endswith("/"):
            raise UsageRefused(
                "What comes through standard input has no name.",
                do=f"Name it: potions storage put {self.app} - PATH",
            )
        return self._bytes(path, _read_stdin())

    def _file(self, source: LocalFile, target: str, progress: Callable[[int], None]) -> _Done:
        there = self._there(target)
        if there is not None and there.kind is StoredKind.FOLDER:
            target = f"{target}/{source.path.resolve().name}"
            there = self._there(target)
        if there is not None and self.existing is Existing.SKIP:
            return _Done(there, left=True)
        pieces = source.pieces(progress)
        return _Done(self._bytes(target, pieces, size=source.size, executable=source.executable))

    def _bytes(
        self, target: str, pieces: Iterator[bytes], *, size: int | None = None, executable: bool = False
    ) -> StoredEntry:
        replace = self.existing is Existing.REPLACE
        try:
            return self.client.put_stored_file(
                self.app, target, pieces, size=size, replace=replace, executable=executable
            )
        except StoredTaken as taken:
            taken.do = "Give it another name, or add --replace."
            raise

    def _folder(self, source: LocalFolder, target: str, progress: Callable[[int], None]) -> FolderPut:
        pieces = source.pieces(progress)
        try:
            return self.client.put_stored_folder(self.app, target, pieces, size=source.size, existing=self.existing)
        except StoredTaken as taken:
            taken.do = (
                "To put it together with what is there, add --skip or --replace; "
                f"to put it into that folder, name {shown_name(target).rstrip('/')}/"
            )
            raise

    def _there(self, path: str) -> StoredEntry | None:
        try:
            return self.client.stored(self.app, path)
        except StoredUnknown:
            return None


def _read_stdin() -> Iterator[bytes]:
    while data := sys.stdin.buffer.read(_READ_BYTES):
        yield data


def _stored_target(path: str, name: str) -> str:
    return f"{path}{name}" if not path or path.endswith("/") else path


def _tell_put(done: _Done, seconds: float) -> None:
    answer = done.answer
    path = spell_out(unquote(answer.path, errors="backslashreplace")) or "the storage"
    if done.left:
        say(f"{path} is there already, and was left as it is.")
        return
    what = size(answer.bytes) if isinstance(answer, StoredEntry) else contents(answer.files, answer.bytes)
    say(f"{sign('✓', '+')} put {path}: {what} in {duration(seconds)}")
    if isinstance(answer, FolderPut):
        if answer.replaced:
            say(f"  {answer.replaced:,} replaced what was there")
        if answer.skipped:
            say(f"  {answer.skipped:,} left out: there already")
