"""Ending processes, and knowing whose they are, where the port's tests do not reach."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from potions.host import processes
from support.platform import wait_for

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def start(
    code: str = "import time; print('up', flush=True); time.sleep(600)", **variables: str
) -> subprocess.Popen[bytes]:
    """A process in a group of its own that says that it is up."""
    words = [sys.executable, "-S", "-c", code]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env=variables, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are gone afterwards."""
    every: list[subprocess.Popen[bytes]] = []
    yield every
    for process in every:
        process.kill()
        process.communicate()


def alive(*some: subprocess.Popen[bytes]) -> set[int]:
    """Those that have not ended; collected, so that none is left as a zombie."""
    return {process.pid for process in some if process.poll() is None}


def test_what_is_killed_can_have_started_another_meanwhile(started: list[subprocess.Popen[bytes]]) -> None:
    """Whoever shows up later gets SIGKILL, too, and is not only waited for."""
    started += [start(DEAF), start(DEAF), start(DEAF)]

    def find() -> set[int]:
        """One after the other, as with a process that is followed by its child."""
        return set(sorted(alive(*started))[:1])

    began = time.monotonic()
    assert processes.end_processes(find, 0.1) == set()
    assert time.monotonic() - began < 4
    assert alive(*started) == set()


def test_what_ends_by_itself_is_not_killed(started: list[subprocess.Popen[bytes]]) -> None:
    """It gets SIGTERM alone, and its time."""
    code = "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
    started.append(start(code))
    assert processes.end_processes(lambda: alive(*started), 30) == set()
    assert started[0].wait() == 7


def test_what_cannot_be_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number comes back, after the time it was given."""
    gone = start()
    gone.kill()
    gone.communicate()
    monkeypatch.setattr(processes, "_KILL_PATIENCE", 0.2)
    began = time.monotonic()
    left = processes.end_processes(lambda: {gone.pid} if time.monotonic() < began + 60 else set(), 0.1)
    assert left == {gone.pid}


def test_a_signal_to_nobody_is_fine() -> None:
    """It may have ended since it was found."""
    gone = start()
    gone.kill()
    gone.communicate()
    processes.send([gone.pid], signal.SIGTERM)


def test_members_of_a_group_are_those_that_run(started: list[subprocess.Popen[bytes]]) -> None:
    """With the children of a leader that is gone; one that ended and nobody has collected does not count."""
    code = "import os, time; print('up', flush=True); os.fork(); time.sleep(600)"
    leader, other = start(code), start()
    started += [leader, other]
    wait_for(lambda: len(processes.members_of({leader.pid})) == 2, "it has a child")
    (child,) = processes.members_of({leader.pid}) - {leader.pid}
    assert processes.members_of({leader.pid, other.pid}) == {leader.pid, child, other.pid}
    os.kill(leader.pid, signal.SIGKILL)
    wait_for(lambda: psutil.Process(leader.pid).status() == psutil.STATUS_ZOMBIE, "it ended, uncollected")
    assert processes.members_of({leader.pid}) == {child}
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: processes.members_of({leader.pid}) == set(), "the child ended")
    assert processes.members_of(set()) == set()


def test_processes_of_a_home_are_known_by_the_directory_of_their_app(started: list[subprocess.Popen[bytes]]) -> None:
    """Those of another home whose path only begins alike are not among them."""
    apps = Path("/nowhere/h/apps")
    ours = [start(POTIONS_DIR=f"{apps}/blog"), start(POTIONS_DIR=f"{apps}/blog2", POTIONS_SLOT="blue")]
    strangers = [
        start(POTIONS_DIR=f"{apps}2/blog"),
        start(POTIONS_DIR=str(apps)),
        start(OTHER=f"POTIONS_DIR={apps}/blog"),
    ]
    started += ours + strangers
    assert processes.home_processes(apps) == {process.pid for process in ours}
    assert processes.slot_processes(apps / "blog2", "blue") == {ours[1].pid}
    assert processes.slot_processes(apps / "blog2", "green") == set()
    assert processes.slot_processes(apps / "blog") == {ours[0].pid}


def test_memory_is_that_of_all_that_run(started: list[subprocess.Popen[bytes]]) -> None:
    """One that is gone has none."""
    started += [start(), start()]
    one, other = (processes.memory_of([process.pid]) for process in started)
    assert one > 1_000_000
    assert abs(processes.memory_of([started[0].pid, started[1].pid]) - (one + other)) < 1_000_000
    ended = started.pop()
    ended.kill()
    ended.communicate()
    assert processes.memory_of([ended.pid]) == 0


def test_a_listener_is_told_as_people_say_it() -> None:
    """By name and number; without them where this user may not know."""
    assert str(processes.Listener("127.0.0.1", 80, 7, "nginx")) == "nginx (process 7)"
    assert "another user" in str(processes.Listener("127.0.0.1", 80, 0, ""))
