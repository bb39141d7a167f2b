"""Locks between threads and between processes: one holder at a time, and none after a crash."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from potions.host.locks import Lock, Locks
from support.platform import wait_for


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks(tmp_path)


def taken(locks: Locks, name: str = "app-1") -> Lock:
    lock = locks.try_take(name)
    assert lock is not None
    return lock


def test_one_holds_a_lock_at_a_time(locks: Locks, tmp_path: Path) -> None:
    """Also where both are of the same process; another name is another lock."""
    lock = taken(locks)
    assert locks.try_take("app-1") is None
    assert Locks(tmp_path).try_take("app-1") is None
    taken(locks, "app-11").release()
    lock.release()
    taken(locks).release()


def test_a_lock_is_released_once(locks: Locks) -> None:
    """A second release does not let go of the next holder's, nor close what has the number of its file now."""
    first = taken(locks)
    first.release()
    second = taken(locks)
    first.release()
    assert locks.try_take("app-1") is None
    second.release()


def test_whoever_waits_gets_it_next(locks: Locks) -> None:
    """From another thread than the one that releases it."""
    lock = taken(locks)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(locks.take, "app-1")
        assert not waiting.done()
        lock.release()
        got = waiting.result(timeout=10)
    assert got is not None
    got.release()


def test_whoever_gives_up_does_not_get_it(locks: Locks) -> None:
    """Asked again and again while it is held; a free one is taken without asking."""
    asked: list[float] = []

    def give_up() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 3

    with_it = locks.take("app-1", give_up=lambda: pytest.fail("it was free"))
    assert locks.take("app-1", give_up=give_up) is None
    assert len(asked) == 3
    assert with_it is not None
    with_it.release()


def test_many_threads_never_hold_it_together(locks: Locks) -> None:
    """Each holds it alone, and all get it."""
    inside = threading.Semaphore(1)

    def work(_number: int) -> bool:
        lock = locks.take("app-1")
        alone = inside.acquire(blocking=False)
        inside.release()
        assert lock is not None
        lock.release()
        return alone

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(12)))


def test_a_lock_dies_with_its_holder(locks: Locks) -> None:
    """Nothing has to be cleaned up after `kill -9`."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        taken(locks)
        os.write(told, b"x")
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    assert locks.try_take("app-1") is None
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    taken(locks).release()
    os.close(ready)
    os.close(told)


def test_a_program_that_is_started_does_not_hold_it(locks: Locks) -> None:
    """The file is not handed on to what the holder runs."""
    lock = taken(locks)
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
    wait_for(lambda: Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep"), "it runs")
    try:
        lock.release()
        taken(locks).release()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_lock_is_no_link(locks: Locks, tmp_path: Path) -> None:
    """Nothing outside the folder is opened, and nobody else may open it."""
    taken(locks).release()
    assert stat.S_IMODE((tmp_path / "app-1.lock").stat().st_mode) == 0o600
    (tmp_path / "app-2.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        locks.try_take("app-2")
    assert not (tmp_path / "elsewhere").exists()


def test_which_locks_are_held(locks: Locks) -> None:
    """Those of a prefix, without it; to ask takes none of them."""
    lock, other = taken(locks, "name-blog"), taken(locks, "app-1")
    taken(locks, "name-shop").release()
    assert locks.held("name-") == {"blog"}
    taken(locks, "name-shop").release()
    lock.release()
    other.release()
    assert locks.held("name-") == set()
