"""Releases: which archives an app was sent, which of them are kept, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from potions.errors import ReleaseUnknown
from potions.model.deployment import Kind, Release, Status
from potions.model.history import DeploymentBrief, ReleaseHistory
from potions.names import ReleaseId
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart


class Releases(StorePart):
    """The releases of an app. The label of a pruned one stays its own."""

    def add_release(self, app_id: int, id: ReleaseId, suffix: str, packed_bytes: int, source: str) -> Release:
        """Remember an archive that has arrived. The same one again keeps its label, and is kept again if pruned.

        Raises AppUnknown for an app that was deleted.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            known = connection.execute(_of_app(app_id).where(tables.releases.c.id == id)).first()
            arrival = {
                "suffix": suffix,
                "packed_bytes": packed_bytes,
                # The name of a file need not be UTF-8, which alone SQLite and JSON can carry.
                "source": source.encode(errors="replace").decode(),
                "received": tables.now(),
                "pruned": False,
            }
            if known is None:
                row = arrival | {"app_id": app_id, "id": id, "number": _next_number(connection, app_id)}
                connection.execute(insert(tables.releases).values(row))
            else:
                # When it came is told anew for a kept one, too: what came just now is about to be deployed.
                again = arrival if known.pruned else {"received": arrival["received"]}
                _change(connection, app_id, id, again)
            return kept_release(connection, app_id, id)

    def set_contents(self, app_id: int, id: ReleaseId, files: int, unpacked_bytes: int) -> None:
        """Remember what a release turned out to hold. One that the app does not have is left alone."""
        with self._database.writing() as connection:
            _change(connection, app_id, id, {"files": files, "unpacked_bytes": unpacked_bytes})

    def release(self, app_id: int, id: ReleaseId) -> Release:
        """A kept release. Raises ReleaseUnknown for one that was pruned, or never sent."""
        with self._database.reading() as connection:
            return kept_release(connection, app_id, id)

    def releases(self, app_id: int) -> list[Release]:
        """The kept ones, the newest label first."""
        kept = _of_app(app_id).where(~tables.releases.c.pruned).order_by(tables.releases.c.number.desc())
        with self._database.reading() as connection:
            return [_release(row) for row in connection.execute(kept)]

    def release_history(self, app_id: int) -> list[ReleaseHistory]:
        """Every release the app was ever sent, pruned ones too, the newest label first, with its deployments."""
        every = _of_app(app_id).order_by(tables.releases.c.number.desc())
        with self._database.reading() as connection:
            deployments = _deployments_by_release(connection, app_id)
            return [
                ReleaseHistory(_release(row), row.pruned, deployments.get(row.id, []))
                for row in connection.execute(every)
            ]

    def prune_release(self, app_id: int, id: ReleaseId) -> None:
        """Remember that the archive is kept no longer. Deployments go on naming it. Raises ReleaseUnknown."""
        with self._database.writing() as connection:
            if not _change(connection, app_id, id, {"pruned": True}):
                raise _unknown(id)


def kept_release(connection: Connection, app_id: int, id: ReleaseId) -> Release:
    """A release that is not pruned; raises ReleaseUnknown."""
    row = connection.execute(_of_app(app_id).where(tables.releases.c.id == id)).first()
    if row is None or row.pruned:
        raise _unknown(id, was_kept=row is not None)
    return _release(row)


def known_release(connection: Connection, app_id: int, id: ReleaseId) -> Release:
    """A release, pruned or not; raises ReleaseUnknown."""
    row = connection.execute(_of_app(app_id).where(tables.releases.c.id == id)).first()
    if row is None:
        raise _unknown(id)
    return _release(row)


def label_of(number: int) -> str:
    return f"r{number}"


def _of_app(app_id: int) -> Select[Any]:
    return select(tables.releases).where(tables.releases.c.app_id == app_id)


def _deployments_by_release(connection: Connection, app_id: int) -> dict[str, list[DeploymentBrief]]:
    """The newest first."""
    columns = tables.deployments.c
    brief = select(columns.release, columns.number, columns.kind, columns.status, columns.served)
    found: dict[str, list[DeploymentBrief]] = defaultdict(list)
    for row in connection.execute(brief.where(columns.app_id == app_id).order_by(columns.number.desc())):
        found[row.release].append(DeploymentBrief(row.number, Kind(row.kind), Status(row.status), row.served))
    return found


def _next_number(connection: Connection, app_id: int) -> int:
    last = select(func.max(tables.releases.c.number)).where(tables.releases.c.app_id == app_id)
    return (connection.scalar(last) or 0) + 1


def _change(connection: Connection, app_id: int, id: ReleaseId, values: dict[str, Any]) -> bool:
    columns = tables.releases.c
    changed = update(tables.releases).where(columns.app_id == app_id, columns.id == id).values(values)
    return connection.execute(changed).rowcount == 1


def _unknown(id: ReleaseId, *, was_kept: bool = False) -> ReleaseUnknown:
    return ReleaseUnknown(
        f"The release {id[:12]} is not kept." if was_kept else f"The app has no release {id[:12]}.",
        why="Its archive could not be used, or made room for newer ones." if was_kept else "It was never sent.",
        do="Send it again with: potions deploy PATH",
    )


def _release(row: Row[Any]) -> Release:
    return Release(
        id=ReleaseId(row.id),
        label=label_of(row.number),
        suffix=row.suffix,
        packed_bytes=row.packed_bytes,
        source=row.source,
        received=row.received,
        files=row.files,
        unpacked_bytes=row.unpacked_bytes,
    )
