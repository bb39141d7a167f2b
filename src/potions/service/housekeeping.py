"""What has to be done now and again, whether anybody asks for it or not."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from potions.errors import PotionsError
from potions.service.apps import AppService
from potions.store.store import Store

_log = logging.getLogger(__name__)

#: Seconds. What is in the trash is kept for days, so an hour more or less says nothing to anybody.
_EVERY = 3600.0


class Housekeeping:
    """Empties the trash of what has been there for long enough, and forgets old sessions and old entries of the audit
    log: at the start, and every hour."""

    def __init__(self, apps: AppService, store: Store) -> None:
        self._apps = apps
        self._store = store

    def start(self) -> None:
        """Begin, in the background: removing a large app takes long, and nobody has to wait for it."""
        threading.Thread(target=self._keep_house, name="housekeeping", daemon=True).start()

    def _keep_house(self) -> None:
        while True:
            try:
                self._apps.empty_trash()
            except (PotionsError, OSError) as error:
                _log.error("the trash could not be emptied: %s", error)
            try:
                self._store.forget_ended(datetime.now(UTC))
                self._store.prune_audit()
            except PotionsError as error:
                _log.error("old sessions and entries could not be forgotten: %s", error)
            time.sleep(_EVERY)
