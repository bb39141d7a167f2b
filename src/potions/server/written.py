"""Files of the system's configuration that Potions writes whole: what differs, and their writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from potions.host.files import write_atomically

_MODE = 0o644


def differences(files: Mapping[Path, str]) -> list[str]:
    """Those that are not there, or have another text."""
    return [f"{path} {_how(path, text)}" for path, text in files.items() if _how(path, text)]


def write(files: Mapping[Path, str]) -> None:
    """Write those that differ; the others keep their times, by which is seen what has to be started anew."""
    for path, text in files.items():
        if _how(path, text):
            path.parent.mkdir(mode=0o755, exist_ok=True)
            write_atomically(path, text.encode(), _MODE)


def _how(path: Path, text: str) -> str:
    try:
        return "" if path.read_bytes() == text.encode() else "has another text"
    except FileNotFoundError:
        return "is not there"
