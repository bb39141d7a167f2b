"""What happens inside of a child of `Below`: it becomes the app's user, does its job and answers in plain data."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from potions.errors import InternalError, NoRoom, PotionsError
from potions.model.service import Account

_PR_SET_PDEATHSIG = 1
_FULL = (errno.ENOSPC, errno.EDQUOT)

_libc = ctypes.CDLL(None, use_errno=True)


class Progress(msgspec.Struct, frozen=True, tag=True):
    """The job has got so far."""

    done: int
    total: int


class Begun(msgspec.Struct, frozen=True, tag=True):
    """The job has what it needs, and what it says first, encoded once more: now it gets or gives what is streamed."""

    first: bytes


class Done(msgspec.Struct, frozen=True, tag=True):
    """The job's result, encoded once more, because only the caller knows its type."""

    result: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The job ended with a PotionsError."""

    code: str
    what: str
    why: str
    do: str


class Crashed(msgspec.Struct, frozen=True, tag=True):
    """The job ended with any other exception."""

    kind: str
    text: str
    trace: str


Ending = Done | Refused | Crashed
Answer = Progress | Begun | Ending


@dataclass(frozen=True)
class Job:
    """What to call, as whom. ``reports``: the function takes a keyword ``report``; ``begins``: one ``begin``."""

    account: Account
    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    reports: bool
    begins: bool


class Handed:
    """An open file on its way to a child, where it arrives as the number of a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _received, (reduction.DupFd(self._descriptor),)


def _received(duplicate: Any) -> int:
    descriptor: int = duplicate.detach()
    return descriptor


def work(job: Job, answers: Connection[Any, Any], handed: dict[str, int]) -> None:
    """Do the job and send its one answer. ``handed`` are descriptors that were opened before, by their keywords."""
    keywords: dict[str, Any] = {**job.keywords, **handed}
    if job.reports:
        keywords["report"] = lambda done, total: _send(answers, Progress(done, total))
    if job.begins:
        keywords["begin"] = lambda first: _send(answers, Begun(msgspec.msgpack.encode(first)))
    _send(answers, _answer(job, keywords))


def _send(answers: Connection[Any, Any], answer: Answer) -> None:
    answers.send_bytes(msgspec.msgpack.encode(answer))


def _answer(job: Job, keywords: dict[str, Any]) -> Answer:
    """Whatever happens becomes an answer: this is the border of a process, nobody else could tell."""
    try:
        become(job.account)
        return Done(msgspec.msgpack.encode(job.function(*job.args, **keywords), enc_hook=_as_text))
    except PotionsError as error:
        return _refused(error)
    except OSError as error:
        return _refused(_no_room(error)) if error.errno in _FULL else _crashed(error)
    except Exception as error:
        return _crashed(error)


def _as_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be carried out of a child.")


def _refused(error: PotionsError) -> Refused:
    return Refused(error.code, _valid(error.what), _valid(error.why), _valid(error.do))


def _no_room(error: OSError) -> NoRoom:
    full = "the quota of the app's user is used up" if error.errno == errno.EDQUOT else "the disk is full"
    return NoRoom("There is no room left.", why=f"While writing, {full}.", do="Make room, then try again.")


def _crashed(error: Exception) -> Crashed:
    return Crashed(type(error).__name__, _valid(str(error)), _valid("".join(traceback.format_exception(error))))


def _valid(text: str) -> str:
    """Text that UTF-8 can carry: file names may hold any bytes."""
    return text.encode("utf-8", "backslashreplace").decode()


def become(account: Account) -> None:
    """Become the app's user for good, with umask 022, and die with those who wait for the answer."""
    os.chdir("/")
    os.umask(0o022)
    if account.switch:
        _switch(account.uid, account.gid)
    # Only now: changing the user clears the setting.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_die_with_caller, daemon=True).start()


def _switch(uid: int, gid: int) -> None:
    if uid == 0 or gid == 0:
        raise InternalError("Apps never run as root.", why="The account that apps run as has uid or gid 0.")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getgroups() or os.getresgid() != (gid, gid, gid) or os.getresuid() != (uid, uid, uid) or _is_root_again():
        raise InternalError("The child could not become the app's user for good.", do="Nothing was touched.")


def _is_root_again() -> bool:
    try:
        os.setuid(0)
    except PermissionError:
        return False
    return True


def _die_with_caller() -> None:
    """End when the caller does. The signal above only follows the server that forked us, which outlives the caller."""
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os.kill(os.getpid(), signal.SIGKILL)
