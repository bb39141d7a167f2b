"""Every process at one moment: which app and slot it was started for, what it descends from.

One pass over /proc for all apps: each question of ``host.processes`` alone would be such a pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_MARKS = {b"POTIONS_DIR": "directory", b"POTIONS_SLOT": "slot", b"POTIONS_PROCESS": "process"}
#: Behind the name of the program in /proc/PID/stat, which may hold anything: the state, then the parent.
_PARENT = 1


class Marks(NamedTuple):
    """What the launcher puts into the environment of an app's process."""

    directory: str = ""
    slot: str = ""
    process: str = ""


class ProcessTable:
    """A moment that does not change while one thinks about it."""

    def __init__(self) -> None:
        self.marks: dict[int, Marks] = {}
        self._children: dict[int, list[int]] = {}
        for pid in _pids():
            self._add(pid)

    def _add(self, pid: int) -> None:
        marks = _marks_of(pid)
        if marks.directory:
            self.marks[pid] = marks
        self._children.setdefault(_parent_of(pid), []).append(pid)

    def of_slot(self, directory: Path, slot: str, services: Iterable[int] = ()) -> frozenset[int]:
        """What runs in a slot: by its marks, and by descent from the processes of its services.

        By descent as well, because what shows a title of its own in ps writes over its environment for that.
        """
        marked = {pid for pid, marks in self.marks.items() if marks[:2] == (str(directory), slot)}
        return frozenset(marked.union(*map(self.family, services)))

    def family(self, pid: int) -> set[int]:
        """A process and all that descend from it; nothing for 0."""
        found, new = set[int](), [pid] if pid else []
        while new:
            one = new.pop()
            if one not in found:
                found.add(one)
                new += self._children.get(one, [])
        return found

    def directories(self) -> dict[str, set[int]]:
        """The directories that processes were started for."""
        found: dict[str, set[int]] = {}
        for pid, marks in self.marks.items():
            found.setdefault(marks.directory, set()).add(pid)
        return found


def words_of(pid: int) -> list[str]:
    """The words a process was started with; none for one that is gone."""
    data = _read(pid, "cmdline")
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def name_of(pid: int) -> str:
    """The name of a process's program."""
    return os.fsdecode(_read(pid, "comm").rstrip(b"\n"))


def is_program_replaced(pid: int) -> bool:
    """Whether the file that a process runs was removed or replaced since."""
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")  # noqa: PTH115
    except OSError:
        return False


def homes_at_work() -> set[Path]:
    """The homes on this computer whose agents run, as far as this user may see them."""
    found = (words_of(pid) for pid in _pids())
    return {Path(words[3]) for words in found if len(words) == 4 and words[1:3] == ["-m", "potions.agent"]}


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208


def _marks_of(pid: int) -> Marks:
    entries = (entry.partition(b"=") for entry in _read(pid, "environ").split(b"\0"))
    found = {_MARKS[name]: os.fsdecode(value) for name, _, value in entries if name in _MARKS}
    return Marks(**found)


def _parent_of(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[_PARENT]) if len(fields) > _PARENT else 0


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:
        # Gone meanwhile, or of another user: neither is one of ours.
        return b""
