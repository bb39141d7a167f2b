"""Measuring: what is counted, what is not, and which folders are the largest."""

from __future__ import annotations

import os
from pathlib import Path

from potions.host.usage import Census, use_of
from potions.model.stored import Use
from potions.names import parse_stored_path


def measured(top: Path, *, depth: int = 1, most: int = 20, path: str = "") -> Use:
    opened = os.open(top, os.O_RDONLY)
    try:
        place = parse_stored_path(path)
        return use_of(Census(depth=depth, top=most, path=place).count(opened), place, 0.5)
    finally:
        os.close(opened)


def write(path: Path, size: int, mtime: int = 1000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (mtime, mtime))


def test_folders_count_all_that_is_below_them(tmp_path: Path) -> None:
    """The largest come first, those of one size by name, and what lies deeper than is named counts for those above."""
    write(tmp_path / "top", 1)
    write(tmp_path / "b" / "x" / "y" / "1", 100)
    write(tmp_path / "b" / "2", 10)
    write(tmp_path / "a" / "3", 110)
    (tmp_path / "empty").mkdir()
    use = measured(tmp_path)
    assert (use.bytes, use.files, use.folders, use.seconds) == (221, 4, 5, 0.5)
    assert [(one.path, one.bytes, one.files) for one in use.biggest] == [("a", 110, 1), ("b", 110, 2), ("empty", 0, 0)]
    deeper = [one.path for one in measured(tmp_path, depth=3).biggest]
    assert deeper == ["a", "b", "b/x", "b/x/y", "empty"]
    assert [one.path for one in measured(tmp_path, depth=3, most=2).biggest] == ["a", "b"]
    assert measured(tmp_path, depth=0).biggest == []


def test_a_folder_of_the_storage_is_told_with_its_whole_path(tmp_path: Path) -> None:
    """So that it can be asked for."""
    write(tmp_path / "c d" / "1", 5)
    use = measured(tmp_path, path="a/b")
    assert use.path == "a/b"
    assert [one.path for one in use.biggest] == ["a/b/c%20d"]
    assert use.newest is not None and use.newest.path == "a/b/c%20d/1"


def test_the_newest_file_is_told(tmp_path: Path) -> None:
    """By its time, wherever it lies; links do not count."""
    write(tmp_path / "old", 1, 1000)
    write(tmp_path / "a" / "new", 1, 3000)
    write(tmp_path / "b" / "middle", 1, 2000)
    (tmp_path / "link").symlink_to("old")
    newest = measured(tmp_path).newest
    assert newest is not None
    assert (newest.path, newest.name, newest.modified.timestamp()) == ("a/new", "new", 3000)
    assert measured(tmp_path / "a" / "..").newest == newest


def test_an_empty_storage_has_nothing(tmp_path: Path) -> None:
    """No newest file, no folder."""
    assert measured(tmp_path) == Use("", 0, 0, 0, 0, None, [], 0.5)


def test_a_hard_link_counts_once_and_holes_take_no_disk(tmp_path: Path) -> None:
    """Sizes and what they take of the disk are two things."""
    write(tmp_path / "a" / "1", 5000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1").hardlink_to(tmp_path / "a" / "1")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(100_000_000)
    use = measured(tmp_path)
    assert (use.bytes, use.files) == (100_005_000, 2)
    assert use.disk_bytes < 1_000_000
    assert sum(one.bytes for one in use.biggest) == 5000


def test_progress_is_heard(tmp_path: Path) -> None:
    """After each folder, where that often is wanted: what was counted so far."""
    for number in range(3):
        write(tmp_path / str(number) / "f", 7)
    heard: list[tuple[int, int]] = []
    opened = os.open(tmp_path, os.O_RDONLY)
    Census().count(opened, lambda files, size: heard.append((files, size)), every=0)
    os.close(opened)
    assert heard == [(0, 0), (1, 7), (2, 14), (3, 21)]
