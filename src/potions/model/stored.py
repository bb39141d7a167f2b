"""What lies in a storage, as it is told to whoever asks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class StoredKind(StrEnum):
    """What something in a storage is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    """A symbolic link. Potions shows it and follows it nowhere."""
    OTHER = "other"
    """A socket, a named pipe or a device."""


class Order(StrEnum):
    """How a folder is listed."""

    NAME = "name"
    """Folders first, then by the bytes of the names."""
    NEWEST = "newest"
    LARGEST = "largest"


class Existing(StrEnum):
    """What to do where something that is put has the name of something that is there."""

    REFUSE = "refuse"
    SKIP = "skip"
    """Leave what is there as it is, and put the rest."""
    REPLACE = "replace"
    """Files only: a folder, a link or anything else is never replaced."""


class StoredEntry(msgspec.Struct, frozen=True):
    """One file, folder or link in a storage."""

    name: str
    """For people; bytes that are no UTF-8 stand in it as ``\\xNN``. Empty for the storage itself."""
    path: str
    """Where it is, from the top of the storage, as in a URL: percent-encoded, so that it holds any bytes."""
    kind: StoredKind
    bytes: int
    """The size of a file; 0 for everything else."""
    modified: datetime
    mode: int
    """The permission bits."""
    target: str | None = None
    """Where a link leads, for people."""


class StoredFolder(msgspec.Struct, frozen=True):
    """A folder's entries, or a part of them."""

    path: str
    entries: list[StoredEntry]
    total: int
    """How many entries the folder has; ``entries`` may be fewer."""


class FolderUse(msgspec.Struct, frozen=True):
    """What lies below one folder, all of it."""

    path: str
    bytes: int
    disk_bytes: int
    files: int


class Use(msgspec.Struct, frozen=True):
    """What lies below a folder of a storage. A file with several names counts once; links count nothing."""

    path: str
    bytes: int
    """The sizes of the files."""
    disk_bytes: int
    """What they take on the disk: less for files with holes, more for many small ones."""
    files: int
    folders: int
    newest: StoredEntry | None
    """The file that was written last."""
    biggest: list[FolderUse]
    """The largest folders first."""
    seconds: float
    """What it took to find out."""


class StorageSample(msgspec.Struct, frozen=True):
    """How much a storage held at a moment."""

    at: datetime
    bytes: int
    """The sizes of the files, in bytes."""
    files: int
    seconds: float = 0.0
    """What it took to find out."""


class ArchiveFormat(StrEnum):
    """As what a folder is got."""

    TAR = "tar"
    """Exactly: any names, links, modes."""
    ZIP = "zip"
    """For any computer: names that Windows would refuse are written in another way."""


class SentFile(msgspec.Struct, frozen=True):
    """A file that is about to be sent, or a part of it."""

    entry: StoredEntry
    tag: str
    """Another one as soon as the file is another, or was written."""
    part: bool
    """Whether a part was asked for."""
    first: int
    length: int


class SentFolder(msgspec.Struct, frozen=True):
    """A folder that is about to be sent: what was counted in it."""

    entry: StoredEntry
    files: int
    bytes: int


class FolderPut(msgspec.Struct, frozen=True):
    """What became of a folder that was put."""

    path: str
    files: int
    """How many files were written, ``replaced`` ones among them."""
    bytes: int
    replaced: int = 0
    skipped: int = 0
    """How many were there already and stayed as they were."""
    skipped_paths: list[str] = []
    """The first of those."""


class StoredRemoval(msgspec.Struct, frozen=True):
    """What was removed."""

    path: str
    kind: StoredKind
    files: int
    bytes: int
