"""Removing: all of it, nothing beside it, and no way to make it reach elsewhere."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from potions.errors import UnsafePath
from potions.host.below import Below
from potions.host.files import remove_tree
from potions.host.removal import _unescape
from potions.model.service import Account
from support import jobs
from support.archives import tree
from support.deep import make_deep


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Path]:
    """The directory that removals have to stay in, beside one that has to stay as it is."""
    (tmp_path / "outside" / "d").mkdir(parents=True)
    (tmp_path / "outside" / "d" / "kept").write_text("as it was")
    (tmp_path / "apps").mkdir()
    yield tmp_path / "apps"
    assert tree(tmp_path / "outside") == {"d": "/", "d/kept": b"as it was"}


def test_a_file_a_link_and_a_tree_are_removed(apps: Path) -> None:
    """A link goes, what it points at stays; what is missing is fine, also when its folder is."""
    (apps / "file").touch()
    (apps / "link").symlink_to("../outside")
    (apps / "blog" / "storage" / "empty").mkdir(parents=True)
    (apps / "blog" / "storage" / "away").symlink_to("../../../outside")
    (apps / "blog" / "f").touch()
    os.mkfifo(apps / "blog" / "pipe")
    (apps / "blog2").mkdir()
    for name in ("file", "link", "blog", "blog", "gone", "gone/further"):
        remove_tree(apps / name, below=apps)
    assert tree(apps) == {"blog2": "/"}


def test_nothing_happens_where_the_apps_directory_is_missing(tmp_path: Path) -> None:
    """Somebody removed it all by hand: fine."""
    remove_tree(tmp_path / "gone" / "blog", below=tmp_path / "gone")


@pytest.mark.parametrize("path", [".", "", "..", "../outside", "blog/..", "blog/../../outside", "blog/", "/", "/etc"])
def test_a_path_that_is_not_strictly_below_is_refused(apps: Path, path: str) -> None:
    """Nor one with a trailing slash, by which rm empties a link's target."""
    (apps / "blog").mkdir()
    with pytest.raises(UnsafePath):
        remove_tree(f"{apps}/{path}" if not path.startswith("/") else path, below=apps)
    assert tree(apps) == {"blog": "/"}


def test_a_name_that_begins_alike_is_not_below(apps: Path) -> None:
    """`apps2` is not in `apps`."""
    beside = apps.with_name("apps2")
    (beside / "blog").mkdir(parents=True)
    with pytest.raises(UnsafePath):
        remove_tree(beside / "blog", below=apps)
    assert (beside / "blog").is_dir()


def test_a_link_on_the_way_is_refused(apps: Path) -> None:
    """What lies behind it is not below, whatever its path says."""
    (apps / "blog").symlink_to("../outside")
    with pytest.raises(UnsafePath):
        remove_tree(apps / "blog" / "d", below=apps)


def test_the_apps_directory_itself_may_be_reached_by_a_link(apps: Path) -> None:
    """A home on another disk is the owner's choice; both ways of naming it work."""
    (apps / "blog" / "d").mkdir(parents=True)
    (apps / "shop").mkdir()
    home = apps.with_name("home")
    home.symlink_to("apps")
    remove_tree(home / "blog", below=home)
    remove_tree(apps / "shop", below=home)
    assert tree(apps) == {}


def test_a_tree_deeper_than_a_path_may_be_is_removed(apps: Path) -> None:
    """5,000 levels, beyond the recursion limit, PATH_MAX and the number of descriptors."""
    make_deep(apps / "deep", 5000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        remove_tree(apps / "deep", below=apps)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert tree(apps) == {}


def test_directories_that_shut_their_owner_out_are_removed() -> None:
    """Apps make directories of mode 000 and 500; removed by their owner, without root's rights."""
    root = os.geteuid() == 0
    owner = Account("owner", 65534 if root else os.geteuid(), 65534 if root else os.getegid(), switch=root)
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, owner.uid, owner.gid)
        as_owner = Below(owner)
        as_owner.run(jobs.make_shut, Path(name) / "top")
        as_owner.run(jobs.remove, Path(name) / "top", Path(name))
        as_owner.close()
        assert list(Path(name).iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user's directories are only opened by root")
def test_another_users_directories_are_removed(apps: Path) -> None:
    """What apps made as their user is removed by the platform."""
    (apps / "blog" / "shut").mkdir(parents=True)
    (apps / "blog" / "shut" / "f").touch()
    for path in (apps / "blog" / "shut" / "f", apps / "blog" / "shut", apps / "blog"):
        os.chown(path, 65534, 65534)
        path.chmod(0)
    remove_tree(apps / "blog", below=apps)
    assert tree(apps) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can mount")
@pytest.mark.parametrize("where", ["blog", "blog/storage", "blog/a space\n"])
def test_a_mount_inside_is_refused(apps: Path, where: str) -> None:
    """Removing would wipe what is mounted; refused before anything is removed."""
    (apps / where).mkdir(parents=True)
    (apps / "blog" / "f").touch()
    mount = subprocess.run(["mount", "--bind", apps.with_name("outside"), apps / where], check=False)
    if mount.returncode:
        pytest.skip("needs mount(2): not allowed here")
    try:
        with pytest.raises(UnsafePath, match="mounted"):
            remove_tree(apps / "blog", below=apps)
        assert (apps / where / "d" / "kept").exists()
    finally:
        subprocess.run(["umount", apps / where], check=True)
    remove_tree(apps / "blog", below=apps)
    assert tree(apps) == {}


def test_a_mount_beside_is_no_reason_to_refuse(apps: Path) -> None:
    """Names that only begin alike are other names; everything on this computer is mounted somewhere."""
    (apps / "blog").mkdir()
    remove_tree(apps / "blog", below=apps)
    assert tree(apps) == {}


def test_escapes_of_mountinfo_are_undone() -> None:
    """Space, tab, newline and backslash come as octal numbers."""
    assert _unescape(rb"/a\040b\011c\012d\134e") == b"/a b\tc\nd\\e"


# An app that swaps directories for links meanwhile

_listeners: list[Callable[[str, tuple[Any, ...]], None]] = []
sys.addaudithook(lambda event, args: [heard(event, args) for heard in tuple(_listeners)] and None)


@contextmanager
def just_before(event: str, action: Callable[[], None], *, of: str | None = None) -> Iterator[list[bool]]:
    """Run an action once, at the last moment before the interpreter makes a system call (an audit event)."""
    done: list[bool] = []
    me = threading.get_ident()

    def heard(name: str, args: tuple[Any, ...]) -> None:
        if name == event and not done and threading.get_ident() == me and (of is None or args[0] == of):
            done.append(True)
            action()

    _listeners.append(heard)
    try:
        yield done
    finally:
        _listeners.remove(heard)


@pytest.mark.parametrize("event", ["open", "os.rmdir"])
def test_a_directory_swapped_for_a_link_keeps_the_links_target(apps: Path, event: str) -> None:
    """At the last moment before it is opened, and at the last before it is removed."""
    (apps / "blog" / "d").mkdir(parents=True)
    (apps / "blog" / "d" / "f").touch()

    def swap() -> None:
        (apps / "blog" / "d").rename(apps / "blog" / "moved")
        (apps / "blog" / "d").symlink_to(apps.with_name("outside") / "d")

    with just_before(event, swap, of="d") as swapped:
        remove_tree(apps / "blog", below=apps)
    assert swapped
    assert tree(apps) == {}


def test_a_directory_that_is_moved_away_does_not_end_the_removal(apps: Path) -> None:
    """At the last moment before it is opened: what is beside it goes all the same."""
    for name in ("d", "e", "f"):
        (apps / "blog" / name).mkdir(parents=True)
    first = os.listdir(apps / "blog")[0]
    moved = apps.with_name("moved")

    def move_away() -> None:
        (apps / "blog" / first).rename(moved)

    with just_before("open", move_away, of=first) as done:
        remove_tree(apps / "blog", below=apps)
    assert done
    assert tree(apps) == {}
    assert moved.is_dir()


def test_a_folder_on_the_way_swapped_for_a_link_is_not_followed(apps: Path) -> None:
    """Each name on the way is opened by itself."""
    (apps / "blog" / "d").mkdir(parents=True)

    def swap() -> None:
        (apps / "blog").rename(apps / "moved")
        (apps / "blog").symlink_to(apps.with_name("outside"))

    with just_before("open", swap, of="blog") as swapped, pytest.raises(UnsafePath):
        remove_tree(apps / "blog" / "d", below=apps)
    assert swapped


def test_what_is_written_meanwhile_is_removed_too(apps: Path) -> None:
    """A directory that is filled again after it was emptied is emptied again."""
    (apps / "blog" / "d").mkdir(parents=True)
    with just_before("os.rmdir", lambda: (apps / "blog" / "d" / "late").touch(), of="d") as written:
        remove_tree(apps / "blog", below=apps)
    assert written
    assert tree(apps) == {}


def test_an_app_that_never_stops_writing_is_said(apps: Path) -> None:
    """The removal gives up in words rather than run for ever."""
    (apps / "blog").mkdir()

    def write(event: str, args: tuple[Any, ...]) -> None:
        if event == "os.rmdir":
            (apps / "blog" / "again").touch()

    _listeners.append(write)
    try:
        with pytest.raises(UnsafePath, match="Another process"):
            remove_tree(apps / "blog", below=apps)
    finally:
        _listeners.remove(write)
