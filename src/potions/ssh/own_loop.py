"""An event loop in a thread of its own, for callers that are plain and synchronous."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Wish(Generic[T]):
    """Something the loop wants to be done in the thread that waits for it: a question at the terminal, a line told."""

    act: Callable[[], T]
    answer: asyncio.Future[T]


class OwnLoop:
    """Runs coroutines in the background, also while nobody waits. ``close`` ends everything that runs in it.

    ``here`` is the way back: Ctrl-C only ever reaches the main thread, and a terminal whose echo was turned off by
    another thread would stay so.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._wishes: queue.SimpleQueue[_Wish[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ssh", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end, doing here what it wishes to be done here; an interrupt cancels it."""
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        running.add_done_callback(lambda _: self._wishes.put(None))
        try:
            while (wish := self._wishes.get()) is not None:
                self._fulfil(wish)
        except BaseException:
            running.cancel()
            # It says that it has ended, and nobody may take that for the end of what is called next.
            while self._wishes.get() is not None:
                pass
            raise
        return running.result()

    async def here(self, act: Callable[[], T]) -> T:
        """To be awaited in the loop: what ``act`` returns in the thread that waits in ``call``."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._wishes.put(_Wish(act, answer))
        return await answer

    def from_elsewhere(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` gives, for a third thread, in which a library does what may take long."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self, last: Coroutine[Any, Any, None] | None = None) -> None:
        """Run ``last``, end whatever else runs, then the thread."""
        try:
            if last is not None:
                self.call(last)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        # What a task was cancelled by, or lost its connection to, is told by whoever waits for it.
        self._loop.set_exception_handler(lambda *_: None)
        try:
            self._loop.run_forever()
        finally:
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.close()

    def _fulfil(self, wish: _Wish[Any]) -> None:
        try:
            found = wish.act()
        except Exception as error:
            self._loop.call_soon_threadsafe(_fail, wish.answer, error)
        else:
            self._loop.call_soon_threadsafe(_answer, wish.answer, found)


def _answer(answer: asyncio.Future[T], found: T) -> None:
    if not answer.done():
        answer.set_result(found)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
