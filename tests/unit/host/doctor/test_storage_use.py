"""Which files of a storage processes write to or lock, seen on real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from potions.host.doctor.storage_use import Process, look_at_use
from potions.host.doctor.storage_walk import Bounds
from potions.model.doctor.storage_seen import Engine, FileInUse

Hold = Callable[[str], int]

SQLITE = (
    "import sqlite3; c = sqlite3.connect('a.db'); c.execute('PRAGMA journal_mode=WAL'); c.execute('BEGIN IMMEDIATE')"
)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    made = tmp_path / "storage"
    made.mkdir()
    return made


@pytest.fixture
def hold(storage: Path) -> Iterator[Hold]:
    """Start a process that runs some Python in the storage and then waits; its number."""
    with ExitStack() as running:

        def start(code: str) -> int:
            process = subprocess.Popen(
                [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"],
                cwd=storage,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            running.callback(lambda: process.communicate("\n", timeout=60))
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            return process.pid

        yield start


def use(storage: Path, *pids: int, seconds: float = 10.0) -> list[FileInUse]:
    processes = [Process(pid, "blue", "web") for pid in pids]
    return look_at_use(storage, processes, Bounds(seconds=seconds)).files


def test_who_writes_to_a_file(storage: Path, hold: Hold) -> None:
    """Those that have it open for writing, and not those that read it; whether they only add at the end."""
    (storage / "data.json").write_text("{}")
    writer = hold("f = open('data.json', 'r+')")
    reader = hold("f = open('data.json')")
    appender = hold("f = open('data.json', 'a')")
    (found,) = use(storage, writer, reader, appender)
    assert found.path == "data.json"
    assert [(one.pid, one.appends) for one in found.writers] == [(writer, False), (appender, True)]


def test_who_locks_a_file(storage: Path, hold: Hold) -> None:
    """A lock that keeps everybody out, by either of the two ways; one that is shared keeps nobody out."""
    by_flock = hold("import fcntl; f = open('a', 'w'); fcntl.flock(f, fcntl.LOCK_EX)")
    by_fcntl = hold("import fcntl; g = open('b', 'w'); fcntl.lockf(g, fcntl.LOCK_EX)")
    shared = hold("import fcntl; h = open('c', 'w'); fcntl.flock(h, fcntl.LOCK_SH)")
    found = {one.path: [holder.pid for holder in one.lockers] for one in use(storage, by_flock, by_fcntl, shared)}
    assert found == {"a": [by_flock], "b": [by_fcntl], "c": []}


def test_the_files_of_a_database_are_known_as_its(storage: Path, hold: Hold) -> None:
    """SQLite's log and shared memory belong to the database, whose own rules hold."""
    found = use(storage, hold(SQLITE), hold("import sqlite3; c = sqlite3.connect('a.db'); c.execute('SELECT 1')"))
    assert {one.path for one in found} >= {"a.db", "a.db-wal"}
    assert {one.engine for one in found} == {Engine.SQLITE}


def test_only_what_lies_in_the_storage_counts(storage: Path, hold: Hold, tmp_path: Path) -> None:
    """A directory whose name only begins like it is another one; a link in the way to it changes nothing."""
    beside = tmp_path / "storage-2"
    beside.mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    pid = hold("f = open('../storage-2/x', 'w'); g = open('../link/storage/y', 'w')")
    assert [one.path for one in use(tmp_path / "link" / "storage", pid)] == ["y"]


def test_a_file_that_was_removed_while_it_is_open(storage: Path, hold: Hold) -> None:
    """It is a file of the app's all the same, and its name is told."""
    pid = hold("import os; f = open('gone', 'w'); os.unlink('gone')")
    assert [one.path for one in use(storage, pid)] == ["gone"]


def test_a_process_that_is_gone(storage: Path) -> None:
    """It has nothing open."""
    with subprocess.Popen(["true"]) as ended:
        pass
    assert use(storage, ended.pid) == []


def test_a_look_that_takes_too_long_says_so(storage: Path) -> None:
    """How many processes were left out."""
    seen = look_at_use(storage, [Process(1, "blue", "web")] * 3, Bounds(seconds=-1))
    assert seen.stopped == "Only 0 of 3 processes were looked at."
