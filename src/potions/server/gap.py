"""How long visitors got no answer while something was started anew: measured, not guessed."""

from __future__ import annotations

import http.client
import threading
import time
from types import TracebackType
from typing import Self

_EVERY = 0.005
_PATIENCE = 2.0


class Gap:
    """Asks the proxy every few ms while it is entered; ``seconds`` is the longest time between two answers."""

    def __init__(self, port: int) -> None:
        self.seconds = 0.0
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        answered = time.monotonic()
        while True:
            is_last = self._over.is_set()
            if self._answers():
                self.seconds = max(self.seconds, time.monotonic() - answered)
                answered = time.monotonic()
            if is_last:
                self.seconds = max(self.seconds, time.monotonic() - answered)
                return
            time.sleep(_EVERY)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/", headers={"Host": "potions-gap.invalid"})
            return connection.getresponse().status < 600
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
