"""The home itself: its place, its settings, its key, and what its processes may use of this computer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from potions.errors import PotionsError
from potions.model.doctor.cures import EMBEDDED, Cures
from potions.model.doctor.finding import Finding, Kind, Severity

HOME_REFUSED = Kind(
    "home-refused",
    Severity.ERROR,
    "The directory cannot be a home: its path is too long for a socket, or Caddy takes it for a pattern.",
    "Choose another place: POTIONS_HOME=~/potions potions up",
)
HOME_UNREACHABLE = Kind(
    "home-unreachable",
    Severity.ERROR,
    "The apps' user may not enter the home, or a directory above it: no app can open its own storage.",
    "Let everybody enter that directory (chmod o+x), or move the home",
)
SETTINGS_BROKEN = Kind(
    "settings-broken",
    Severity.ERROR,
    "potions.json cannot be read.",
    "Mend it, or remove it and name the ports again: potions up --http-port PORT --first-port PORT; "
    "on a server: sudo potions server install",
)
KEY_MISSING = Kind(
    "key-missing",
    Severity.ERROR,
    "secret.key is gone. The variables in the database are sealed with it; without it nobody can read them.",
    "Put that file back, from a backup of the home",
)
KEY_DAMAGED = Kind(
    "key-damaged",
    Severity.ERROR,
    "secret.key is not the key that the variables in the database are sealed with.",
    "Put back the secret.key that was made with this database",
)
PATH_POOR = Kind(
    "path-poor",
    Severity.WARNING,
    "PATH of the apps lacks /usr/bin: their commands and builds do not find the programs of this computer.",
    "PATH=$PATH:/usr/bin:/bin potions up; on a server: put it into search_path in /etc/potions/potions.json; "
    "then: potions redeploy APP",
)
LIMIT_LOW = Kind(
    "limit-low",
    Severity.WARNING,
    "A limit that Potions was started with (ulimit) is too low for a proxy, or for files of any size.",
    "potions down; raise the limit; potions up; on a server: systemctl cat potions-agent",
)
MEMORY_SHORT = Kind(
    "memory-short",
    Severity.INFO,
    "The kernel has ended processes beside Potions because memory ran out.",
    "See which: journalctl -k, or dmesg; potions apps show APP says what an app uses",
)

KINDS = (
    HOME_REFUSED,
    HOME_UNREACHABLE,
    SETTINGS_BROKEN,
    KEY_MISSING,
    KEY_DAMAGED,
    PATH_POOR,
    LIMIT_LOW,
    MEMORY_SHORT,
)

_NEEDED = "/usr/bin"
#: Two for each visitor at a time, and some.
_FEW_FILES = 4096


def told(kind: Kind, error: PotionsError, *, place: object = "", app: str = "", do: str = "") -> Finding:
    """An error that Potions meets elsewhere, as a finding. ``do`` stands instead of what the error says to do."""
    return kind.found(error.what, why=error.why, do=do or error.do, place=place, app=app)


def judge_search_path(search_path: str, cures: Cures = EMBEDDED) -> Iterator[Finding]:
    """``PATH`` of the apps leads to the programs of the computer."""
    if _NEEDED not in (folder.rstrip("/") for folder in search_path.split(":")):
        what = f"PATH of the apps is {search_path or 'empty'}."
        yield PATH_POOR.found(what, expected=f"{_NEEDED} is in it.", do=cures.search_path)


class LimitsSeen(msgspec.Struct, frozen=True):
    """What a process may use. None: without a limit, or not known."""

    open_files: int | None = None
    file_bytes: int | None = None
    killed_for_memory: int = 0
    """Processes of its control group that the kernel ended."""


def judge_limits(seen: LimitsSeen, cures: Cures = EMBEDDED) -> Iterator[Finding]:
    """A proxy can hold many connections, files may be of any size, memory suffices."""
    if seen.open_files is not None and seen.open_files < _FEW_FILES:
        yield LIMIT_LOW.found(
            f"Potions may open {seen.open_files:,} files and connections at once.",
            place="open files",
            expected=f"{_FEW_FILES:,} or more: the proxy needs two for each visitor.",
            do=cures.open_files,
        )
    if seen.file_bytes is not None:
        yield LIMIT_LOW.found(
            f"No file that Potions or an app writes may have more than {seen.file_bytes:,} bytes.",
            place="file size",
            expected="No limit.",
            do=cures.file_size,
        )
    if seen.killed_for_memory:
        yield MEMORY_SHORT.found(
            f"The kernel ended {seen.killed_for_memory:,} processes because memory ran out.", place="memory"
        )
