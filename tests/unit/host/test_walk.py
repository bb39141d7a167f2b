"""Going through a tree: every folder once, whatever its depth, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions.host.files import remove_tree
from potions.host.walk import Parts, some, walk
from support.deep import make_deep
from support.hostile import Swapper


def folders(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def walked(top: Path) -> list[str]:
    """The events of a walk: ``+path`` entered, ``-path`` left."""
    events: list[str] = []
    opened = os.open(top, os.O_RDONLY | os.O_DIRECTORY)

    def enter(parts: Parts, folder: int) -> list[str]:
        events.append("+" + "/".join(parts))
        return folders(folder)

    try:
        walk(opened, enter, lambda parts: events.append("-" + "/".join(parts)))
    finally:
        os.close(opened)
    return events


def test_each_folder_is_entered_before_and_left_after_what_is_in_it(tmp_path: Path) -> None:
    """In the order in which they were named."""
    for name in ("a/b", "a/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    assert walked(tmp_path) == ["+", "+a", "+a/b", "-a/b", "+a/c", "-a/c", "-a", "+d", "-d", "-"]


def test_a_deep_tree_with_branches_is_walked_to_its_end(tmp_path: Path) -> None:
    """Folders that were closed on the way down are opened anew on the way up; descriptors do not pile up."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(200):
        for name in ("d", "e"):
            os.mkdir(name, dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    before = len(os.listdir("/proc/self/fd"))
    most = 0

    def enter(_: Parts, folder: int) -> list[str]:
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")))
        return folders(folder)

    entered: list[Parts] = []
    top = os.open(tmp_path, os.O_RDONLY)
    walk(top, enter, entered.append)
    os.close(top)
    assert len(set(entered)) == 401
    assert most < before + 80
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_tree_deeper_than_a_path_may_be_is_walked(tmp_path: Path) -> None:
    """5,000 levels, beyond the stack, PATH_MAX and the usual number of descriptors."""
    make_deep(tmp_path / "deep", 5000)
    left: list[int] = []
    top = os.open(tmp_path / "deep", os.O_RDONLY)
    try:
        walk(top, lambda _, folder: folders(folder), lambda parts: left.append(len(parts)))
        assert left == list(range(5000, -1, -1))
    finally:
        os.close(top)
        remove_tree(tmp_path / "deep", below=tmp_path)


def test_a_walk_never_leaves_while_folders_are_swapped_for_links(tmp_path: Path) -> None:
    """An app may do that as fast as it can; what is met is always inside."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for number in range(40):
        (inside / f"d{number}").mkdir(parents=True)
    (outside / "never").mkdir(parents=True)
    with Swapper(inside, outside):
        for _ in range(100):
            assert not [event for event in walked(inside) if event.endswith("never")]


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: nothing keeps root out")
def test_what_keeps_its_owner_out_is_told(tmp_path: Path) -> None:
    """And the walk goes on beside it."""
    (tmp_path / "shut").mkdir(mode=0o000)
    (tmp_path / "z").mkdir()
    kept_out: list[Parts] = []
    top = os.open(tmp_path, os.O_RDONLY)
    entered: list[Parts] = []
    walk(top, lambda _, folder: folders(folder), entered.append, kept_out.append)
    os.close(top)
    assert (kept_out, entered) == ([("shut",)], [("z",), ()])


def test_some_of_many_are_told_as_some() -> None:
    """Whoever reads it knows that there are more."""
    assert some(["a", "b"]) == "a, b"
    assert some(str(number) for number in range(100)) == "0, 1, 2, 3, 4, and more"
