"""Functions for a child of `Below`: importable by name, which is how a child gets them."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from potions.errors import AppUnknown, UnsafePath
from potions.host.files import remove_tree


class Identity(msgspec.Struct, frozen=True):
    """Who a process is."""

    uids: tuple[int, int, int]
    gids: tuple[int, int, int]
    groups: list[int]
    umask: int
    pid: int


def identity() -> Identity:
    """Who the child is, and with which umask."""
    umask = os.umask(0)
    return Identity(os.getresuid(), os.getresgid(), os.getgroups(), umask, os.getpid())


def echo(value: int, folder: Path) -> tuple[int, Path]:
    """What it was given."""
    return value, folder


def lie() -> int:
    """Something else than announced."""
    return "no number"  # type: ignore[return-value]


def create(path: Path) -> None:
    """Make a file."""
    path.write_text("made by the child")


def read(*, source: int) -> bytes:
    """What the open file holds."""
    return os.read(source, 1000)


def count(upto: int, *, report: Callable[[int, int], None]) -> int:
    """Report each number."""
    for number in range(upto):
        report(number, upto)
    return upto


def refuse() -> None:
    """End with an error whose class has a constructor of its own, and a name that is not UTF-8."""
    raise AppUnknown("blog\udce9", ["blog2"])


def refuse_path() -> None:
    """End with an error that says all three things."""
    raise UnsafePath("what", why="why", do="do")


def crash() -> None:
    """End with an error nobody expected."""
    raise KeyError("surprise")


def fill() -> None:
    """Find the disk full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def kill_oneself() -> None:
    """End without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_ever(said: Path) -> None:
    """Say the process's id in a file, and stay."""
    said.with_suffix(".new").write_text(str(os.getpid()))
    said.with_suffix(".new").rename(said)
    threading.Event().wait()


def become_root() -> list[str]:
    """Try every way back; those that worked."""
    worked = []
    for name, way in {
        "setuid": lambda: os.setuid(0),
        "seteuid": lambda: os.seteuid(0),
        "setresuid": lambda: os.setresuid(0, 0, 0),
        "setgid": lambda: os.setgid(0),
        "setgroups": lambda: os.setgroups([0]),
        "chown": lambda: os.chown("/", 0, 0),
    }.items():
        try:
            way()
            worked.append(name)
        except PermissionError:
            continue
    return worked


def make_shut(top: Path) -> None:
    """Make directories that their own owner may not enter, read or write."""
    (top / "shut" / "in").mkdir(parents=True)
    (top / "fixed").mkdir()
    (top / "fixed" / "f").touch()
    (top / "shut").chmod(0o000)
    (top / "fixed").chmod(0o500)
    top.chmod(0o100)


def remove(path: Path, below: Path) -> None:
    """Remove a tree."""
    remove_tree(path, below=below)


def converse(*, source: int, sink: int, begin: Callable[[int], None]) -> str:
    """Say that it begins, then send back what comes, to its end."""
    begin(7)
    got = b""
    while data := os.read(source, 100):
        os.write(sink, data)
        got += data
    return got.decode()


def begin_wrong(*, begin: Callable[[str], None]) -> None:
    """Begin with something else than announced, and stay."""
    begin("no number")
    threading.Event().wait()


def refuse_to_begin(*, begin: Callable[[int], None]) -> None:
    """End with an error instead."""
    raise UnsafePath("what", why="why", do="do")
