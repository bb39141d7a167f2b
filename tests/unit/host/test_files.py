"""What writes, moves and measures: exactly, wholly or not at all, and never through a link."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.errors import UnsafePath
from potions.host.files import (
    free_bytes,
    measure,
    move,
    provision,
    remove_tree,
    replace_link,
    sync_directory,
    sync_filesystem,
    write_atomically,
)
from potions.layout import AppTree, Entry
from potions.model.service import Account
from support.archives import tree
from support.deep import make_deep

ME = Account("me", os.geteuid(), os.getegid(), switch=False)


@pytest.fixture(params=[0o000, 0o077], ids=["open umask", "tight umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# write_atomically


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o755])
def test_a_file_is_written_with_exactly_its_mode(tmp_path: Path, umask: int, wanted: int) -> None:
    """Whatever the umask, and whatever mode the file before it had."""
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o444)
    write_atomically(tmp_path / "f", b"new", wanted)
    assert (tmp_path / "f").read_bytes() == b"new"
    assert mode(tmp_path / "f") == wanted


def test_writing_replaces_a_link_and_not_what_it_points_at(tmp_path: Path) -> None:
    """A link where the file belongs cannot aim the write at another file."""
    (tmp_path / "other").write_text("kept")
    (tmp_path / "f").symlink_to("other")
    write_atomically(tmp_path / "f", b"new", 0o644)
    assert tree(tmp_path) == {"f": b"new", "other": b"kept"}


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a changed target nor a temporary file."""
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "f", b"new", 0o644)
    assert tree(tmp_path) == {"f": "/"}


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves all of the old or all of the new."""
    old, new = b"a" * 5_000_000, b"b" * 5_000_000
    write_atomically(tmp_path / "f", old, 0o644)
    program = (
        "import sys, pathlib; from potions.host.files import write_atomically; path = pathlib.Path(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "while True: write_atomically(path, b'b' * 5_000_000, 0o644); write_atomically(path, b'a' * 5_000_000, 0o644)"
    )
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, tmp_path / "f"], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = {(tmp_path / "f").read_bytes() for _ in range(10)}
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert seen | {(tmp_path / "f").read_bytes()} <= {old, new}


# replace_link


def test_the_switch_replaces_the_link(tmp_path: Path) -> None:
    """From one target to the other, with no temporary left; also when a crash left one, or there was no link yet."""
    live, temporary = tmp_path / ".live", tmp_path / ".live.new"
    replace_link(live, ".slots/green", temporary)
    temporary.symlink_to("left by a crash")
    replace_link(live, ".slots/blue", temporary)
    assert tree(tmp_path) == {".live": "-> .slots/blue"}


@pytest.mark.parametrize("taken", [".live", ".live.new"])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_only_a_link_is_replaced_by_a_link(tmp_path: Path, taken: str, kind: str) -> None:
    """A file or a directory of that name is somebody's, and stays."""
    (tmp_path / taken).mkdir() if kind == "directory" else (tmp_path / taken).write_text("kept")
    before = tree(tmp_path)
    with pytest.raises(UnsafePath):
        replace_link(tmp_path / ".live", "x", tmp_path / ".live.new")
    assert tree(tmp_path) == before


def test_whoever_looks_always_finds_a_link(tmp_path: Path) -> None:
    """There is no moment without one: another process looks all the time while it is replaced."""
    program = (
        "import os, sys\nseen = set()\nprint('ready', flush=True)\n"
        "while not os.path.exists(sys.argv[1] + '/stop'): seen.add(os.readlink(sys.argv[1] + '/live'))\n"
        "print(*sorted(seen))"
    )
    replace_link(tmp_path / "live", "blue", tmp_path / "new")
    looking = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True)
    assert looking.stdout is not None
    looking.stdout.readline()
    for number in range(200):
        replace_link(tmp_path / "live", "blue" if number % 2 else "green", tmp_path / "new")
    (tmp_path / "stop").touch()
    assert looking.communicate(timeout=20)[0].split() == ["blue", "green"]
    assert looking.returncode == 0


# provision


def test_the_tree_of_an_app_has_exactly_its_modes(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, and also where directories of other modes are there already."""
    app = AppTree(tmp_path / "blog")
    for _ in range(2):
        provision(app.entries(), ME)
        assert {entry.path: mode(entry.path) for entry in app.entries()} == {e.path: e.mode for e in app.entries()}
        app.storage.chmod(0o700)


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_is_no_directory_is_not_provisioned(tmp_path: Path, kind: str) -> None:
    """A link in the place of a storage would give its target away."""
    (tmp_path / "target").mkdir(mode=0o700)
    storage = tmp_path / "storage"
    storage.write_text("x") if kind == "file" else storage.symlink_to("target" if kind == "link" else "nothing")
    with pytest.raises(UnsafePath):
        provision([Entry(storage, "app", 0o750)], ME)
    assert mode(tmp_path / "target") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners are only given away by root")
def test_owners_are_set_on_a_server(tmp_path: Path) -> None:
    """Storage is the app's, the rest the platform's, and a second time changes nothing."""
    app = AppTree(tmp_path / "blog")
    for _ in range(2):
        provision(app.entries(), Account("nobody", 65534, 65533, switch=True))
        owners = {(s.st_uid, s.st_gid) for s in (app.storage.stat(), app.home.stat())}
        assert owners == {(65534, 65533)}
        assert (app.releases.stat().st_uid, app.releases.stat().st_gid) == (0, 0)


# move


def test_a_move_renames(tmp_path: Path) -> None:
    """The same inode under the other name; a link itself, not its target."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "slot").mkdir()
    (tmp_path / "a" / "link").symlink_to("slot")
    inode = (tmp_path / "a" / "slot").stat().st_ino
    move(tmp_path / "a" / "slot", tmp_path / "b" / "slot")
    move(tmp_path / "a" / "link", tmp_path / "b" / "other")
    assert tree(tmp_path) == {"a": "/", "b": "/", "b/slot": "/", "b/other": "-> slot"}
    assert (tmp_path / "b" / "slot").stat().st_ino == inode


@pytest.mark.parametrize("kind", ["file", "empty directory", "dangling link"])
def test_a_move_overwrites_nothing(tmp_path: Path, kind: str) -> None:
    """Not even an empty directory, which rename(2) would replace."""
    (tmp_path / "a").mkdir()
    there = tmp_path / "b"
    {"file": there.touch, "empty directory": there.mkdir, "dangling link": lambda: there.symlink_to("x")}[kind]()
    before = tree(tmp_path)
    with pytest.raises(UnsafePath):
        move(tmp_path / "a", there)
    assert tree(tmp_path) == before


def test_moving_what_is_missing_says_so(tmp_path: Path) -> None:
    """The caller decides whether that is fine."""
    with pytest.raises(FileNotFoundError):
        move(tmp_path / "a", tmp_path / "b")


# measure


def test_bytes_and_files_are_summed_without_following_links(tmp_path: Path) -> None:
    """Hard links count once; links, pipes and directories count nothing."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"x" * 1000)
    (tmp_path / "b").hardlink_to(tmp_path / "d" / "a")
    (tmp_path / "c").write_bytes(b"x" * 24)
    (tmp_path / "l").symlink_to("/usr")
    os.mkfifo(tmp_path / "pipe")
    assert measure(tmp_path) == (1024, 2)


def test_what_is_missing_measures_nothing(tmp_path: Path) -> None:
    """An app whose directory was removed by hand uses no disk."""
    assert measure(tmp_path / "gone") == (0, 0)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_is_not_measured(tmp_path: Path, kind: str) -> None:
    """A link in its place is not followed."""
    (tmp_path / "x").touch() if kind == "file" else (tmp_path / "x").symlink_to("/usr")
    with pytest.raises(UnsafePath):
        measure(tmp_path / "x")


def test_a_tree_deeper_than_a_path_may_be_is_measured(tmp_path: Path) -> None:
    """5,000 levels, beyond the recursion limit, PATH_MAX and the usual number of descriptors."""
    make_deep(tmp_path / "deep", 5000, data=b"x" * 10)
    try:
        assert measure(tmp_path / "deep") == (10, 1)
    finally:
        # pytest's own cleaning would not get to the bottom of it.
        remove_tree(tmp_path / "deep", below=tmp_path)


# the rest


def test_directories_and_file_systems_can_be_synced(tmp_path: Path) -> None:
    """Both come back for a directory, and say so when there is none."""
    sync_directory(tmp_path)
    sync_filesystem(tmp_path)
    for sync in (sync_directory, sync_filesystem):
        with pytest.raises(FileNotFoundError):
            sync(tmp_path / "gone")


def test_free_bytes_are_those_of_the_disk(tmp_path: Path) -> None:
    """More than nothing, and no more than the disk has."""
    disk = os.statvfs(tmp_path)
    assert 0 < free_bytes(tmp_path) <= disk.f_blocks * disk.f_frsize
