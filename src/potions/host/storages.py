"""The storages of the apps: every look and every change is a child of `Below`, what is streamed comes through a pipe.

Before something is put into a storage, a file in the app's ``.puts`` says where to and under which token. It goes when
the put is over. What a crash leaves there is settled at the next start: exactly what has that token is removed, and no
name that an app gave itself can be taken for it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Generic, TypeVar

from potions.errors import DeployCancelled, InternalError, PotionsError
from potions.host.below import Below, Running
from potions.host.files import provision, remove_tree, write_atomically
from potions.host.put_token import temporary_name, token_of
from potions.host.storage_change import make_folder, move_stored, remove_stored
from potions.host.storage_get import ByteRange, send_file, send_folder
from potions.host.storage_look import list_folder, measure_quietly, measure_use, stored_entry
from potions.host.storage_put import Room, discard_put, framed, put_file
from potions.host.storage_put_folder import put_folder
from potions.host.storage_zip import send_folder_zipped
from potions.host.trees import ROOM_KEPT
from potions.layout import PUTS_MODE, AppTree, Entry
from potions.model.service import Account
from potions.model.stored import (
    ArchiveFormat,
    Existing,
    FolderPut,
    Order,
    SentFile,
    SentFolder,
    StoredEntry,
    StoredFolder,
    StoredRemoval,
    Use,
)
from potions.names import StoredPath, decode_stored_path

T = TypeVar("T")
Head = TypeVar("Head")

_log = logging.getLogger(__name__)

_PIPE_BYTES = 1024 * 1024
_TOKEN_BYTES = 16
_SECONDS_TO_TIDY_UP = 10.0


class Outgoing(Generic[Head]):
    """Something on its way out of a storage. ``descriptor`` gives its bytes to the end, and never makes wait."""

    def __init__(self, head: Head, running: Running[None], descriptor: int) -> None:
        self.head = head
        self.descriptor = descriptor
        self._running = running
        self._closed = False

    def finish(self) -> None:
        """See that all of it came. Raises what kept the child from it: StoredChanged, for one."""
        self._running.wait()

    def close(self) -> None:
        """End it, wherever it is; again and after the end it is fine."""
        if not self._closed:
            self._closed = True
            self._running.kill()
            os.close(self.descriptor)


class Put(Generic[T]):
    """Something on its way into a storage: kept only when it is whole.

    What ``frame`` makes of its pieces is to be written to ``descriptor``, which never makes wait. ``last`` goes behind
    them.
    """

    def __init__(
        self,
        running: Running[T],
        descriptor: int,
        frame: Callable[[bytes], bytes],
        tidy_up: Callable[[BaseException | None], None],
    ) -> None:
        self.descriptor = descriptor
        self.frame = frame
        self.last = frame(b"")
        self._running = running
        self._tidy_up = tidy_up
        self._over = False

    def finish(self) -> T:
        """Wait until it is in its place, and on the disk. Raises what the child refuses with."""
        return self._end(self._running.wait)

    def discard(self) -> None:
        """Leave nothing of it; after the end it is fine."""
        if self._over:
            return
        deadline = time.monotonic() + _SECONDS_TO_TIDY_UP
        with suppress(PotionsError):
            # It sees that not all of it came, tidies up and ends.
            self._end(lambda: self._running.wait(cancelled=lambda: time.monotonic() > deadline))

    def _end(self, wait: Callable[[], T]) -> T:
        self._over = True
        os.close(self.descriptor)
        try:
            result = wait()
        except BaseException as error:
            self._tidy_up(error)
            raise
        self._tidy_up(None)
        return result


class Storages:
    """What may be done with the storage of an app. Raises what the functions raise that are named alike."""

    def __init__(self, account: Account, below: Below) -> None:
        self._account = account
        self._below = below

    # Looking

    def entry(self, tree: AppTree, path: StoredPath) -> StoredEntry:
        return self._below.run(stored_entry, tree.storage, path)

    def folder(self, tree: AppTree, path: StoredPath, order: Order, offset: int, limit: int) -> StoredFolder:
        return self._below.run(list_folder, tree.storage, path, order, offset, limit, tree.puts)

    def use(self, tree: AppTree, path: StoredPath, depth: int, top: int) -> Running[Use]:
        """Begin to measure; what is reported are the files and bytes so far."""
        args = (tree.storage, path, depth, top)
        running = self._below.start(measure_use, *args, reports=True, begins=True)
        running.begun(type(None))
        return running

    def use_quietly(self, tree: AppTree) -> Use:
        """Measure all of it, while whatever else runs on this computer goes first."""
        return self._below.run(measure_quietly, tree.storage)

    # Changing

    def make_folder(self, tree: AppTree, path: StoredPath) -> StoredEntry:
        return self._below.run(make_folder, tree.storage, path)

    def move(self, tree: AppTree, source: StoredPath, target: StoredPath) -> StoredEntry:
        return self._below.run(move_stored, tree.storage, source, target)

    def remove(self, tree: AppTree, path: StoredPath, *, recursive: bool) -> StoredRemoval:
        return self._below.run(remove_stored, tree.storage, path, recursive)

    # Getting

    def get_file(self, tree: AppTree, path: StoredPath, part: ByteRange | None) -> Outgoing[SentFile]:
        return self._outgoing(send_file, (tree.storage, path, part), SentFile)

    def get_folder(
        self, tree: AppTree, path: StoredPath, form: ArchiveFormat = ArchiveFormat.TAR
    ) -> Outgoing[SentFolder]:
        send = send_folder if form is ArchiveFormat.TAR else send_folder_zipped
        return self._outgoing(send, (tree.storage, path, tree.puts), SentFolder)

    def _outgoing(self, function: Callable[..., None], args: tuple[Any, ...], kind: type[Head]) -> Outgoing[Head]:
        with ExitStack() as undo:
            ours, theirs = _pipe()
            undo.callback(os.close, ours)
            running = self._start(function, args, {}, "sink", theirs)
            undo.callback(running.kill)
            os.set_blocking(ours, False)
            outgoing = Outgoing(running.begun(kind), running, ours)
            undo.pop_all()
        return outgoing

    # Putting

    def put_file(
        self, tree: AppTree, path: StoredPath, announced: int | None, *, replace: bool, executable: bool
    ) -> Put[StoredEntry]:
        """Begin to put a file; ``announced`` is its size, where it is known."""
        keywords = {"replace": replace, "executable": executable}
        return self._put(tree, path, announced, put_file, (), keywords, framed)

    def put_folder(self, tree: AppTree, path: StoredPath, announced: int | None, existing: Existing) -> Put[FolderPut]:
        """Begin to put a folder, sent as a tar; ``announced`` are the bytes of its files, where they are known."""
        return self._put(tree, path, announced, put_folder, (existing,), {}, bytes)

    def _put(
        self,
        tree: AppTree,
        path: StoredPath,
        announced: int | None,
        function: Callable[..., T],
        more: tuple[Any, ...],
        keywords: Mapping[str, Any],
        frame: Callable[[bytes], bytes],
    ) -> Put[T]:
        token = secrets.token_hex(_TOKEN_BYTES)
        self._write_down(tree, path, token)
        with ExitStack() as undo:
            undo.push(lambda _kind, error, _trace: self._settle(tree, path, token, error))
            theirs, ours = _pipe()
            undo.callback(os.close, ours)
            args = (tree.storage, path, token, Room(ROOM_KEPT, announced), *more)
            running = self._start(function, args, keywords, "source", theirs)
            undo.callback(running.kill)
            os.set_blocking(ours, False)
            running.begun(type(None))
            undo.pop_all()
        return Put(running, ours, frame, lambda error: self._settle(tree, path, token, error))

    def _start(
        self, function: Callable[..., T], args: tuple[Any, ...], keywords: Mapping[str, Any], name: str, theirs: int
    ) -> Running[T]:
        """Start a child with its end of a pipe, which is only the child's then."""
        try:
            return self._below.start(function, *args, keywords=keywords, handed={name: theirs}, begins=True)
        finally:
            os.close(theirs)

    # What is on its way

    def unsettled(self, tree: AppTree) -> list[str]:
        """The tokens of all puts that are on their way; at a start of the agent, those that were cut off."""
        try:
            return [path.name for path in tree.puts.iterdir() if token_of(temporary_name(path.name))]
        except FileNotFoundError:
            return []

    def settle(self, tree: AppTree, token: str) -> None:
        """Remove what a put left that a crash cut off. Raises PotionsError and OSError; then it is tried again."""
        path = decode_stored_path(tree.put(token).read_text())
        self._below.run(discard_put, tree.storage, path, token)
        remove_tree(tree.put(token), below=tree.root)

    def _write_down(self, tree: AppTree, path: StoredPath, token: str) -> None:
        # Apps of an older version have no such directory.
        provision([Entry(tree.puts, "platform", PUTS_MODE)], self._account)
        write_atomically(tree.put(token), path.encoded.encode(), 0o600)

    def _settle(self, tree: AppTree, path: StoredPath, token: str, error: BaseException | None) -> None:
        """Forget a put that is over; what a child that could not tidy up itself might have left goes first."""
        try:
            if error is not None and not _is_refusal(error):
                self._below.run(discard_put, tree.storage, path, token)
            remove_tree(tree.put(token), below=tree.root)
        except (PotionsError, OSError) as why:
            # The next start tries again.
            _log.error("what a put to %s left is still there: %s", path, why)


def _is_refusal(error: BaseException) -> bool:
    """Whether a child ended of itself, with an answer; one that was killed, or broke, may have left something."""
    return isinstance(error, PotionsError) and not isinstance(error, InternalError | DeployCancelled)


def _pipe() -> tuple[int, int]:
    """The reading and the writing end of a large pipe."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError as error:
        # An ordinary user may have so many large pipes and no more; a small one does it too.
        if error.errno != errno.EPERM:
            raise
    return reading, writing
