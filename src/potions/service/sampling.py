"""How much apps store, over time: measured in the background now and again, and remembered."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from potions.errors import AppUnknown, PotionsError, StoredForbidden
from potions.model.app import App
from potions.model.stored import StorageSample, Use
from potions.names import StoredPath
from potions.service.context import Context

_log = logging.getLogger(__name__)

#: Seconds between two measurements of a storage.
_EVERY = 3600.0
#: After a measurement a storage is left alone for so many times what it took: counting a million files takes 11 s.
_REST = 100.0
_PAUSE_AFTER_A_FAILURE = 60.0
#: What the small chart of an app shows.
_TREND = timedelta(days=30)
_TREND_POINTS = 24


class StorageSampler:
    """Measures the storages one after another, so that no two measurements of its own ever run at once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Condition()
        #: By the app's id, on the monotonic clock: when it may be measured, and when it is.
        self._earliest: dict[int, float] = {}
        self._due: dict[int, float] = {}

    def start(self) -> None:
        """Begin, in the background. Each app is measured at once, unless that took long a short while ago."""
        self._rest_as_before()
        threading.Thread(target=self._keep_measuring, name="sampling", daemon=True).start()

    def ask(self, app_id: int) -> None:
        """Something happened to the app: measure it as soon as that is allowed. Returns at once."""
        with self._changed:
            self._due[app_id] = self._earliest.get(app_id, 0.0)
            self._changed.notify_all()

    # What others ask

    def measure(self, app: App) -> StorageSample:
        """Measure now, because a person asked, and remember it.

        A storage that its own app may not enter holds nothing for it; that is told, and says nothing about its use.
        """
        try:
            use = self._context.storages.use(self._context.tree(app), StoredPath(), 0, 0).wait()
        except StoredForbidden:
            return StorageSample(datetime.now(UTC), 0, 0)
        return self._keep_if_possible(app.id, use.bytes, use.files, use.seconds)

    def remember(self, app_id: int, use: Use) -> None:
        """A person had the whole storage measured."""
        self._keep_if_possible(app_id, use.bytes, use.files, use.seconds)

    def history(self, name: str, days: int) -> list[StorageSample]:
        """What an app had stored in the last so many days, the oldest first."""
        since = datetime.now(UTC) - timedelta(days=days)
        return self._context.store.storage_samples(self._context.app(name).id, since)

    def last(self, app: App) -> StorageSample | None:
        """What was measured last; None where nothing was."""
        return self._context.store.last_storage_samples().get(app.id)

    def trends(self) -> dict[int, list[StorageSample]]:
        """A few moments of the last 30 days for each app, by its id, the oldest first."""
        return self._context.store.storage_trends(datetime.now(UTC) - _TREND, _TREND_POINTS)

    # In the background

    def sample_due(self) -> None:
        """Measure every app whose turn has come, one after another, and thin what is kept."""
        apps = self._context.store.apps()
        self._forget_others(apps)
        for app in apps:
            if self._due.get(app.id, 0.0) <= time.monotonic():
                self._sample(app)
        self._context.store.thin_storage_samples(datetime.now(UTC))

    def _keep_measuring(self) -> None:
        while True:
            try:
                self.sample_due()
            except (PotionsError, OSError) as error:
                _log.error("storages could not be measured: %s", error)
                time.sleep(_PAUSE_AFTER_A_FAILURE)
            with self._changed:
                self._changed.wait_for(self._is_any_due, self._seconds_to_next())

    def _forget_others(self, apps: list[App]) -> None:
        """One that was deleted would be due for ever."""
        with self._changed:
            for gone in set(self._due) - {app.id for app in apps}:
                self._due.pop(gone)

    def _sample(self, app: App) -> None:
        began = time.monotonic()
        # Whatever comes of it, its next turn is in an hour.
        self._rest(app.id, 0.0)
        try:
            use = self._context.storages.use_quietly(self._context.tree(app))
            self._keep(app.id, use.bytes, use.files, time.monotonic() - began)
        except AppUnknown:
            # Deleted meanwhile.
            return
        except (PotionsError, OSError) as error:
            if not self._context.is_gone(app):
                _log.error("the storage of %s could not be measured: %s", app.name, error)

    def _keep(self, app_id: int, size: int, files: int, seconds: float) -> StorageSample:
        self._rest(app_id, seconds)
        sample = StorageSample(datetime.now(UTC), size, files, seconds)
        return self._context.store.add_storage_sample(app_id, sample)

    def _keep_if_possible(self, app_id: int, size: int, files: int, seconds: float) -> StorageSample:
        """Whoever asked gets the answer also where it cannot be written: on a full disk they look for what fills it."""
        try:
            return self._keep(app_id, size, files, seconds)
        except PotionsError as error:
            _log.warning("what a storage held was not remembered: %s", error)
            return StorageSample(datetime.now(UTC), size, files, seconds)

    def _rest(self, app_id: int, seconds: float) -> None:
        with self._changed:
            now = time.monotonic()
            self._earliest[app_id] = now + _REST * seconds
            self._due[app_id] = now + max(_EVERY, _REST * seconds)

    def _rest_as_before(self) -> None:
        """An agent that is started again and again does not count a million files each time."""
        now = datetime.now(UTC)
        for app_id, sample in self._context.store.last_storage_samples().items():
            # Never longer than after the measurement itself, also where the clock was set back since.
            left = _REST * sample.seconds - max(0.0, (now - sample.at).total_seconds())
            self._earliest[app_id] = self._due[app_id] = time.monotonic() + max(0.0, left)

    def _is_any_due(self) -> bool:
        return self._seconds_to_next() <= 0

    def _seconds_to_next(self) -> float:
        """An app that is new is not known here: it is asked for by its first deploy, or looked up in an hour."""
        return min([_EVERY, *(due - time.monotonic() for due in self._due.values())])
