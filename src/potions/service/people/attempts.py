"""How often somebody may fail to sign in: five times, then with longer and longer waits. In memory, and bounded."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from potions.errors import CodeRefused, SignInRefused, TooManyAttempts

#: So many may fail before there is a wait.
FREE = 5
#: The first wait, in seconds. Each one after it is twice as long, …
FIRST_WAIT = 60.0
#: … up to this.
LONGEST_WAIT = 900.0
#: After so long without an attempt, all is forgotten.
FORGOTTEN = 3600.0
#: Of so many names and addresses the failures are known; of more, those of the oldest are forgotten.
KNOWN = 10_000


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0
    last: float = 0.0


class Attempts:
    """Failures by name and by address. May be used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def one(self, name: str, address: str) -> Iterator[None]:
        """One attempt. Raises TooManyAttempts where it has to wait; what fails inside as refused counts.

        It counts from its beginning, so that many at the same time are as many. Success forgives the name what
        failed before, and the address only this attempt: or else whoever has one password could try others for ever.
        """
        keys = [f"name {name}", *([f"address {address}"] if address else [])]
        self._begin(keys)
        try:
            yield
        except (SignInRefused, CodeRefused):
            raise
        except BaseException:
            # Also a right password without its code: that neither failed nor is it done.
            self._take_back(keys)
            raise
        self._take_back(keys)
        self.forgive(name)

    def forgive(self, name: str) -> None:
        """Forget the failures of a name."""
        with self._lock:
            self._known.pop(f"name {name}", None)

    def _begin(self, keys: list[str]) -> None:
        with self._lock:
            now = self._clock()
            # Who has to wait makes nobody known, and so nobody forgotten.
            wait = max(self._known[key].until if key in self._known else 0.0 for key in keys) - now
            if wait > 0:
                raise TooManyAttempts(math.ceil(wait))
            for one in [self._of(key, now) for key in keys]:
                one.count += 1
                one.last = now
                if one.count >= FREE:
                    one.until = now + min(FIRST_WAIT * 2.0 ** min(one.count - FREE, 10), LONGEST_WAIT)

    def _take_back(self, keys: list[str]) -> None:
        with self._lock:
            for key in keys:
                one = self._known.get(key)
                if one is not None:
                    one.count = max(0, one.count - 1)
                    one.until = one.until if one.count >= FREE else 0.0

    def _of(self, key: str, now: float) -> _Failures:
        one = self._known.get(key)
        if one is None or now - one.last > max(FORGOTTEN, one.until - one.last):
            one = self._known[key] = _Failures(last=now)
        self._known.move_to_end(key)
        while len(self._known) > KNOWN:
            # Those without a wait first: many names must not wash away the wait of one.
            free = next((name for name, each in self._known.items() if each.until <= now and name != key), None)
            self._known.pop(free or next(iter(self._known)))
        return one
