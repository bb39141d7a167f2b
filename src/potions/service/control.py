"""What others may ask of a deployment on its way: cancel it, or hurry up because somebody waits for its app."""

from __future__ import annotations

import threading


class Control:
    """The switches of one deployment. Safe between threads; a cancel and a step that forbids it never both win."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._cancelled = False
        self._forbidden = False
        self._hurried = False
        self._wants_other = False
        self.finishing = False
        """Whether it serves already, and only tidies up."""

    def cancel(self) -> bool:
        """Ask it to stop; False where its present step forbids that."""
        with self._changing:
            self._cancelled = self._cancelled or not self._forbidden
            return self._cancelled

    def forbid(self, forbid: bool) -> bool:
        """From here on a cancel is refused, or taken again; False where a cancel came first."""
        with self._changing:
            if forbid and self._cancelled:
                return False
            self._forbidden = forbid
            return True

    def is_cancelled(self) -> bool:
        return self._cancelled

    def hurry(self, *, wants_other: bool) -> None:
        """Somebody waits for the app: end the drain now. A rollback wants the other slot left as it is."""
        self._wants_other = wants_other
        self._hurried = True

    def is_hurried(self) -> bool:
        return self._hurried

    def is_other_wanted(self) -> bool:
        return self._wants_other
