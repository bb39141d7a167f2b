"""Which revision of the tables a database has, and how it is brought to this version's."""

from __future__ import annotations

from sqlalchemy import Connection, text

from potions.errors import StoreFailed
from potions.store.database import Database
from potions.store.failures import unusable

#: The newest revision below ``migrations/versions``.
HEAD = "0005"


def bring_to_head(database: Database) -> None:
    """Run the migrations the database lacks, all of them or none.

    Raises StoreFailed for a database that a newer version of Potions made, or that is none of Potions'.
    """
    with database.reading() as connection:
        if _revision(connection, database) == HEAD:
            return
    # Almost every start finds the database at its head, and Alembic takes longer to import than the store to open.
    from potions.store.upgrade import known_revisions, upgrade

    with database.migrating() as connection:
        revision = _revision(connection, database)
        if revision is not None and revision not in known_revisions():
            raise _newer(database, revision)
        upgrade(connection)


def _revision(connection: Connection, database: Database) -> str | None:
    """None for an empty database."""
    tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise unusable(database.path, "it is a database, but none of Potions'")
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _newer(database: Database, revision: str) -> StoreFailed:
    return StoreFailed(
        "Potions' own database was made by a newer version of Potions.",
        why=f"{database.path} is at revision {revision}; this version knows those up to {HEAD}. Nothing was changed.",
        do="Install the newer version again; it can be used as it was.",
    )
