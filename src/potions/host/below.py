"""Work below a slot or a storage, done by a child process that has become the app's user.

Apps can swap directories for links at any moment, so the platform, which may be root, never touches what lies there.
The child answers in plain data (never pickle): whatever an app might do to it, it can only give a wrong answer.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import typing
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import msgspec

from potions.errors import DeployCancelled, InternalError, PotionsError
from potions.host.below_child import Answer, Begun, Done, Ending, Handed, Job, Progress, Refused, work
from potions.model.service import Account

T = TypeVar("T")
S = TypeVar("S")

_log = logging.getLogger(__name__)

#: What the server that children are forked from has imported, so that a job costs milliseconds. A child that has become
#: the app's user may not even be able to read the interpreter's own files, so it has to find everything in memory.
_PRELOADED = [
    "potions.host.archive",
    "potions.host.below_child",
    "potions.host.below_tasks",
    "potions.host.doctor.slot_links",
    "potions.host.doctor.storage_use",
    "potions.host.storage_change",
    "potions.host.storage_get",
    "potions.host.storage_look",
    "potions.host.storage_put_folder",
    "potions.host.storage_zip",
]

_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_TO_END = 10.0
_ANSWER_MAX_BYTES = 64 * 1024 * 1024

#: multiprocessing keeps its children in one unguarded set and reads each exit status once: one thread at a time.
_bookkeeping = threading.Lock()


def _never() -> bool:
    return False


class Running(Generic[T]):
    """A child at its job. A context manager: whatever happens in the block, the child is gone afterwards."""

    def __init__(
        self,
        function: Callable[..., T],
        answers: connection.Connection[Any, Any],
        process: ForkServerProcess,
        end: Callable[[ForkServerProcess, bool], int | None],
    ) -> None:
        self._function = function
        self._answers = answers
        self._process = process
        self._end = end
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def begun(self, kind: type[S]) -> S:
        """Wait for what the function says with ``begin``. Raises as `wait` does, where it ended before that."""
        answer = self._hear(None, _never)
        if not isinstance(answer, Begun):
            self._result(answer)
            raise InternalError(f"{self._function.__name__} ended before it began.")
        try:
            return msgspec.msgpack.decode(answer.first, type=kind)
        except msgspec.MsgspecError as error:
            raise _makes_no_sense(error) from error

    def wait(self, progress: Callable[[int, int], None] | None = None, cancelled: Callable[[], bool] = _never) -> T:
        """Wait for the end, and return what the function returned; see `Below.run`."""
        while isinstance(answer := self._hear(progress, cancelled), Begun):
            continue
        return self._result(answer)

    def kill(self) -> None:
        """End the child, and wait until it is gone. One that has ended is fine."""
        self._settle(kill=True)

    def _hear(
        self, progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool]
    ) -> Begun | Ending | None:
        """The next answer that is no report; reports are handed on. None where there is none any more."""
        try:
            while isinstance(answer := _next_answer(self._answers, cancelled), Progress):
                if progress is not None:
                    progress(answer.done, answer.total)
        except BaseException:
            self.kill()
            raise
        return answer

    def _result(self, answer: Ending | None) -> T:
        status = self._settle(kill=False)
        if answer is None:
            raise _died(self._function, status)
        return _result(self._function, answer)

    def _settle(self, *, kill: bool) -> int | None:
        if self._ended:
            return None
        self._ended = True
        self._answers.close()
        return self._end(self._process, kill)


class Below:
    """Runs functions as the app's user, each in a child of its own; may be used by several threads at once."""

    def __init__(self, account: Account) -> None:
        """Start the server that children are forked from, so that it is warm when the first job comes."""
        self._account = account
        self._context = multiprocessing.get_context("forkserver")
        self._running: set[ForkServerProcess] = set()
        self._closed = False
        forkserver.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()

    def run(
        self,
        function: Callable[..., T],
        *args: Any,
        open_first: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] = _never,
    ) -> T:
        """Call ``function(*args)`` in a child that is the app's user, and return what it returns.

        ``function`` is one of a module, and annotated with what it returns: something msgspec can carry (numbers, valid
        text, bytes, Path, structs, lists …). With ``open_first`` that file is opened before the child becomes the app's
        user, and handed over as keyword ``source``, a descriptor: so it can read what only the platform may open. With
        ``progress`` the function gets a keyword ``report(done, total)``, and what it reports arrives here.

        Raises the PotionsError that the function raised; NoRoom when the disk or a quota is full; DeployCancelled,
        after the child is gone, when ``cancelled()`` (asked every 50 ms) says so; InternalError for everything else.
        """
        with ExitStack() as opened:
            handed = {} if open_first is None else {"source": _open_descriptor(open_first, opened)}
            with self.start(function, *args, handed=handed, reports=progress is not None) as running:
                return running.wait(progress, cancelled)

    def start(
        self,
        function: Callable[..., T],
        *args: Any,
        keywords: Mapping[str, Any] | None = None,
        handed: Mapping[str, int] | None = None,
        reports: bool = False,
        begins: bool = False,
    ) -> Running[T]:
        """Begin to call ``function(*args, **keywords)`` in such a child, and return at once.

        ``handed`` are open descriptors that the child gets under these keywords; ours stay ours to close. With
        ``reports`` the function gets a keyword ``report``, with ``begins`` one ``begin(value)``, to be called once.
        Raises InternalError where Potions is stopping.
        """
        answers, process = self._start(
            Job(self._account, function, args, dict(keywords or {}), reports, begins), handed or {}
        )
        return Running(function, answers, process, self._end)

    def close(self) -> None:
        """Kill what still runs; the callers waiting for it get InternalError. Nothing can be run afterwards."""
        with _bookkeeping:
            self._closed = True
            for process in self._running:
                process.kill()

    def _start(self, job: Job, handed: Mapping[str, int]) -> tuple[connection.Connection[Any, Any], ForkServerProcess]:
        answers, telling = self._context.Pipe(duplex=False)
        given = {keyword: Handed(descriptor) for keyword, descriptor in handed.items()}
        process = self._context.Process(target=work, args=(job, telling, given), daemon=True)
        try:
            with _bookkeeping, closing(telling):
                if self._closed:
                    raise InternalError("Potions is stopping.", do="Try again when it is up.")
                process.start()
                self._running.add(process)
        except BaseException:
            answers.close()
            raise
        return answers, process

    def _end(self, process: ForkServerProcess, kill: bool) -> int | None:
        """Wait until a child is gone; its exit status, negative for a signal, or None if it cannot be ended."""
        with _bookkeeping:
            if kill:
                process.kill()
        connection.wait([process.sentinel], _SECONDS_TO_END)
        with _bookkeeping:
            self._running.discard(process)
            process.join(timeout=0)
            status = process.exitcode
            if status is not None:
                process.close()
            return status


def _open_descriptor(path: Path, opened: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor


def _next_answer(answers: connection.Connection[Any, Any], cancelled: Callable[[], bool]) -> Answer | None:
    """What the child says next, or None if it ended without a word."""
    while True:
        if cancelled():
            raise DeployCancelled("The deployment was cancelled.", why="Somebody asked for it.")
        if answers.poll(_SECONDS_BETWEEN_LOOKS):
            break
    try:
        answer: Answer = msgspec.msgpack.decode(answers.recv_bytes(_ANSWER_MAX_BYTES), type=Answer)
    except EOFError:
        return None
    except (msgspec.MsgspecError, OSError) as error:
        raise _makes_no_sense(error) from error
    return answer


def _makes_no_sense(error: Exception) -> InternalError:
    return InternalError("A child of Potions gave an answer that makes no sense.", why=str(error))


def _died(function: Callable[..., Any], status: int | None) -> InternalError:
    how = signal.Signals(-status).name if status is not None and status < 0 else f"exit status {status}"
    return InternalError(
        f"A child of Potions ended without an answer ({function.__name__}, {how}).",
        why="Something outside ended it, perhaps the kernel because memory ran out.",
        do="Try again; the agent's log may have more.",
    )


def _result(function: Callable[..., T], answer: Ending) -> T:
    """What the function returned, checked against its annotation, or its error raised anew."""
    if isinstance(answer, Done):
        return _decoded(function, answer.result)
    if isinstance(answer, Refused):
        raise _rebuilt(answer)
    _log.error("%s failed in a child:\n%s", function.__name__, answer.trace)
    raise InternalError(
        f"Something went wrong inside of Potions ({function.__name__}).",
        why=f"{answer.kind}: {answer.text}",
        do="Try again; the agent's log has the details.",
    )


def _decoded(function: Callable[..., T], result: bytes) -> T:
    expected = typing.get_type_hints(function)["return"]
    try:
        decoded: T = msgspec.msgpack.decode(result, type=expected, dec_hook=_from_text)
    except msgspec.MsgspecError as error:
        raise InternalError(f"{function.__name__} returned what it does not promise.", why=str(error)) from error
    return decoded


def _from_text(expected: type, value: Any) -> Any:
    if expected is Path:
        return Path(value)
    raise NotImplementedError(f"{expected.__name__} cannot come out of a child.")


def _rebuilt(answer: Refused) -> PotionsError:
    """The error as it was raised, by its class; classes have constructors of their own, which this goes around."""
    kind = _error_classes(PotionsError).get(answer.code, InternalError)
    error = kind.__new__(kind)
    PotionsError.__init__(error, answer.what, why=answer.why, do=answer.do)
    return error


def _error_classes(kind: type[PotionsError]) -> dict[str, type[PotionsError]]:
    known = {kind.code: kind}
    for narrower in kind.__subclasses__():
        known |= _error_classes(narrower)
    return known
