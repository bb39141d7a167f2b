"""What the agent is asked about the files in a storage. Paths are text as Python gives it: any bytes are held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from potions.client.wire import Wire, app_path, word
from potions.errors import AgentLost
from potions.names import parse_stored_path
from potions.schema import (
    ArchiveFormat,
    Existing,
    FolderPut,
    Order,
    StorageSample,
    StorageUseLine,
    StoredEntry,
    StoredFolder,
    StoredRemoval,
)

#: Headers of a folder on its way, in both directions: its files, and their bytes.
FILES = "Potions-Files"
BYTES = "Potions-Bytes"


@dataclass(frozen=True)
class Incoming:
    """Something on its way here: its bytes, and what was counted in it before."""

    files: int
    size: int
    pieces: Iterator[bytes]
    """A file's bytes, or the tar or zip of a folder."""


class StorageCalls(Wire):
    """The files of an app. Everything raises StoredPathRefused for a path that cannot be one."""

    # Looking

    def storage_use(self, app: str, path: str = "", *, depth: int = 1, top: int = 20) -> Iterator[StorageUseLine]:
        """Measure a folder: lines while it is counted, the last with the result."""
        return self._stream(_url(app, "usage", path, depth=depth, top=top), StorageUseLine)

    def storage_history(self, app: str, *, days: int = 30) -> list[StorageSample]:
        """What the storage held in the last ``days`` (up to 731), the oldest first. Nothing is measured."""
        return self._get(f"{app_path(app)}/storage/history", list[StorageSample], days=days)

    def stored(self, app: str, path: str = "") -> StoredEntry:
        return self._get(_url(app, "entry", path), StoredEntry)

    def stored_folder(
        self, app: str, path: str = "", *, order: Order = Order.NAME, offset: int = 0, limit: int = 1000
    ) -> StoredFolder:
        """At most ``limit`` (up to 100,000) entries of a folder."""
        return self._get(_url(app, "entries", path, order=order.value, offset=offset, limit=limit), StoredFolder)

    # Changing

    def make_stored_folder(self, app: str, path: str) -> StoredEntry:
        return self._write("POST", _url(app, "folders", path), StoredEntry)

    def move_stored(self, app: str, path: str, to: str) -> StoredEntry:
        return self._write("POST", f"{_url(app, 'move', path)}&to={parse_stored_path(to).encoded}", StoredEntry)

    def remove_stored(self, app: str, path: str, *, recursive: bool = False) -> StoredRemoval:
        return self._write("DELETE", _url(app, "entry", path, recursive=recursive), StoredRemoval)

    # Streaming

    @contextmanager
    def get_stored_file(self, app: str, path: str) -> Iterator[Incoming]:
        with _whole(), self._download(_url(app, "file", path)) as answer:
            yield Incoming(1, int(answer.headers["Content-Length"]), answer.iter_raw())

    @contextmanager
    def get_stored_folder(
        self,
        app: str,
        path: str,
        *,
        format: ArchiveFormat = ArchiveFormat.TAR,
    ) -> Iterator[Incoming]:
        with _whole(), self._download(_url(app, "archive", path, format=format.value)) as answer:
            yield Incoming(int(answer.headers[FILES]), int(answer.headers[BYTES]), answer.iter_raw())

    def put_stored_file(
        self,
        app: str,
        path: str,
        pieces: Iterable[bytes],
        *,
        size: int | None = None,
        replace: bool = False,
        executable: bool = False,
    ) -> StoredEntry:
        """Put a file; ``size`` is how many bytes the pieces have, where that is known."""
        headers = {} if size is None else {"Content-Length": str(size)}
        url = _url(app, "file", path, replace=replace, executable=executable)
        with _or_nothing(app):
            return self._send("PUT", url, StoredEntry, pieces, headers)

    def put_stored_folder(
        self, app: str, path: str, tar: Iterable[bytes], *, size: int, existing: Existing = Existing.REFUSE
    ) -> FolderPut:
        """Put a folder; ``size`` is the sum of its files' bytes."""
        url = _url(app, "archive", path, existing=existing.value)
        with _or_nothing(app):
            return self._send("PUT", url, FolderPut, tar, {BYTES: str(size)})


def _url(app: str, route: str, path: str, **query: object) -> str:
    """A route with its query, put together here: a path may hold bytes that are no text."""
    words = "".join(f"&{name}={quote(word(value), safe='')}" for name, value in query.items())
    return f"{app_path(app)}/storage/{route}?path={parse_stored_path(path).encoded}{words}"


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except AgentLost as error:
        raise AgentLost(
            "Not all of it came.",
            why=f"{error.what} The agent was stopped, or an app changed a file while it was sent: its log says it.",
            do="Try again.",
        ) from error


@contextmanager
def _or_nothing(app: str) -> Iterator[None]:
    try:
        yield
    except AgentLost as error:
        raise AgentLost(
            "It is not known whether all of it arrived.",
            why=f"{error.what} What arrived is there whole, or nothing of it is.",
            do=f"Look with: potions storage ls {app}",
        ) from error
