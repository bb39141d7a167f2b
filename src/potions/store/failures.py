"""What SQLite and SQLAlchemy complain of, told as errors a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from potions.errors import InternalError, NoRoom, PotionsError, StoreFailed


@contextmanager
def failures_told(path: Path) -> Iterator[None]:
    """Turn whatever the database at ``path`` refuses into StoreFailed, NoRoom (disk full) or InternalError."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _tell(error, path) from error


def _tell(error: SQLAlchemyError, path: Path) -> PotionsError:
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return InternalError("The store was asked to keep something that does not fit.", why=str(error))
    # The low byte is the kind of error; the rest says more than anybody acts on.
    kind = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return NoRoom(
            "The disk is full: Potions' own database could not be written.",
            why=f"It lies in {path.parent}. Nothing was changed.",
            do="Make room on that disk and try again.",
        )
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error.orig))
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreFailed(
            "Potions' own database is busy.",
            why=f"Another program holds {path} and did not let go of it.",
            do=f"See which with: fuser {path}; end it and try again.",
        )
    return unusable(path, str(error.orig))


def damaged(path: Path, why: str) -> StoreFailed:
    return StoreFailed(
        "Potions' own database is damaged.",
        why=f"{path}: {why}.",
        do="Stop Potions, keep a copy of the file, then put a good copy in its place, or save what can be read with "
        "sqlite3's .recover. The apps' own files are not in it.",
    )


def unusable(path: Path, why: str) -> StoreFailed:
    return StoreFailed(
        "Potions' own database cannot be used.",
        why=f"{path}: {why}.",
        do="See that the directory exists, belongs to the user Potions runs as, and lies on a local disk.",
    )
