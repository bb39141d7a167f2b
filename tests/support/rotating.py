"""A log that grows and is rotated as supervisord does it: in the middle of a line too."""

from __future__ import annotations

from pathlib import Path


class RotatingLog:
    """Writes numbered lines, each of them another one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = path.name.removesuffix(".log")
        self._unwritten = b""
        self.lines: list[str] = []
        """The lines whose end was written."""
        self._begun: list[str] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def print(self, lines: int, *, leave: int = 0) -> None:
        """Write so many lines, but for the last ``leave`` bytes, which the next call writes first."""
        for _ in range(lines):
            line = f"{self._name} {len(self._begun)} " + "·" * (len(self._begun) % 7)
            self._begun.append(line)
            self._unwritten += line.encode() + b"\n"
        kept = min(leave, len(self._unwritten))
        now, self._unwritten = (
            self._unwritten[: len(self._unwritten) - kept],
            self._unwritten[len(self._unwritten) - kept :],
        )
        with self._path.open("ab") as file:
            file.write(now)
        self.lines = self._begun[: len(self._begun) - self._unwritten.count(b"\n")]

    def rotate(self) -> None:
        """As supervisor.loggers.RotatingFileHandler.doRollover with one backup."""
        older = self._path.with_name(f"{self._path.name}.1")
        older.unlink(missing_ok=True)
        self._path.rename(older)
        self._path.touch()
