"""What a storage holds."""

from __future__ import annotations

import msgspec

from potions.model.stored import Use


class StorageUse(msgspec.Struct, frozen=True):
    """A storage, or a folder of it: where it is, and what it holds."""

    app: str
    directory: str
    """The storage itself: what the app finds in STORAGE_DIR."""
    owner: str
    """The user that apps run as."""
    free_bytes: int
    """What is left on the disk that it lies on."""
    use: Use


class StorageUseLine(msgspec.Struct, frozen=True):
    """A line while a storage is measured: what was counted so far; the last one says it all."""

    files: int
    bytes: int
    result: StorageUse | None = None
