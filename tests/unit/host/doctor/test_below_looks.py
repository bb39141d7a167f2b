"""Looks in a real child that is the app's user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.errors import PotionsError
from potions.host.below import Below
from potions.host.doctor.below_looks import BelowLooks
from potions.host.doctor.storage_use import Process
from potions.host.doctor.storage_walk import Bounds
from potions.model.doctor.storage_seen import Engine
from support.app_trees import folder_in_memory
from support.bare_home import app_account

ACCOUNT = app_account()


@pytest.fixture(scope="module")
def below() -> Iterator[Below]:
    made = Below(ACCOUNT)
    yield made
    made.close()


@pytest.fixture
def storage() -> Iterator[Path]:
    """As the platform makes one: closed to everybody but the app's user."""
    with folder_in_memory() as folder:
        made = folder / "storage"
        made.mkdir(mode=0o750)
        if ACCOUNT.switch:
            os.chown(made, ACCOUNT.uid, ACCOUNT.gid)
        yield made


def test_a_storage_is_seen_by_its_owner(below: Below, storage: Path) -> None:
    """What it finds arrives whole; files of somebody else are told apart by the app's user."""
    (storage / "a.db").write_bytes(b"SQLite format 3\0\x10\x00\x02\x02" + bytes(80))
    seen = BelowLooks(ACCOUNT, below).storage(storage)
    assert [(one.engine, one.path, one.wal) for one in seen.databases] == [(Engine.SQLITE, "a.db", True)]
    assert (seen.files, seen.folders) == (1, 1)
    assert seen.foreign.first == (["a.db"] if ACCOUNT.switch else [])


def test_names_of_any_bytes_arrive(below: Below, storage: Path) -> None:
    """No answer can carry them as they are."""
    with open(os.fsencode(storage) + b"/\xff\x1b[31m.lock", "wb"):
        pass
    assert BelowLooks(ACCOUNT, below).storage(storage).lock_files.first == ["\\udcff\\x1b[31m.lock"]


def test_what_a_process_of_the_app_has_open(below: Below, storage: Path) -> None:
    """The app's user may look at its own processes; a slot's link is seen beside it."""
    words = ["python3", "-c", "f = open('data', 'w'); print('ready', flush=True); input()"]
    identity = {"user": ACCOUNT.uid, "group": ACCOUNT.gid, "extra_groups": []} if ACCOUNT.switch else {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, cwd=storage, text=True, **pipes, **identity) as app:  # type: ignore[call-overload]
        assert app.stdout.readline() == "ready\n"
        seen = BelowLooks(ACCOUNT, below).use(storage, [Process(app.pid, "blue", "web")])
        app.communicate("\n")
    assert [(file.path, [one.pid for one in file.writers]) for file in seen.files] == [("data", [app.pid])]


def test_a_look_that_never_ends_is_ended(below: Below, storage: Path) -> None:
    """A file system that does not answer keeps nobody waiting: the child is ended, and that is told."""
    # So late that not even the child's own clock could have ended it before.
    looks = BelowLooks(ACCOUNT, below, Bounds(seconds=-100))
    assert "does not answer" in looks.storage(storage).stopped
    assert "does not answer" in looks.use(storage, []).stopped


def test_a_storage_that_is_a_link_is_refused(below: Below, storage: Path) -> None:
    """Also where it was swapped a moment ago."""
    link = storage.parent / "link"
    link.symlink_to(storage)
    with pytest.raises(PotionsError):
        BelowLooks(ACCOUNT, below).storage(link)
