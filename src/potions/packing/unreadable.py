"""The error for what cannot be read on this computer."""

from __future__ import annotations

import os
from pathlib import Path

from potions.errors import ReleaseRefused
from potions.model.archive_format import ARCHIVE_SUFFIXES


def unreadable(path: Path, error: OSError) -> ReleaseRefused:
    """What the system said of ``path``, or of what lies below it."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else path
    return ReleaseRefused(
        f"{where} cannot be read.",
        why=f"{error.strerror or error}.",
        do=f"Name a directory, or an archive of the release ({', '.join(ARCHIVE_SUFFIXES)}).",
    )
