"""Folders made, entries renamed and removed: exactly those, and never through a link."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.errors import (
    PotionsError,
    StoredChanged,
    StoredKindRefused,
    StoredLink,
    StoredNotEmpty,
    StoredPathRefused,
    StoredTaken,
    StoredUnknown,
    UnsafePath,
)
from potions.host.files import remove_tree
from potions.host.storage_change import make_folder, move_stored, remove_stored
from potions.model.stored import StoredKind, StoredRemoval
from support.deep import make_deep
from support.hostile import Swapper
from support.storage_tree import Storage, at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def make(storage: Storage, path: str) -> None:
    make_folder(storage.root, at(path))


def move(storage: Storage, path: str, to: str) -> None:
    move_stored(storage.root, at(path), at(to))


def remove(storage: Storage, path: str, *, recursive: bool = False) -> StoredRemoval:
    return remove_stored(storage.root, at(path), recursive)


# Folders


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_folder_is_made_with_those_on_its_way(storage: Storage, umask: int) -> None:
    """Each with mode 0755, whatever the umask; what was there stays as it is."""
    (storage.root / "a").mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        entry = make_folder(storage.root, at("a/b/c"))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((storage.root / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")]
    assert modes == [0o700, 0o755, 0o755]
    assert (entry.path, entry.kind) == ("a/b/c", StoredKind.FOLDER)


def test_nothing_is_made_where_something_is(storage: Storage) -> None:
    """No folder twice, none in a file, none through a link, and not the storage itself."""
    storage.fill(a__f="")
    (storage.root / "out").symlink_to(storage.outside)
    before = storage.content()
    for path, error in (
        ("a", StoredTaken),
        ("", StoredTaken),
        ("a/f", StoredKindRefused),
        ("a/f/g", StoredKindRefused),
        ("out", StoredLink),
        ("out/new", StoredLink),
    ):
        with pytest.raises(error):
            make(storage, path)
    assert storage.content() == before
    assert storage.is_untouched_outside()


# Moves


def test_everything_is_moved_as_it_is(storage: Storage) -> None:
    """The same inode under the new name: a file, a folder with all that is in it, and a link itself."""
    storage.fill(f="1", d__x="2", to__y="3")
    (storage.root / "l").symlink_to("to")
    inode = (storage.root / "d" / "x").stat().st_ino
    move(storage, "f", "g")
    move(storage, "d", "to/e")
    move(storage, "l", "to/l")
    assert storage.content() == {
        "g": b"1",
        "to": "/",
        "to/e": "/",
        "to/e/x": b"2",
        "to/l": "-> to",
        "to/y": b"3",
    }
    assert (storage.root / "to" / "e" / "x").stat().st_ino == inode


@pytest.mark.parametrize(
    ("path", "to", "error"),
    [
        ("f", "g", StoredTaken),
        ("f", "d", StoredTaken),
        ("f", "l", StoredTaken),
        ("d", "f", StoredTaken),
        ("d", "empty", StoredTaken),
        ("f", "f", StoredTaken),
        ("f", "", StoredTaken),
        ("", "x", StoredPathRefused),
        ("d", "d/y", StoredPathRefused),
        ("no", "x", StoredUnknown),
        ("f", "no/x", StoredUnknown),
        ("f", "g/x", StoredKindRefused),
        ("f", "l/x", StoredLink),
        ("l/secret", "x", StoredLink),
    ],
)
def test_a_move_replaces_nothing_and_follows_nothing(
    storage: Storage, path: str, to: str, error: type[PotionsError]
) -> None:
    """Not even an empty folder, which rename(2) would replace; no folder goes into itself."""
    storage.fill(f="1", g="2", d__x="3")
    (storage.root / "empty").mkdir()
    (storage.root / "l").symlink_to(storage.outside)
    before = storage.content()
    with pytest.raises(error):
        move(storage, path, to)
    assert storage.content() == before
    assert storage.is_untouched_outside()


# Removals


def test_what_is_removed_is_counted(storage: Storage) -> None:
    """A file, a folder with all that is in it, an empty folder, and a link, of which only itself goes."""
    storage.fill(f="123", d__x="1", d__e__y="22")
    (storage.root / "l").symlink_to(storage.outside)
    (storage.root / "d" / "l").symlink_to(storage.outside)
    (storage.root / "empty").mkdir()
    os.mkfifo(storage.root / "pipe")
    assert remove(storage, "f") == StoredRemoval("f", StoredKind.FILE, 1, 3)
    assert remove(storage, "d", recursive=True) == StoredRemoval("d", StoredKind.FOLDER, 2, 3)
    assert remove(storage, "empty") == StoredRemoval("empty", StoredKind.FOLDER, 0, 0)
    assert remove(storage, "l", recursive=True) == StoredRemoval("l", StoredKind.LINK, 0, 0)
    assert remove(storage, "pipe") == StoredRemoval("pipe", StoredKind.OTHER, 0, 0)
    assert storage.content() == {}
    assert storage.is_untouched_outside()


def test_what_is_not_meant_is_not_removed(storage: Storage) -> None:
    """A folder with something in it unless that is said, the storage itself, what a link leads to, what is missing."""
    storage.fill(d__x="1")
    (storage.root / "l").symlink_to(storage.outside)
    before = storage.content()
    for path, recursive, error in (
        ("d", False, StoredNotEmpty),
        ("", True, StoredPathRefused),
        (".", True, StoredPathRefused),
        ("l/secret", True, StoredLink),
        ("no", True, StoredUnknown),
        ("d/x/y", True, StoredKindRefused),
    ):
        with pytest.raises(error):
            remove(storage, path, recursive=recursive)
    assert storage.content() == before
    assert storage.is_untouched_outside()


def test_a_slash_behind_a_link_changes_nothing(storage: Storage) -> None:
    """Other programs wipe what a link leads to then."""
    (storage.root / "l").symlink_to(storage.outside)
    remove(storage, "l/", recursive=True)
    assert storage.content() == {}
    assert storage.is_untouched_outside()


def test_a_tree_deeper_than_a_path_may_be_is_removed(storage: Storage) -> None:
    """And counted before."""
    make_deep(storage.root / "deep", 1500, data=b"x")
    try:
        assert remove(storage, "deep", recursive=True).files == 1
        assert storage.content() == {}
    finally:
        # pytest's own cleaning would not get to the bottom of what is left.
        remove_tree(storage.root / "deep", below=storage.root)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root mounts")
def test_what_is_mounted_in_a_folder_is_not_wiped(storage: Storage) -> None:
    """It is refused before anything is removed, with the place of the mount."""
    (storage.root / "a" / "b").mkdir(parents=True)
    storage.fill(a__first="1")
    subprocess.run(["mount", "--bind", storage.outside, storage.root / "a" / "b"], check=True)
    try:
        with pytest.raises(UnsafePath, match="a/b"):
            remove(storage, "a", recursive=True)
        assert (storage.root / "a" / "first").exists()
    finally:
        subprocess.run(["umount", storage.root / "a" / "b"], check=True)
    assert storage.is_untouched_outside()


# An attacker


def _remove(storage: Storage, name: str) -> None:
    remove(storage, f"inside/{name}/secret", recursive=True)


def _move(storage: Storage, name: str) -> None:
    move(storage, f"inside/{name}/secret", "stolen")


def _make(storage: Storage, name: str) -> None:
    make(storage, f"inside/{name}/new")


@pytest.mark.parametrize("act", [_remove, _move, _make])
def test_nothing_outside_is_changed_while_folders_are_swapped_for_links(
    storage: Storage, act: Callable[[Storage, str], None]
) -> None:
    """An app does that as fast as it can."""
    for number in range(40):
        storage.fill(**{f"inside__d{number}__secret": "inside"})
    done = 0
    with Swapper(storage.root / "inside", storage.outside):
        for attempt in range(800):
            try:
                act(storage, f"d{attempt % 40}")
                done += 1
            except (StoredLink, StoredUnknown, StoredChanged, StoredKindRefused, StoredTaken):
                continue
    assert done
    assert storage.is_untouched_outside()
    if (storage.root / "stolen").exists():
        assert (storage.root / "stolen").read_text() == "inside"
