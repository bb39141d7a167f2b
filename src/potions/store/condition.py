"""The condition of the database itself, and what the doctor compares with the disk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text, union_all

from potions.store import tables
from potions.store.database import StorePart
from potions.store.records import ArchiveRecord
from potions.store.releases import label_of

#: So many complaints of SQLite's are enough to know.
_MOST = 10


class Condition(StorePart):
    """Looks that change nothing."""

    def complaints(self) -> list[str]:
        """What SQLite finds wrong in the file, and rows that refer to nothing; empty where all is well."""
        with self._database.reading() as connection:
            found = list(connection.scalars(text(f"PRAGMA integrity_check({_MOST})")))
            lost = connection.execute(text("PRAGMA foreign_key_check")).first()
        return [line for line in found if line != "ok"] + (["Rows refer to what is not there."] if lost else [])

    def revision(self) -> str | None:
        """Which of the migrations the tables are at."""
        with self._database.reading() as connection:
            revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return revision

    def newest_moment(self) -> datetime | None:
        """The latest moment at which anything happened, by the clock of then."""
        columns = (tables.apps.c.created, tables.deployments.c.created, tables.deployments.c.ended)
        with self._database.reading() as connection:
            every = union_all(*(select(func.max(column).label("at")) for column in columns)).subquery()
            newest: datetime | None = connection.scalar(select(func.max(every.c.at)))
            return newest

    def archives(self, app_id: int) -> list[ArchiveRecord]:
        """Of all releases that the app was ever sent."""
        of_app = select(tables.releases).where(tables.releases.c.app_id == app_id)
        with self._database.reading() as connection:
            return [
                ArchiveRecord(row.id, label_of(row.number), row.suffix, row.packed_bytes, row.pruned)
                for row in connection.execute(of_app)
            ]
