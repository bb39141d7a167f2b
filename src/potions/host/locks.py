"""Locks by flock(2): they die with their holder, so nothing is stuck after a crash."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

_POLL = 0.05


class Lock:
    """A lock that is held. Any thread may release it; the end of the process does too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let it go; twice is fine."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Locks:
    """Named locks in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def try_take(self, name: str) -> Lock | None:
        """The lock, or None where somebody holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._folder / f"{name}.lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return Lock(descriptor)

    def take(self, name: str, give_up: Callable[[], bool] = lambda: False) -> Lock | None:
        """Wait for the lock; None once ``give_up`` says so."""
        while (lock := self.try_take(name)) is None:
            if give_up():
                return None
            time.sleep(_POLL)
        return lock

    def held(self, prefix: str) -> set[str]:
        """The names, without their ``prefix``, of the locks that somebody holds right now."""
        names = (path.stem for path in self._folder.glob(f"{prefix}*.lock"))
        return {name.removeprefix(prefix) for name in names if self._is_held(name)}

    def _is_held(self, name: str) -> bool:
        lock = self.try_take(name)
        if lock is not None:
            lock.release()
        return lock is None
