"""The agent's database as the install sees it: which revision of its tables it has, and which names are taken."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_DOMAINS = """
SELECT domains.name, apps.name FROM domains JOIN apps ON apps.id = domains.app_id
WHERE domains.held AND apps.deleted_at IS NULL
"""


def revision_of(path: Path) -> str | None:
    """None where there is no database, or one that cannot be read: the agent itself says then what is wrong with it."""
    rows = _rows(path, "SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


def domains_in(path: Path) -> dict[str, str]:
    """The domains of the apps that are there, each with its app; what cannot be read gives none."""
    return {row[0]: row[1] for row in _rows(path, _DOMAINS)}


def apps_in(path: Path) -> list[str]:
    """The apps that are there; what cannot be read gives none."""
    return [name for (name,) in _rows(path, "SELECT name FROM apps WHERE deleted_at IS NULL")]


def _rows(path: Path, question: str) -> list[tuple[str, ...]]:
    if not path.is_file():
        return []
    try:
        # Read as it is: nothing of a version that may not be the right one is to touch it.
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.Error:
        return []
