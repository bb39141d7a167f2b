"""What the names and the first bytes of files tell: databases, locks, links that lead out. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from potions.host.descriptors import shown
from potions.model.archive_format import link_leaves
from potions.model.doctor.storage_seen import DatabaseFile, Engine, Some, StorageSeen

_SQLITE = b"SQLite format 3\0"
#: Bytes 18 and 19 of a SQLite database: the versions it is written and read with. 2 is WAL.
_VERSIONS = slice(18, 20)
_WAL = b"\x02\x02"
#: How a rollback journal begins that was not finished. One that was is empty, cut, or zeroed.
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
_DUCKDB = (8, b"DUCK")
_ZODB = b"FS21", b"FS30"
_BERKELEY = (12, (b"\x62\x31\x05\x00", b"\x61\x15\x06\x00", b"\x00\x05\x31\x62", b"\x00\x06\x15\x61"))
_H2 = b"H:2,"

#: Names that programs give to locks and to files that say which process is at work.
_LOCKS = re.compile(
    r"(.*\.(lock|lck|pid)|\.lock|lock|LOCK|LCK\.\..*|\.~lock\..*#|.*\.lock\.db|write\.lock)\Z", re.DOTALL
)
#: So many databases are told one by one.
_MOST_DATABASES = 40
_MOST_NAMED = 5
_LONGEST = 120
_JOURNAL_SUFFIX = "-journal"


def path_of(parts: Sequence[str]) -> str:
    """A path below a storage for people: harmless in a terminal, and no longer than they read."""
    path = shown("/".join(parts)) or "."
    return path if len(path) <= _LONGEST else f"{path[: _LONGEST // 2]}…{path[-_LONGEST // 2 :]}"


def engine_by_bytes(head: bytes) -> Engine | None:
    """The kind of database that a file is, by how it begins."""
    if head.startswith(_SQLITE):
        return Engine.SQLITE
    if head.startswith(_ZODB):
        return Engine.ZODB
    if head.startswith(_H2):
        return Engine.H2
    if head[_DUCKDB[0] :].startswith(_DUCKDB[1]):
        return Engine.DUCKDB
    return Engine.BERKELEY if head[_BERKELEY[0] :].startswith(_BERKELEY[1]) else None


def engine_by_names(names: Collection[str]) -> Engine | None:
    """The kind of database that a directory is, by what lies in it."""
    if {"CURRENT", "LOCK"} <= set(names) and any(name.startswith("MANIFEST-") for name in names):
        return Engine.LEVELDB
    if {"data.mdb", "lock.mdb"} <= set(names):
        return Engine.LMDB
    return Engine.LUCENE if any(name.startswith("segments_") for name in names) and "write.lock" in names else None


class Names:
    """A list that goes on counting when it has the first few."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []

    def add(self, name: str) -> None:
        self._count += 1
        if self._count <= _MOST_NAMED:
            self._first.append(name)

    def some(self) -> Some:
        return Some(self._count, self._first)


class Finds:
    """What a walk has found so far. Paths are for people."""

    def __init__(self) -> None:
        self.foreign, self.open_to_all, self.links_out = Names(), Names(), Names()
        self.mounts, self.closed, self.lock_files = Names(), Names(), Names()
        self._databases: list[DatabaseFile] = []
        self._sqlite: dict[str, tuple[int, bool]] = {}
        self._journals: set[str] = set()

    def lock_name(self, name: str, path: str) -> None:
        if _LOCKS.match(name):
            self.lock_files.add(path)

    def link(self, parts: tuple[str, ...], target: str) -> None:
        """A link at ``parts`` whose text is ``target``."""
        if link_leaves(parts[:-1], target, {}):
            self.links_out.add(path_of(parts))

    def head(self, path: str, inode: int, head: bytes) -> None:
        """A file that begins with these bytes."""
        engine = engine_by_bytes(head)
        if engine is Engine.SQLITE:
            self._sqlite[path] = inode, head[_VERSIONS] == _WAL
        elif engine is not None:
            self._add(DatabaseFile(engine, path))
        elif head.startswith(_JOURNAL) and path.endswith(_JOURNAL_SUFFIX):
            self._journals.add(path.removesuffix(_JOURNAL_SUFFIX))

    def engines_by_names(self, folder: str, names: Collection[str]) -> None:
        engine = engine_by_names(names)
        if engine is not None:
            self._add(DatabaseFile(engine, folder))

    def seen(self, *, locked: Collection[int] = (), **counts: object) -> StorageSeen:
        """All of it. ``locked``: the inodes of files that somebody holds a lock on."""
        for path, (inode, wal) in self._sqlite.items():
            # Whoever is in the middle of a transaction holds a lock; a journal without one was left behind.
            cut_off = path in self._journals and inode not in locked
            self._add(DatabaseFile(Engine.SQLITE, path, wal, cut_off))
        return StorageSeen(
            databases=self._databases,
            lock_files=self.lock_files.some(),
            foreign=self.foreign.some(),
            open_to_all=self.open_to_all.some(),
            links_out=self.links_out.some(),
            mounts=self.mounts.some(),
            closed=self.closed.some(),
            **counts,  # type: ignore[arg-type]
        )

    def _add(self, database: DatabaseFile) -> None:
        if len(self._databases) < _MOST_DATABASES:
            self._databases.append(database)
