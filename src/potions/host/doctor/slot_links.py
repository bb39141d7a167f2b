"""What slots have under the name ``storage``, looked at as the app's user."""

from __future__ import annotations

import os
from pathlib import Path

from potions.host.descriptors import directory, look, shown
from potions.host.doctor.entries import thing_of
from potions.model.doctor.entries import Thing
from potions.model.doctor.records import StorageLinkSeen

_NAME = "storage"


def look_at_storage_links(slots: list[Path]) -> list[StorageLinkSeen]:
    """One for each slot that is a directory."""
    return [seen for slot in slots if (seen := _look(slot)) is not None]


def _look(slot: Path) -> StorageLinkSeen | None:
    path = str(slot / _NAME)
    try:
        with directory(slot) as folder:
            there = look(_NAME, within=folder)
            if there is None:
                return StorageLinkSeen(path)
            thing = thing_of(there.st_mode)
            target = os.readlink(_NAME, dir_fd=folder) if thing is Thing.LINK else ""
            return StorageLinkSeen(path, thing.value, shown(target))
    except OSError:
        # No slot, or swapped for something else this very moment.
        return None
