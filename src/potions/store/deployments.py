"""Deployments: how they enter an app's history, and how that is read. How they go on is in ``progress``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update

from potions.errors import DeploymentUnknown, InternalError
from potions.layout import Colour
from potions.model.deployment import Deployment, Failure, Kind, Release, Status
from potions.model.plan import Strategy
from potions.names import AppName, ReleaseId
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart
from potions.store.releases import known_release, label_of
from potions.store.sealing import Sealer, open_environment, seal_environment

_COLUMNS = tables.deployments.c


class Deployments(StorePart):
    """The history of an app, and the queue of them all."""

    def create_deployment(
        self,
        app_id: int,
        kind: Kind,
        release_id: ReleaseId,
        by: str,
        target: int | None = None,
        environment: Mapping[str, str] | None = None,
        auto_names: Iterable[str] | None = None,
        slot: Colour | None = None,
        previous: int | None = None,
    ) -> Deployment:
        """Put a deployment at the end of the queue, under the app's next number.

        ``environment`` and ``auto_names`` are those a rollback brings back; others get theirs when they begin. With
        ``slot`` it does not wait: it begins at once, in place of the deployment ``previous``. Raises AppUnknown for an
        app that was deleted, ReleaseUnknown for a release it never had.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            known_release(connection, app_id, release_id)
            row = {
                "app_id": app_id,
                "number": _next_number(connection, app_id),
                "kind": kind.value,
                "status": Status.QUEUED.value,
                "release": release_id,
                "target": target,
                "strategy": _strategy_of(connection, app_id, target),
                "by": by,
                "created": tables.now(),
                "began": None if slot is None else tables.now(),
                "slot": None if slot is None else slot.value,
                "previous": previous,
                "draining": False,
            }
            key = connection.execute(insert(tables.deployments).values(row)).inserted_primary_key
            deployment_id = int(key[0]) if key else 0
            if environment is not None:
                keep_environment(connection, self._sealer, deployment_id, environment, auto_names or ())
            return _one(connection, _COLUMNS.id == deployment_id)

    def deployment(self, app_id: int, number: int) -> Deployment:
        """One entry of an app's history. Raises DeploymentUnknown."""
        with self._database.reading() as connection:
            found = _all(connection, _joined().where(_COLUMNS.app_id == app_id, _COLUMNS.number == number))
            if not found:
                raise DeploymentUnknown(
                    f"The app has no deployment {number}.", do="See them with: potions deployments APP"
                )
            return found[0]

    def deployments(self, app_id: int, limit: int | None = None) -> list[Deployment]:
        """The newest first, at most ``limit`` of them."""
        history = _joined().where(_COLUMNS.app_id == app_id).order_by(_COLUMNS.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return _all(connection, history)

    def newest_failed(self) -> dict[int, int]:
        """Of each app whose newest deployment failed its number, by the app's id."""
        newest = select(func.max(_COLUMNS.id)).group_by(_COLUMNS.app_id)
        failed = select(_COLUMNS.app_id, _COLUMNS.number).where(
            _COLUMNS.id.in_(newest), _COLUMNS.status == Status.FAILED.value
        )
        with self._database.reading() as connection:
            return {row.app_id: row.number for row in connection.execute(failed)}

    def unfinished(self) -> list[Deployment]:
        """Those of all apps that have not ended, in the order they were asked for."""
        with self._database.reading() as connection:
            return _all(connection, _joined().where(_COLUMNS.ended.is_(None)).order_by(_COLUMNS.id))

    def draining(self) -> list[Deployment]:
        """Those of all apps whose predecessor still finishes its requests, in the order they were asked for."""
        with self._database.reading() as connection:
            return _all(connection, _joined().where(_COLUMNS.draining).order_by(_COLUMNS.id))

    def standing_by(self) -> list[Deployment]:
        """Those of all apps whose predecessor is kept running, the one that ends next first."""
        kept = _joined().where(_COLUMNS.standby_until.is_not(None)).order_by(_COLUMNS.standby_until)
        with self._database.reading() as connection:
            return _all(connection, kept)

    def last_served(self, app_id: int) -> Deployment | None:
        """The deployment that took the traffic last; None while none has."""
        with self._database.reading() as connection:
            return _first(connection, _served(app_id))

    def environment_of(self, deployment_id: int) -> tuple[dict[str, str], set[str]]:
        """The person's variables it runs with, and which of the names were automatic. Empty before it began."""
        with self._database.reading() as connection:
            row = find_deployment(connection, deployment_id)
            if row.environment is None:
                return {}, set()
            return open_environment(self._sealer, deployment_id, row.environment), set(row.auto_names)


def find_deployment(connection: Connection, deployment_id: int) -> Row[Any]:
    """The row of a deployment; raises InternalError if there is none."""
    row = connection.execute(select(tables.deployments).where(_COLUMNS.id == deployment_id)).first()
    if row is None:
        raise InternalError(f"The store has no deployment with the id {deployment_id}.", why="Its app was purged.")
    return row


def going_on(connection: Connection, deployment_id: int) -> Row[Any]:
    """The row of a deployment that has not ended; raises InternalError for one that has."""
    row = find_deployment(connection, deployment_id)
    if row.ended is not None:
        raise InternalError(f"The deployment {deployment_id} was to be changed after its end.", why=row.status)
    return row


def set_status(connection: Connection, deployment_id: int, status: Status) -> None:
    """Say how far it is. Its end has a method of its own for each way to end: InternalError."""
    if status.ended:
        raise InternalError(f"A deployment cannot be set to {status.value!r}: that is an end.")
    going_on(connection, deployment_id)
    change_deployment(connection, deployment_id, status=status.value)


def change_deployment(connection: Connection, deployment_id: int, **values: Any) -> None:
    connection.execute(update(tables.deployments).where(_COLUMNS.id == deployment_id).values(values))


def keep_environment(
    connection: Connection,
    sealer: Sealer,
    deployment_id: int,
    environment: Mapping[str, str],
    auto_names: Iterable[str],
) -> None:
    row = {
        "environment": seal_environment(sealer, deployment_id, environment),
        "auto_names": sorted(auto_names),
    }
    connection.execute(update(tables.deployments).where(_COLUMNS.id == deployment_id).values(row))


def _next_number(connection: Connection, app_id: int) -> int:
    return (connection.scalar(select(func.max(_COLUMNS.number)).where(_COLUMNS.app_id == app_id)) or 0) + 1


def _strategy_of(connection: Connection, app_id: int, number: int | None) -> str | None:
    """What is brought back wants to be followed as it did then."""
    target = (_COLUMNS.app_id == app_id) & (_COLUMNS.number == number)
    return None if number is None else connection.scalar(select(_COLUMNS.strategy).where(target))


def _joined() -> Select[Any]:
    release = tables.releases.c
    return (
        select(
            tables.deployments,
            tables.apps.c.name.label("app"),
            release.number.label("release_number"),
            release.suffix,
            release.packed_bytes,
            release.source,
            release.received,
            release.files,
            release.unpacked_bytes,
        )
        .join(tables.apps, tables.apps.c.id == _COLUMNS.app_id)
        .join(tables.releases, (release.app_id == _COLUMNS.app_id) & (release.id == _COLUMNS.release))
    )


def _served(app_id: int) -> Select[Any]:
    took_traffic = _joined().where(_COLUMNS.app_id == app_id, _COLUMNS.served.is_not(None))
    return took_traffic.order_by(_COLUMNS.served.desc()).limit(1)


def _one(connection: Connection, condition: ColumnElement[bool]) -> Deployment:
    return _deployment(connection.execute(_joined().where(condition)).one())


def _first(connection: Connection, chosen: Select[Any]) -> Deployment | None:
    return next(iter(_all(connection, chosen)), None)


def _all(connection: Connection, chosen: Select[Any]) -> list[Deployment]:
    return [_deployment(row) for row in connection.execute(chosen)]


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        id=row.id,
        app_id=row.app_id,
        app=AppName(row.app),
        number=row.number,
        kind=Kind(row.kind),
        status=Status(row.status),
        release=_release(row),
        slot=None if row.slot is None else Colour(row.slot),
        previous=row.previous,
        target=row.target,
        by=row.by,
        created=row.created,
        began=row.began,
        ended=row.ended,
        draining=row.draining,
        standby_until=row.standby_until,
        strategy=None if row.strategy is None else Strategy(row.strategy),
        failure=None if row.failure is None else msgspec.convert(row.failure, Failure),
    )


def _release(row: Row[Any]) -> Release:
    return Release(
        id=ReleaseId(row.release),
        label=label_of(row.release_number),
        suffix=row.suffix,
        packed_bytes=row.packed_bytes,
        source=row.source,
        received=row.received,
        files=row.files,
        unpacked_bytes=row.unpacked_bytes,
    )
