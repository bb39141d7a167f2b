"""The agent's database as the install sees it: only which revision of its tables it has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def revision_of(path: Path) -> str | None:
    """None where there is no database, or one that cannot be read: the agent itself says then what is wrong with it."""
    if not path.is_file():
        return None
    try:
        # Read as it is: nothing of a version that may not be the right one is to touch it.
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None
