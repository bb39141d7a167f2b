"""A storage that is being measured while somebody waits for it, or does not any more."""

from __future__ import annotations

import threading
from collections.abc import Callable

from potions.errors import DeployCancelled, PotionsError
from potions.host.below import Running
from potions.model.stored import Use
from potions.schema import StorageUse, StorageUseLine


class Measuring:
    """Waits for a measurement in a thread of its own, and keeps what is told meanwhile."""

    def __init__(self, running: Running[Use], tell: Callable[[Use], StorageUse]) -> None:
        self._running = running
        self._tell = tell
        self._changing = threading.Lock()
        self._lines: list[StorageUseLine] = []
        self._error: PotionsError | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="measuring", daemon=True)
        self._thread.start()

    def read(self) -> list[StorageUseLine]:
        """What was told since the last call, the result at last. Raises what ended the measurement."""
        with self._changing:
            lines, self._lines = self._lines, []
            if self._error is not None:
                raise self._error
        return lines

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Nobody waits any more: end it soon. After its end it is fine."""
        self._stopped.set()

    def _wait(self) -> None:
        try:
            use = self._running.wait(self._hear, self._stopped.is_set)
            self._add(StorageUseLine(use.files, use.bytes, self._tell(use)))
        except DeployCancelled:
            return
        except PotionsError as error:
            with self._changing:
                self._error = error

    def _hear(self, files: int, size: int) -> None:
        self._add(StorageUseLine(files, size))

    def _add(self, line: StorageUseLine) -> None:
        with self._changing:
            self._lines.append(line)
