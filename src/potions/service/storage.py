"""What lies in the storage of an app: looked at, got, put, renamed and removed, and only because a person asked."""

from __future__ import annotations

import logging
import threading

from potions.errors import PotionsError, RequestRefused
from potions.host.files import free_bytes
from potions.host.storage_get import ByteRange
from potions.host.storages import Outgoing, Put
from potions.layout import AppTree
from potions.model.stored import (
    ArchiveFormat,
    Existing,
    FolderPut,
    Order,
    SentFile,
    SentFolder,
    StorageSample,
    StoredEntry,
    StoredFolder,
    StoredRemoval,
    Use,
)
from potions.names import parse_stored_path
from potions.schema import StorageUse
from potions.service.context import Context
from potions.service.measuring import Measuring
from potions.service.sampling import StorageSampler

__all__ = ["Outgoing", "Put", "StorageService", "parse_range"]

_log = logging.getLogger(__name__)


class StorageService:
    """What may be asked about the files of an app. Paths are text, with bytes that are no UTF-8 as lone surrogates.

    Everything raises AppUnknown, AppDirectoryGone and StoredPathRefused, and what `host.storages` raises.
    """

    def __init__(self, context: Context, sampler: StorageSampler) -> None:
        self._context = context
        self._sampler = sampler
        self._storages = context.storages

    def start(self) -> None:
        """Take away what puts left that were cut off before this start; in the background, it can be much."""
        left = [(tree, token) for tree in self._trees() for token in self._storages.unsettled(tree)]
        if left:
            threading.Thread(target=self._settle, args=(left,), name="cut-off puts", daemon=True).start()

    # Looking

    def entry(self, name: str, path: str) -> StoredEntry:
        _, tree = self._context.present(name)
        return self._storages.entry(tree, parse_stored_path(path))

    def folder(self, name: str, path: str, order: Order, offset: int, limit: int) -> StoredFolder:
        _, tree = self._context.present(name)
        return self._storages.folder(tree, parse_stored_path(path), order, offset, limit)

    def measure(self, name: str, path: str, depth: int, top: int) -> Measuring:
        """Begin to measure a folder, and the ``top`` largest folders down to ``depth`` levels below it."""
        app, tree = self._context.present(name)
        place = parse_stored_path(path)
        running = self._storages.use(tree, place, depth, top)

        def tell(use: Use) -> StorageUse:
            if not place.parts:
                self._sampler.remember(app.id, use)
            owner = self._context.settings.app_user
            return StorageUse(app.name, str(tree.storage), owner, free_bytes(tree.root), use)

        return Measuring(running, tell)

    def history(self, name: str, days: int) -> list[StorageSample]:
        """What was measured in the last so many days, the oldest first."""
        return self._sampler.history(name, days)

    # Changing

    def make_folder(self, name: str, path: str) -> StoredEntry:
        _, tree = self._context.present(name)
        return self._storages.make_folder(tree, parse_stored_path(path))

    def move(self, name: str, path: str, to: str) -> StoredEntry:
        _, tree = self._context.present(name)
        return self._storages.move(tree, parse_stored_path(path), parse_stored_path(to))

    def remove(self, name: str, path: str, *, recursive: bool) -> StoredRemoval:
        _, tree = self._context.present(name)
        return self._storages.remove(tree, parse_stored_path(path), recursive=recursive)

    # Streaming

    def get_file(self, name: str, path: str, wanted: str | None, tag: str | None) -> Outgoing[SentFile]:
        """Begin to send a file. ``wanted`` and ``tag`` are HTTP's Range and If-Range, as they came."""
        _, tree = self._context.present(name)
        return self._storages.get_file(tree, parse_stored_path(path), parse_range(wanted, tag))

    def get_folder(self, name: str, path: str, form: ArchiveFormat) -> Outgoing[SentFolder]:
        """Begin to send a folder as a tar or a zip."""
        _, tree = self._context.present(name)
        return self._storages.get_folder(tree, parse_stored_path(path), form)

    def put_file(
        self, name: str, path: str, announced: int | None, *, replace: bool, executable: bool
    ) -> Put[StoredEntry]:
        """Begin to receive a file of ``announced`` bytes, where they are known."""
        _, tree = self._context.present(name)
        place = parse_stored_path(path)
        return self._storages.put_file(tree, place, announced, replace=replace, executable=executable)

    def put_folder(self, name: str, path: str, announced: int | None, existing: Existing) -> Put[FolderPut]:
        """Begin to receive a folder as a tar, with ``announced`` bytes in its files, where they are known."""
        _, tree = self._context.present(name)
        return self._storages.put_folder(tree, parse_stored_path(path), announced, existing)

    def _trees(self) -> list[AppTree]:
        return [self._context.tree(app) for app in self._context.store.apps() if not self._context.is_gone(app)]

    def _settle(self, left: list[tuple[AppTree, str]]) -> None:
        for tree, token in left:
            try:
                self._storages.settle(tree, token)
            except (PotionsError, OSError) as error:
                # The next start tries again.
                _log.error("what a put to %s left that was cut off is still there: %s", tree.storage, error)


def parse_range(wanted: str | None, tag: str | None) -> ByteRange | None:
    """HTTP's Range, where it is one that is served: one range of bytes. Any other is as if it were not there.

    Raises RequestRefused for numbers that no file has.
    """
    unit, _, spec = (wanted or "").partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or not (first or last):
        return None
    if not all(part.isascii() and part.isdigit() for part in (first, last) if part):
        return None
    if max(len(first), len(last)) > 18:
        raise RequestRefused("The request does not fit the API: its range has numbers that no file has.")
    return ByteRange(int(first) if first else None, int(last) if last else None, tag and tag.strip('"'))
