"""What storages held when somebody measured them last: the largest folders are remembered here, and nowhere else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import NamedTuple

from potions.schema import StorageUse

#: How many apps are remembered.
_APPS_MAX = 500


class Measurement(NamedTuple):
    """A storage as it was at a moment."""

    at: datetime
    found: StorageUse


class Measured:
    """The last measurement of each app, as long as this process runs. Several threads may use it."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, datetime], Measurement] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, app: str, created: datetime, found: StorageUse) -> None:
        """``created`` is the app's: another one that gets its name has nothing of it."""
        with self._lock:
            self._last[app, created] = Measurement(datetime.now(UTC), found)
            self._last.move_to_end((app, created))
            while len(self._last) > _APPS_MAX:
                self._last.popitem(last=False)

    def last(self, app: str, created: datetime) -> Measurement | None:
        with self._lock:
            return self._last.get((app, created))
