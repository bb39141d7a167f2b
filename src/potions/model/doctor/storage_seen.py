"""What can be seen in an app's storage without knowing the app: values that a look at it gives."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Engine(StrEnum):
    """Ways to keep data in files that are known by the files themselves."""

    SQLITE = "SQLite"
    LEVELDB = "LevelDB or RocksDB"
    LMDB = "LMDB"
    ZODB = "ZODB"
    BERKELEY = "Berkeley DB"
    DUCKDB = "DuckDB"
    LUCENE = "Lucene"
    H2 = "H2"


#: Those that a second process cannot open, or only to read, while the first one has it.
OF_ONE_PROCESS = frozenset({Engine.LEVELDB, Engine.ZODB, Engine.BERKELEY, Engine.DUCKDB, Engine.LUCENE, Engine.H2})


class DatabaseFile(msgspec.Struct, frozen=True):
    """A database, by its first bytes or by the files around it. Paths are below the storage, for people."""

    engine: Engine
    path: str
    wal: bool = False
    """SQLite: it writes ahead into a log, so that readers and one writer do not wait for each other."""
    cut_off: bool = False
    """SQLite: a transaction was cut off, and its journal waits to be rolled back."""


class Some(msgspec.Struct, frozen=True):
    """How many there are, and the first few of them by name."""

    count: int = 0
    first: list[str] = []


class StorageSeen(msgspec.Struct, frozen=True):
    """What lies in a storage."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    seconds: float = 0.0
    stopped: str = ""
    """Why the look ended before everything was seen; empty where it did not."""
    databases: list[DatabaseFile] = []
    """At most some dozens."""
    lock_files: Some = Some()
    """Files with names that programs give to locks."""
    foreign: Some = Some()
    """What does not belong to the app's user."""
    open_to_all: Some = Some()
    """What every user of the computer may change."""
    links_out: Some = Some()
    """Links that lead out of the storage."""
    mounts: Some = Some()
    """Directories on another file system. Nothing in them was looked at."""
    closed: Some = Some()
    """Directories that the app's user may not read. Nothing in them was looked at."""


class Holder(msgspec.Struct, frozen=True):
    """A process of the app that has a file open, or locked."""

    pid: int
    slot: str
    process: str = "web"
    """``web``, or a worker."""
    appends: bool = False
    """It only ever adds at the end."""


class FileInUse(msgspec.Struct, frozen=True):
    """A file in storage that processes of the app write to, or hold a lock on."""

    path: str
    writers: list[Holder] = []
    lockers: list[Holder] = []
    """Those that hold a lock on the whole of it, which keeps everybody else out."""
    engine: Engine | None = None
    """Where it is a part of a database that is known by its files."""


class FilesInUse(msgspec.Struct, frozen=True):
    """Which files in storage the app's processes use right now."""

    files: list[FileInUse] = []
    stopped: str = ""
