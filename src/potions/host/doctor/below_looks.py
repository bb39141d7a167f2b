"""Looks below a slot or a storage, each in a child that is the app's user and is ended when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from potions.errors import DeployCancelled
from potions.host.below import Below
from potions.host.doctor.slot_links import look_at_storage_links
from potions.host.doctor.storage_use import Process, look_at_use
from potions.host.doctor.storage_walk import Bounds, walk_storage
from potions.model.doctor.records import StorageLinkSeen
from potions.model.doctor.storage_seen import FilesInUse, StorageSeen
from potions.model.service import Account

#: Seconds beyond its bounds that a look gets: a file system that answers no more has it wait for ever.
_MARGIN = 10.0
_DEAD = "It was ended: the file system does not answer."


class BelowLooks:
    """The looks of one home."""

    def __init__(self, account: Account, below: Below, bounds: Bounds | None = None) -> None:
        self._account = account
        self._below = below
        self._bounds = bounds or Bounds()

    def storage_links(self, slots: list[Path]) -> list[StorageLinkSeen]:
        """What the slots have under the name ``storage``."""
        return self._below.run(look_at_storage_links, slots)

    def storage(self, storage: Path) -> StorageSeen:
        """What lies in a storage."""
        try:
            return self._below.run(walk_storage, storage, self._account.uid, self._bounds, cancelled=self._too_late())
        except DeployCancelled:
            return StorageSeen(stopped=_DEAD)

    def use(self, storage: Path, processes: list[Process]) -> FilesInUse:
        """Which files of a storage the processes use."""
        try:
            return self._below.run(look_at_use, storage, processes, self._bounds, cancelled=self._too_late())
        except DeployCancelled:
            return FilesInUse(stopped=_DEAD)

    def _too_late(self) -> Callable[[], bool]:
        until = time.monotonic() + self._bounds.seconds + _MARGIN
        return lambda: time.monotonic() > until
