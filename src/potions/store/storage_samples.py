"""How much apps have stored, over time: an hour apart for a week, a day apart for two years."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Row, cast, delete, func, insert, select

from potions.model.stored import StorageSample
from potions.store import tables
from potions.store.apps import living_app
from potions.store.database import StorePart

_COLUMNS = tables.storage_samples.c
_HOURLY = timedelta(days=7)
_KEPT = timedelta(days=730)
#: What SQLite makes of a moment: all of the same hour, or the same day, come out alike.
_HOUR, _DAY = "%Y-%m-%d %H", "%Y-%m-%d"


class StorageSamples(StorePart):
    """What was measured, the oldest first, whatever the clock said meanwhile."""

    def add_storage_sample(self, app_id: int, sample: StorageSample) -> StorageSample:
        """Remember what a storage holds; returns it as it is kept, never from before the one before it.

        Raises AppUnknown for an app that was deleted.
        """
        with self._database.writing() as connection:
            living_app(connection, app_id)
            newest = connection.execute(_of(app_id).order_by(_COLUMNS.id.desc()).limit(1)).first()
            at = sample.at if newest is None else max(sample.at, newest.at)
            kept = StorageSample(at, sample.bytes, sample.files, sample.seconds)
            connection.execute(
                insert(tables.storage_samples).values(
                    app_id=app_id, at=kept.at, bytes=kept.bytes, files=kept.files, seconds=kept.seconds
                )
            )
            return kept

    def storage_samples(self, app_id: int, since: datetime) -> list[StorageSample]:
        """What an app had stored since a moment."""
        chosen = _of(app_id).where(_COLUMNS.at >= since).order_by(_COLUMNS.id)
        with self._database.reading() as connection:
            return [_sample(row) for row in connection.execute(chosen)]

    def last_storage_samples(self) -> dict[int, StorageSample]:
        """What each app had stored when it was measured last, by its id."""
        newest = select(func.max(_COLUMNS.id)).group_by(_COLUMNS.app_id)
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.storage_samples).where(_COLUMNS.id.in_(newest)))
            return {row.app_id: _sample(row) for row in rows}

    def storage_trends(self, since: datetime, points: int) -> dict[int, list[StorageSample]]:
        """What each app had stored since a moment, by its id: at most ``points`` samples, evenly over its time.

        The newest is always among them.
        """
        days = func.julianday(_COLUMNS.at)
        extents = (
            select(_COLUMNS.app_id, func.min(days).label("first"), func.max(days).label("last"))
            .where(_COLUMNS.at >= since)
            .group_by(_COLUMNS.app_id)
            .subquery()
        )
        # A day has 86,400 seconds; one that is added keeps a single moment from a division by nothing.
        share = (days - extents.c.first) * points / (extents.c.last - extents.c.first + 1 / 86_400)
        newest = (
            select(func.max(_COLUMNS.id))
            .join(extents, extents.c.app_id == _COLUMNS.app_id)
            .where(_COLUMNS.at >= since)
            .group_by(_COLUMNS.app_id, cast(share, Integer))
        )
        chosen = select(tables.storage_samples).where(_COLUMNS.id.in_(newest)).order_by(_COLUMNS.id)
        found: dict[int, list[StorageSample]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(chosen):
                found.setdefault(row.app_id, []).append(_sample(row))
        return found

    def thin_storage_samples(self, now: datetime) -> None:
        """Keep the last of each hour; beyond a week the last of each day; beyond two years nothing.

        What was measured last of an app is always kept: it is the last of its hour and of its day.
        """
        with self._database.writing() as connection:
            for age, unit in ((timedelta(), _HOUR), (_HOURLY, _DAY)):
                last = select(func.max(_COLUMNS.id)).group_by(_COLUMNS.app_id, func.strftime(unit, _COLUMNS.at))
                old = _COLUMNS.at < now - age
                connection.execute(delete(tables.storage_samples).where(old, _COLUMNS.id.not_in(last)))
            newest = select(func.max(_COLUMNS.id)).group_by(_COLUMNS.app_id)
            too_old = _COLUMNS.at < now - _KEPT
            connection.execute(delete(tables.storage_samples).where(too_old, _COLUMNS.id.not_in(newest)))


def _of(app_id: int) -> Any:
    return select(tables.storage_samples).where(_COLUMNS.app_id == app_id)


def _sample(row: Row[Any]) -> StorageSample:
    return StorageSample(row.at, row.bytes, row.files, row.seconds)
