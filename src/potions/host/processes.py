"""Processes and ports of this computer: who listens where, which processes belong to a slot, ending them.

A slot's processes are known by what the launcher put into their environment, so also those that began a session of
their own and whose parent is gone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import psutil

from potions.model.terminal import is_opened

_POLL = 0.02
#: Seconds the kernel may take to end what got SIGKILL.
_KILL_PATIENCE = 5.0


class Listener(NamedTuple):
    """A process that listens on a TCP port. ``pid`` is 0 where this user may not know it."""

    address: str
    port: int
    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})" if self.pid else "a process of another user"


def is_port_free(port: int) -> bool:
    """Whether nobody listens on ``port``, on any address."""
    return all(_can_bind(family, host, port) for family, host in _everywhere())


def _everywhere() -> Iterable[tuple[socket.AddressFamily, str]]:
    yield socket.AF_INET, "0.0.0.0"  # noqa: S104 - only to see whether it is taken
    if socket.has_ipv6:
        yield socket.AF_INET6, "::"


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            # What waits in TIME_WAIT is no listener.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                attempt.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            attempt.bind((host, port))
            return True
    except OSError as error:
        # A machine without IPv6 cannot bind there; that does not make the port taken.
        return family is socket.AF_INET6 and error.errno not in {errno.EADDRINUSE, errno.EACCES}


def listener_on(port: int) -> Listener | None:
    """Who listens on ``port``; None when nobody does. Looks at every process, so it is for errors, not for loops."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            pid = connection.pid or 0
            return Listener(connection.laddr.ip, port, pid, _name_of(pid))
    return None


def _name_of(pid: int) -> str:
    try:
        return psutil.Process(pid).name() if pid else ""
    except psutil.Error:
        return ""


def slot_processes(app_directory: Path, colour: str | None = None) -> set[int]:
    """The processes that the launcher started for an app (or one slot of it), with all that came of them."""
    marks = [f"POTIONS_DIR={app_directory}".encode()]
    if colour is not None:
        marks.append(f"POTIONS_SLOT={colour}".encode())
    return {pid for pid in psutil.pids() if _has_marks(pid, marks)}


def opened_processes(app_directory: Path, process: str) -> set[int]:
    """What runs of a program that a person opened, by what it carries as ``POTIONS_PROCESS``."""
    marks = [f"POTIONS_DIR={app_directory}".encode(), f"POTIONS_PROCESS={process}".encode()]
    return {pid for pid in psutil.pids() if _has_marks(pid, marks)}


def every_opened_process(apps: Path) -> set[int]:
    """The same of every program that anybody opened, of every app below one home."""
    start = f"POTIONS_DIR={apps}/".encode()
    found = ((pid, _environment(pid)) for pid in psutil.pids())
    return {pid for pid, entries in found if _starts(entries, start) and any(map(_is_of_opened, entries))}


def _starts(entries: list[bytes], start: bytes) -> bool:
    return any(entry.startswith(start) for entry in entries)


def _is_of_opened(entry: bytes) -> bool:
    name, _, process = entry.partition(b"=")
    return name == b"POTIONS_PROCESS" and is_opened(os.fsdecode(process))


def home_processes(apps: Path) -> set[int]:
    """Every process of every app below one home."""
    start = f"POTIONS_DIR={apps}/".encode()
    return {pid for pid in psutil.pids() if any(entry.startswith(start) for entry in _environment(pid))}


def _has_marks(pid: int, marks: list[bytes]) -> bool:
    entries = _environment(pid)
    return all(mark in entries for mark in marks)


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        # Gone meanwhile, or of another user: neither is one of ours.
        return []


def family_of(pid: int) -> set[int]:
    """A process and all that descend from it."""
    try:
        process = psutil.Process(pid)
        return {pid, *(child.pid for child in process.children(recursive=True))}
    except psutil.Error:
        return set()


def members_of(groups: Collection[int]) -> set[int]:
    """The processes of these process groups that still run; one that ended and was not collected yet does not."""
    return {pid for pid in psutil.pids() if _group_of(pid) in groups and _runs(pid)} if groups else set()


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def never() -> bool:
    return False


def end_processes(find: Callable[[], set[int]], grace: float, cut_short: Callable[[], bool] = never) -> set[int]:
    """End what ``find`` finds: SIGTERM, then SIGKILL after ``grace`` seconds or once ``cut_short`` says so.

    Returns what could not be ended.
    """
    if not (left := find()):
        return left
    send(left, signal.SIGTERM)
    return _kill(find, _KILL_PATIENCE) if wait_for_end(find, grace, cut_short) else set()


def _kill(find: Callable[[], set[int]], timeout: float) -> set[int]:
    """SIGKILL, again and again: what is killed may have started another process a moment before."""
    deadline = time.monotonic() + timeout
    while (left := find()) and time.monotonic() < deadline:
        send(left, signal.SIGKILL)
        time.sleep(_POLL)
    return left


def wait_for_end(find: Callable[[], set[int]], timeout: float, cut_short: Callable[[], bool] = never) -> set[int]:
    """Wait until ``find`` finds nothing, at most ``timeout`` seconds; returns what is left."""
    deadline = time.monotonic() + timeout
    while (left := find()) and time.monotonic() < deadline and not cut_short():
        time.sleep(_POLL)
    return left


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each; one that is gone is fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def memory_of(pids: Iterable[int]) -> int:
    """Bytes of memory the processes hold (resident; shared pages count for each)."""
    return sum(map(_memory, pids))


def _memory(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
