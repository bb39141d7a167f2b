"""What belongs to a Git checkout, as Git itself says it: what it tracks, and what it neither tracks nor ignores."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from potions.errors import ReleaseRefused

GIT = ".git"
STORAGE = "storage"

#: A monitor of the file system is a program that the repository itself names.
_COMMAND = ("git", "-c", "core.fsmonitor=false")
#: What a hook is given for the repository it runs for, which need not be this one.
_OF_ANOTHER_REPOSITORY = frozenset(
    {
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
    }
)


class Belonging:
    """The paths that belong to a checkout, relative to its top, with ``/`` between their parts."""

    def __init__(self, listed: Iterable[str]) -> None:
        # A checkout within this one is listed with a slash at its end while Git does not track it.
        self._listed = {path.rstrip("/") for path in listed}
        self._above: set[str] = set()
        for path in self._listed:
            while (path := path.rpartition("/")[0]) and path not in self._above:
                self._above.add(path)

    def __contains__(self, path: str) -> bool:
        """Whether a file belongs to it, or a directory has something in it that does."""
        return path in self._listed or path in self._above

    def is_listed(self, path: str) -> bool:
        """Whether Git named the path itself; one that is a directory is a checkout within this one."""
        return path in self._listed


def belonging_to(directory: Path) -> Belonging | None:
    """What belongs to the checkout that has its top at ``directory``; None where that is the top of none.

    Raises ReleaseRefused where Git is missing, or does not say it.
    """
    if not _is_top(directory):
        return None
    return Belonging(_list(directory, "--cached", "--others", "--exclude-standard"))


def tracked_storage(directory: Path) -> Belonging | None:
    """What Git tracks of a ``storage`` at the top of a checkout; None where there is none. Raises as `belonging_to`."""
    if not os.path.lexists(directory / STORAGE) or not _is_top(directory):
        return None
    return Belonging(_list(directory, "--cached", "--", STORAGE))


def _is_top(directory: Path) -> bool:
    """Whether a checkout has its top there; raises ReleaseRefused where it only looks like that."""
    if not os.path.lexists(directory / GIT):
        return False
    # A `.git` that is none makes Git look further up, where another repository may lie around this one.
    if _ask(directory, "rev-parse", "--show-prefix").strip():
        raise _refused(directory, "It has a .git that Git does not take for a repository.")
    return True


def _list(directory: Path, *words: str) -> list[str]:
    """Paths in any bytes: they are separated by NUL, and not quoted."""
    return os.fsdecode(_ask(directory, "ls-files", "-z", *words)).split("\0")[:-1]


def _ask(directory: Path, *words: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            [*_COMMAND, "-C", str(directory), *words], capture_output=True, env=environment, check=False
        )
    except OSError as error:
        why = f"It is a Git checkout, and git cannot be run here ({error.strerror})."
        raise _refused(directory, why, "Install Git, or send") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ").strip()
        trust = f"If you trust who owns it: git config --global --add safe.directory {directory.resolve()}\nOr send"
        raise _refused(directory, f"Git says: {said}", trust if "dubious ownership" in said else "Send")
    return done.stdout


def _refused(directory: Path, why: str, do: str = "Send") -> ReleaseRefused:
    return ReleaseRefused(
        f"Which files of {directory} belong to the release is not known.",
        why=why,
        do=f"{do} all of it, also what Git ignores, with --everything.",
    )
