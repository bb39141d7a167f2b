"""Slots that stand by: kept running for a while after they served, so that a rollback takes a moment. Ended in time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from potions.errors import AppBusy
from potions.model.deployment import Deployment
from potions.service.context import Context

_log = logging.getLogger(__name__)

#: Seconds. A deploy of the app that runs ends the standby itself; otherwise it is tried again.
_AGAIN = 1.0
_LONGEST_WAIT = 3600.0


class Standbys:
    """What stands by in one home."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Event()
        self._over = False

    def begin(self, deployment_id: int, seconds: float) -> None:
        """Keep the slot that served before this deployment running for so long."""
        self._context.store.begin_standby(deployment_id, datetime.now(UTC) + timedelta(seconds=seconds))
        self._changed.set()

    def start(self, end: Callable[[Deployment], None]) -> None:
        """Begin to watch the time. ``end`` stops what stands by for a deployment; AppBusy has it asked again."""
        threading.Thread(target=self._watch, args=(end,), name="standby", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer; what stands by goes on."""
        self._over = True
        self._changed.set()

    def _watch(self, end: Callable[[Deployment], None]) -> None:
        while not self._over:
            # Before the look: what begins during it is not slept over.
            self._changed.clear()
            try:
                pause = self._end_expired(end)
            except Exception:
                # Also what nobody had thought of: a watch that ends would leave every later standby running.
                _log.exception("standby")
                pause = _AGAIN
            if not self._over:
                self._changed.wait(pause)

    def _end_expired(self, end: Callable[[Deployment], None]) -> float:
        """End those whose time is over; returns after how many seconds to look again."""
        pauses = [_LONGEST_WAIT]
        for deployment in self._context.store.standing_by():
            left = _seconds_left(deployment)
            if left <= 0:
                try:
                    end(deployment)
                except AppBusy:
                    left = _AGAIN
            if left > 0:
                pauses.append(left)
        return min(pauses)


def _seconds_left(deployment: Deployment) -> float:
    until = deployment.standby_until
    return 0.0 if until is None else (until - datetime.now(UTC)).total_seconds()
