"""Putting a file: there when it is whole, exactly as it was sent, and nowhere else."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import (
    NoRoom,
    StoredChanged,
    StoredKindRefused,
    StoredLink,
    StoredTaken,
    StoredUnknown,
    UploadBroken,
)
from potions.host.storage_put import Room, discard_put, framed, put_file
from support.hostile import Swapper
from support.kill_points import die_at
from support.storage_tree import ROOM, TEMPORARY, TOKEN, Storage, at, source_of


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


@pytest.fixture(params=[0o000, 0o077], ids=["open umask", "tight umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# What arrives


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(pieces=st.lists(st.binary(min_size=1, max_size=3000), max_size=5))
def test_a_file_arrives_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    """However it is cut into pieces, and also when it is empty."""
    storage = Storage(tmp_path_factory.mktemp("put"))
    entry = storage.put("a", *pieces)
    assert storage.content() == {"a": b"".join(pieces)}
    assert (entry.path, entry.bytes) == ("a", len(b"".join(pieces)))


@pytest.mark.usefixtures("umask")
def test_modes_are_exact_whatever_the_umask(storage: Storage) -> None:
    """Files 0644, or 0755 where they may be executed; the folders on the way 0755."""
    storage.put("new/er/a", b"x")
    storage.put("new/er/run", b"x", executable=True)
    modes = [mode(storage.root / name) for name in ("new/er/a", "new/er/run", "new", "new/er")]
    assert modes == [0o644, 0o755, 0o755, 0o755]


def test_missing_folders_come_with_the_file_and_not_before(storage: Storage) -> None:
    """While it is on its way, only its temporary name is there, in the deepest folder that was."""
    (storage.root / "a").mkdir()
    seen: list[dict[str, str | bytes]] = []
    storage.put("a/b/c/file", b"x", begun=lambda: seen.append(storage.content()))
    assert seen == [{"a": "/", f"a/{TEMPORARY}": b""}]
    assert storage.content() == {"a": "/", "a/b": "/", "a/b/c": "/", "a/b/c/file": b"x"}


def test_a_name_of_any_bytes_is_put(storage: Storage) -> None:
    """As long as a file system takes it."""
    for name in ("caf\udce9", "a\nb", "\x1b[2J", "y" * 255, "-rf", "a b", "*"):
        storage.put(name, name.encode("utf-8", "surrogateescape"))
        assert (storage.root / name).read_bytes() == os.fsencode(name)


# What is there already


def test_a_file_that_is_there_is_replaced_only_on_request(storage: Storage) -> None:
    """Refused before anything is sent; on request the new one is there at once, with a mode of its own."""
    storage.fill(a="old")
    (storage.root / "a").chmod(0o600)
    begun: list[bool] = []
    with pytest.raises(StoredTaken):
        storage.put("a", b"new", begun=lambda: begun.append(True))
    assert begun == [] and storage.content() == {"a": b"old"}
    storage.put("a", b"new", replace=True)
    assert storage.content() == {"a": b"new"}
    assert mode(storage.root / "a") == 0o644


def test_a_file_that_appears_meanwhile_is_not_replaced(storage: Storage) -> None:
    """Whatever it is: who came first stays."""
    for make in (
        lambda: storage.fill(a="the app's"),
        lambda: (storage.root / "a").mkdir(),
        lambda: (storage.root / "a").symlink_to("nowhere"),
    ):
        with pytest.raises(StoredTaken):
            storage.put("a", b"new", begun=make)
        there = storage.root / "a"
        there.rmdir() if there.is_dir() else there.unlink()
        assert storage.content() == {}


@pytest.mark.parametrize("replace", [False, True])
def test_only_a_file_is_replaced(storage: Storage, replace: bool) -> None:
    """No folder, no pipe, no socket, and no link, wherever it leads; the storage itself is no file."""
    storage.fill(folder__a="1")
    (storage.root / "in").symlink_to("folder/a")
    (storage.root / "out").symlink_to(storage.outside / "secret")
    (storage.root / "gone").symlink_to("nothing")
    os.mkfifo(storage.root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(storage.root / "socket"))
        inodes = {path: path.lstat().st_ino for path in storage.root.rglob("*")}
        for path in ("", "folder", "pipe", "socket"):
            with pytest.raises(StoredKindRefused):
                storage.put(path, b"new", replace=replace)
        for path in ("in", "out", "gone"):
            with pytest.raises(StoredLink):
                storage.put(path, b"new", replace=replace)
    assert {path: path.lstat().st_ino for path in storage.root.rglob("*")} == inodes
    assert (storage.root / "folder" / "a").read_text() == "1"
    assert storage.is_untouched_outside()


def test_what_takes_the_place_of_a_file_meanwhile_is_not_replaced(storage: Storage) -> None:
    """A folder or a link that the app put where a file was to be replaced stays."""
    storage.fill(a="old")

    def swap() -> None:
        (storage.root / "a").unlink()
        (storage.root / "a").symlink_to(storage.outside / "secret")

    with pytest.raises(StoredLink):
        storage.put("a", b"new", replace=True, begun=swap)
    assert storage.content() == {"a": f"-> {storage.outside / 'secret'}"}
    assert storage.is_untouched_outside()


def test_nothing_is_put_through_a_link(storage: Storage) -> None:
    """Not one on the way, whether it leads out or not, nor through a file."""
    storage.fill(real__x="", file="")
    (storage.root / "out").symlink_to(storage.outside)
    (storage.root / "in").symlink_to("real")
    for path in ("out/new", "in/new", "out/a/b/new"):
        with pytest.raises(StoredLink):
            storage.put(path, b"new")
    with pytest.raises(StoredKindRefused):
        storage.put("file/new", b"new")
    assert storage.is_untouched_outside()
    assert TEMPORARY not in storage.content()


# What is cut off


@pytest.mark.parametrize("replace", [False, True])
def test_what_does_not_arrive_whole_leaves_nothing(storage: Storage, replace: bool) -> None:
    """Cut off before the first piece, between two, or in the middle of one: what was there is there."""
    if replace:
        storage.fill(a="old")
    before = storage.content()
    whole = framed(b"12345") + framed(b"67890") + framed(b"")
    for length in range(len(whole)):
        with source_of(whole[:length]) as source, pytest.raises(UploadBroken):
            put_file(
                storage.root,
                at("a"),
                TOKEN,
                ROOM,
                replace=replace,
                executable=False,
                source=source,
                begin=lambda _: None,
            )
        assert storage.content() == before


def test_an_app_that_removes_what_is_on_its_way_is_told(storage: Storage) -> None:
    """Nothing is there then, and nothing of it is taken for the file."""
    storage.fill(a__x="")
    with pytest.raises(StoredChanged):
        storage.put("a/file", b"x", begun=lambda: (storage.root / "a" / TEMPORARY).unlink())
    assert storage.content() == {"a": "/", "a/x": b""}


def test_a_folder_that_is_moved_meanwhile_keeps_its_file(storage: Storage) -> None:
    """It is held open: the file goes where that folder went, not to what has its name now."""
    storage.fill(a__x="")

    def swap() -> None:
        (storage.root / "a").rename(storage.root / "moved")
        (storage.root / "a").symlink_to(storage.outside)

    storage.put("a/file", b"x", begun=swap)
    assert (storage.root / "moved" / "file").read_bytes() == b"x"
    assert storage.is_untouched_outside()


# Room


def test_what_the_disk_would_not_hold_is_refused_before(storage: Storage) -> None:
    """With what it needs and what is free; nothing was begun."""
    begun: list[bool] = []
    for room in (Room(kept=0, announced=2**60), Room(kept=2**60, announced=None)):
        with pytest.raises(NoRoom, match="free"):
            storage.put("a", b"x", room=room, begun=lambda: begun.append(True))
    assert begun == []
    assert storage.content() == {}


# Crashes


def settled(storage: Storage) -> dict[str, str | bytes]:
    """What is there once what a crash left was taken away."""
    discard_put(storage.root, at("a/b/file"), TOKEN)
    return storage.content()


def test_a_crash_at_any_step_leaves_the_old_file_or_the_new_one(storage: Storage) -> None:
    """Whole, each of them; and what it left has the one name that is known for it."""
    storage.fill(a__b__file="old", a__kept="kept")
    ended = []
    for step in range(100):
        (storage.root / "a" / "b" / "file").write_text("old")
        died = die_at(step, lambda: storage.put("a/b/file", b"new" * 1000, replace=True))
        found = storage.content()
        assert set(found) <= {"a", "a/b", "a/b/file", "a/kept", f"a/b/{TEMPORARY}"}
        found = settled(storage)
        assert set(found) == {"a", "a/b", "a/b/file", "a/kept"}
        ended.append(found["a/b/file"])
        if not died:
            break
    assert set(ended) == {b"old", b"new" * 1000}
    assert ended[0] == b"old" and ended[-1] == b"new" * 1000


def test_a_crash_at_any_step_leaves_no_new_file_or_all_of_it(storage: Storage) -> None:
    """With the folders on the way to it, or a part of those."""
    (storage.root / "a").mkdir()
    for step in range(100):
        died = die_at(step, lambda: storage.put("a/b/file", b"new"))
        found = settled(storage)
        assert found.get("a/b/file", b"new") == b"new"
        assert set(found) <= {"a", "a/b", "a/b/file"}
        if not died:
            assert found["a/b/file"] == b"new"
            break
        for path in ("a/b/file", "a/b"):
            there = storage.root / path
            if there.exists():
                there.unlink() if there.is_file() else there.rmdir()


def test_only_what_has_the_token_is_discarded(storage: Storage) -> None:
    """Wherever on the way it lies; a name like it that the app made is the app's, and links lead nowhere."""
    for path in ("", "a/", "a/b/"):
        storage.fill(
            **{f"{path.replace('/', '__')}{TEMPORARY}": "ours", f"{path.replace('/', '__')}.potions-put-x": ""}
        )
    storage.fill(other__x="", **{f"other__{TEMPORARY}": "elsewhere"})
    discard_put(storage.root, at("a/b/file"), TOKEN)
    assert [name for name in storage.content() if TEMPORARY in name] == [f"other/{TEMPORARY}"]
    assert [name for name in storage.content() if name.endswith("put-x")] == [
        ".potions-put-x",
        "a/.potions-put-x",
        "a/b/.potions-put-x",
    ]


# An attacker


def test_nothing_outside_is_written_while_folders_are_swapped_for_links(storage: Storage) -> None:
    """An app does that as fast as it can; what is put is inside, or refused."""
    for number in range(40):
        (storage.root / "inside" / f"d{number}").mkdir(parents=True)
    put = refused = 0
    with Swapper(storage.root / "inside", storage.outside):
        for attempt in range(800):
            try:
                storage.put(f"inside/d{attempt % 40}/secret", b"mine", replace=True)
                put += 1
            except (StoredLink, StoredUnknown, StoredChanged, StoredKindRefused, StoredTaken):
                refused += 1
    assert storage.is_untouched_outside()
    assert put
    assert not [name for name in storage.content() if TEMPORARY in name]
