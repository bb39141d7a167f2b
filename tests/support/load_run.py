"""A load in this process: connections that ask, one request after the other, and record every answer.

There is no retry: a request that was sent and not answered well is a failure. A server may close a kept-alive
connection between two requests, if its last answer said so or while nothing was asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from support.http_answer import Answer, AnswerBroken, AnswerReader
from support.load_result import Record, Result

_WATCH_SECONDS = 0.05
#: After a connection that could not be opened, so that a closed port does not become a million failures.
_REFUSED_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Check:
    """What makes an answer a good one, and where it names its version."""

    status: int = 200
    contains: str = ""
    """Text that the body has to contain."""
    version_header: str = "x-version"

    def problem(self, answer: Answer) -> str:
        """Why the answer is not good; empty if it is."""
        if answer.status != self.status:
            return f"status {answer.status}"
        if self.contains and self.contains.encode() not in answer.body:
            return f"body without {self.contains!r}"
        return ""


@dataclass(frozen=True)
class Target:
    """Where the requests go and what is asked."""

    address: tuple[str, int]
    host_header: str
    path: str = "/"
    check: Check = Check()
    answer_within: float = 30
    """Seconds after which a request without a complete answer has failed."""

    def request(self, *, close: bool) -> bytes:
        """The bytes of one request."""
        last = "Connection: close\r\n" if close else ""
        return f"GET {self.path} HTTP/1.1\r\nHost: {self.host_header}\r\nAccept: */*\r\n{last}\r\n".encode()


@dataclass(frozen=True)
class Bounds:
    """When a load ends by itself, and how hard it presses."""

    seconds: float = 60
    requests: int = 1_000_000
    pause: float = 0
    """Seconds between an answer and the next request of the same connection."""


class Run:
    """One load in this process."""

    def __init__(self, target: Target, bounds: Bounds, stop: asyncio.Event) -> None:
        self.target = target
        self.bounds = bounds
        self.stop = stop
        self.records: list[Record] = []
        self.asked = 0

    def may_ask(self) -> bool:
        """Count one more request, unless the load is over."""
        if self.stop.is_set() or self.asked >= self.bounds.requests:
            self.stop.set()
            return False
        self.asked += 1
        return True

    def failed(self, kind: str, sent: float, problem: str, version: str = "") -> None:
        """Record a request that was not answered well."""
        self.records.append(Record(sent, time.monotonic(), version, f"{kind}: {problem}"))

    def answered(self, kind: str, sent: float, answer: Answer) -> None:
        """Record a complete answer, good or not."""
        version = answer.headers.get(self.target.check.version_header, "")
        if problem := self.target.check.problem(answer):
            self.failed(kind, sent, problem, version)
        else:
            self.records.append(Record(sent, time.monotonic(), version))


class Asker(asyncio.Protocol):
    """One connection: asks, reads the answer, asks again while it may. ``ended`` is set when it is closed."""

    def __init__(self, run: Run, kind: str, *, once_from: float | None = None) -> None:
        self.run = run
        self.kind = kind
        self.once_from = once_from
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = run.target.request(close=once_from is not None)
        self._sent: float | None = None
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once. A fresh connection's request was counted before it was opened."""
        self._transport = cast(asyncio.Transport, transport)
        if self.once_from is not None:
            self._send(self.once_from)
        else:
            self._ask()

    def data_received(self, data: bytes) -> None:
        """Read on; at the end of an answer record it and go on."""
        if self._sent is None:
            self._fail(time.monotonic(), "bytes that nobody asked for")
            return
        try:
            answer = self._reader.feed(data)
        except AnswerBroken as broken:
            self._fail(self._sent, str(broken))
            return
        if answer is not None:
            self._take(self._sent, answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Judge the end: fine between requests, the end of an answer without length, or a failure."""
        if self._sent is not None:
            try:
                self._record_end(self._sent, error)
            except AnswerBroken as broken:
                self.run.failed(self.kind, self._sent, str(broken))
        if not self.ended.done():
            self.ended.set_result(None)

    def give_up_if_late(self, now: float) -> None:
        """Count the request in flight as failed once its time is over."""
        if self._sent is not None and now - self._sent > self.run.target.answer_within:
            self._fail(self._sent, f"no answer within {self.run.target.answer_within:g} s")

    def close_if_idle(self) -> None:
        """Leave, unless an answer is awaited."""
        if self._sent is None:
            self._close()

    def _ask(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self.run.may_ask():
            self._send(time.monotonic())
        else:
            self._close()

    def _send(self, sent: float) -> None:
        self._sent = sent
        self._reader = AnswerReader()
        if self._transport is not None:
            self._transport.write(self._request)

    def _take(self, sent: float, answer: Answer) -> None:
        self._sent = None
        self.run.answered(self.kind, sent, answer)
        if answer.closes or self.once_from is not None:
            self._close()
        elif self.run.bounds.pause:
            asyncio.get_running_loop().call_later(self.run.bounds.pause, self._ask)
        else:
            self._ask()

    def _record_end(self, sent: float, error: Exception | None) -> None:
        if error is not None:
            raise AnswerBroken(f"{type(error).__name__} while waiting for the answer")
        self.run.answered(self.kind, sent, self._reader.end())

    def _fail(self, sent: float, problem: str) -> None:
        self._sent = None
        self.run.failed(self.kind, sent, problem)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def run_load(
    target: Target,
    *,
    kept_alive: int,
    fresh: int,
    bounds: Bounds,
    stop: asyncio.Event | None = None,
    on_warm: Callable[[], None] = lambda: None,
) -> Result:
    """Ask over so many connections of each kind until ``stop`` is set or a bound is reached; await what is in flight.

    ``on_warm`` is called once, after as many requests ended as there are connections.
    """
    run = Run(target, bounds, stop or asyncio.Event())
    askers: set[Asker] = set()
    began = time.monotonic()
    loops = [asyncio.create_task(_keep_asking(run, askers)) for _ in range(kept_alive)]
    loops += [asyncio.create_task(_ask_afresh(run, askers)) for _ in range(fresh)]
    timer = asyncio.get_running_loop().call_later(bounds.seconds, run.stop.set)
    watch = asyncio.create_task(_watch(run, askers, len(loops), on_warm))
    await run.stop.wait()
    ended = time.monotonic()
    await asyncio.gather(*loops)
    timer.cancel()
    watch.cancel()
    return Result(run.records, began, ended)


async def _keep_asking(run: Run, askers: set[Asker]) -> None:
    while not run.stop.is_set():
        asker = Asker(run, "kept-alive")
        if (problem := await _connect(asker)) is None:
            await _follow(asker, askers)
        elif run.may_ask():
            run.failed("kept-alive", time.monotonic(), problem)
            await asyncio.sleep(_REFUSED_PAUSE_SECONDS)


async def _ask_afresh(run: Run, askers: set[Asker]) -> None:
    while run.may_ask():
        sent = time.monotonic()
        asker = Asker(run, "fresh", once_from=sent)
        if (problem := await _connect(asker)) is None:
            await _follow(asker, askers)
            await asyncio.sleep(run.bounds.pause)
        else:
            run.failed("fresh", sent, problem)
            await asyncio.sleep(_REFUSED_PAUSE_SECONDS)


async def _connect(asker: Asker) -> str | None:
    """Open the connection; why that failed, or None."""
    target = asker.run.target
    try:
        async with asyncio.timeout(target.answer_within):
            await asyncio.get_running_loop().create_connection(lambda: asker, *target.address)
    except TimeoutError:
        return f"no connection within {target.answer_within:g} s"
    except OSError as error:
        return f"cannot connect: {type(error).__name__}"
    return None


async def _follow(asker: Asker, askers: set[Asker]) -> None:
    askers.add(asker)
    await asker.ended
    askers.discard(asker)


async def _watch(run: Run, askers: set[Asker], connections: int, on_warm: Callable[[], None]) -> None:
    """Give up on late answers, tell when every connection is at work, and close idle connections at the end."""
    warm = False
    while True:
        if not warm and (len(run.records) >= connections or run.stop.is_set()):
            warm = True
            on_warm()
        for asker in tuple(askers):
            asker.give_up_if_late(time.monotonic())
            if run.stop.is_set():
                asker.close_if_idle()
        await asyncio.sleep(_WATCH_SECONDS)
