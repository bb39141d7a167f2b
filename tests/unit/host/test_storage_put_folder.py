"""Putting a folder: all of it or nothing where it is new, each file whole where it meets what is there."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.errors import (
    NoRoom,
    StoredChanged,
    StoredKindRefused,
    StoredLink,
    StoredTaken,
    UploadBroken,
)
from potions.host.storage_put import Room, discard_put
from potions.model.stored import Existing
from support.archives import file, folder, hard_link, link, member, tar, tree
from support.hostile import Swapper
from support.kill_points import die_at
from support.storage_tree import TEMPORARY, TOKEN, Storage, at

REFUSE, SKIP, REPLACE = Existing


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


# A new folder


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_folder_arrives_as_it_was_sent(storage: Storage, umask: int) -> None:
    """Files, folders, empty ones too, links, hard links, times and executable bits; modes are exact."""
    sent = tar(
        [
            folder("b", mtime=1_600_000_000, mode=0o700),
            file("b/run", b"#!", mode=0o4711, mtime=1_700_000_000),
            hard_link("b/again", "b/run"),
            folder("empty"),
            link("b/up", "../top"),
            file("top", b"12345", mode=0o600),
        ]
    )
    before = os.umask(umask)
    try:
        put = storage.put_folder("new/a", sent)
    finally:
        os.umask(before)
    there = storage.root / "new" / "a"
    assert tree(there) == {
        "b": "/",
        "b/again": b"#!",
        "b/run": b"#!",
        "b/up": "-> ../top",
        "empty": "/",
        "top": b"12345",
    }
    assert (put.path, put.files, put.bytes, put.replaced, put.skipped) == ("new/a", 3, 7, 0, 0)
    modes = {name: stat.S_IMODE((there / name).stat().st_mode) for name in (".", "b", "b/run", "top", "..")}
    assert modes == {".": 0o755, "b": 0o755, "b/run": 0o755, "top": 0o644, "..": 0o755}
    assert ((there / "b").stat().st_mtime, (there / "b" / "run").stat().st_mtime) == (1_600_000_000, 1_700_000_000)
    assert (there / "b" / "run").samefile(there / "b" / "again")


@pytest.mark.parametrize("mtime", ["inf", "nan", "-5", "1e30"])
def test_a_time_that_no_disk_holds_is_left_out(storage: Storage, mtime: str) -> None:
    """A header may say anything; it is no reason to fail."""
    headers = {"pax_headers": {"mtime": mtime}}
    storage.put_folder("a", tar([folder("d", **headers), file("d/f", **headers)]))
    assert storage.content() == {"a": "/", "a/d": "/", "a/d/f": b"hello"}


def test_an_empty_folder_arrives(storage: Storage) -> None:
    """A tar with nothing in it is one."""
    assert storage.put_folder("a", tar([])).files == 0
    assert storage.content() == {"a": "/"}


def test_what_is_got_can_be_put_again(storage: Storage) -> None:
    """Names of any bytes, deep folders and links come back as they were."""
    storage.fill(a__b__c="1", **{"a__caf\udce9": "2", "a__x\ny": "3"})
    (storage.root / "a" / "b" / "l").symlink_to("../caf\udce9")
    storage.put_folder("again", storage.get_folder("a")[1])
    assert tree(storage.root / "again") == tree(storage.root / "a")


def test_nothing_of_a_new_folder_is_there_before_all_of_it(storage: Storage) -> None:
    """While it is on its way there is only its temporary name; a folder of that name is refused before."""
    storage.fill(a__x="")
    seen: list[set[str]] = []
    storage.put_folder("a/b/c", tar([file("f")]), begun=lambda: seen.append(set(storage.content())))
    assert seen == [{"a", "a/x", f"a/{TEMPORARY}"}]
    begun: list[bool] = []
    for path in ("a", "", "a/b/c"):
        with pytest.raises(StoredTaken):
            storage.put_folder(path, tar([file("f")]), begun=lambda: begun.append(True))
    assert begun == []


@pytest.mark.parametrize("existing", Existing)
def test_a_folder_is_not_put_in_the_place_of_anything_else(storage: Storage, existing: Existing) -> None:
    """No file, and no link, wherever it leads."""
    storage.fill(real__x="", file="")
    (storage.root / "out").symlink_to(storage.outside)
    (storage.root / "in").symlink_to("real")
    before = storage.content()
    with pytest.raises(StoredKindRefused):
        storage.put_folder("file", tar([file("f")]), existing)
    for path in ("out", "in", "out/new", "in/new"):
        with pytest.raises(StoredLink):
            storage.put_folder(path, tar([file("f")]), existing)
    assert storage.content() == before
    assert storage.is_untouched_outside()


def test_a_folder_that_appears_meanwhile_stays_as_it_is(storage: Storage) -> None:
    """Who came first stays, an empty one too."""
    with pytest.raises(StoredTaken):
        storage.put_folder("a", tar([file("f")]), begun=lambda: (storage.root / "a").mkdir())
    assert storage.content() == {"a": "/"}


# What is refused

WHOLE = tar([folder("d"), file("d/a", b"x" * 2000), file("b", b"y" * 700)])

BAD: list[tuple[str, bytes]] = [
    ("absolute", tar([file("/etc/x")])),
    ("leaves", tar([file("a/../../x")])),
    ("nul", WHOLE.replace(b"d/a\0", b"d\0a\0", 1)),
    ("through a link", tar([link("l", "d"), folder("d"), file("l/x")])),
    ("a link out", tar([link("l", "../../etc/passwd")])),
    ("an absolute link", tar([link("l", "/etc/passwd")])),
    ("a link out by a link", tar([folder("d"), link("d/up", ".."), link("l", "d/up/../..")])),
    ("a link without a target", tar([link("l", "")])),
    ("a hard link out", tar([hard_link("l", "../outside/secret")])),
    ("a hard link to nothing", tar([hard_link("l", "no")])),
    ("a pipe", tar([member("p", type=tarfile.FIFOTYPE)])),
    ("a device", tar([member("p", type=tarfile.CHRTYPE)])),
    ("too deep", tar([file("d/" * 201 + "f")])),
    ("a long name", tar([file("x" * 256)])),
    ("a file and a folder", tar([file("d"), file("d/x")])),
    ("no name", tar([member("", type=tarfile.REGTYPE)])),
    ("no tar", b"this is no tar at all" * 100),
    ("nothing", b""),
    ("damaged", WHOLE[:700] + bytes(512) + WHOLE[700:]),
    ("something behind", WHOLE + b"more"),
]


@pytest.mark.parametrize("existing", Existing)
@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in BAD])
def test_what_cannot_be_kept_leaves_nothing(storage: Storage, sent: bytes, existing: Existing) -> None:
    """Neither in a new folder nor in one that is there, and nothing of it is anywhere else."""
    storage.fill(a__kept="kept")
    before = storage.content()
    with pytest.raises(UploadBroken):
        storage.put_folder("new" if existing is REFUSE else "a", tar([file("first")])[:1024] + sent, existing)
    assert storage.content() == before
    assert storage.is_untouched_outside()


@pytest.mark.parametrize("existing", Existing)
def test_what_is_cut_off_anywhere_leaves_nothing(storage: Storage, existing: Existing) -> None:
    """At every block, and in the middle of some: what was there is there, and nothing else."""
    storage.fill(a__b="kept")
    before = storage.content()
    for length in [*range(0, 6 * 512, 512), 100, 700, 1300, len(WHOLE.rstrip(b"\0"))]:
        with pytest.raises(UploadBroken):
            storage.put_folder("new" if existing is REFUSE else "a", WHOLE[:length], existing)
        assert storage.content() == before


def test_what_the_disk_would_not_hold_is_refused_before(storage: Storage) -> None:
    """Nothing was begun."""
    with pytest.raises(NoRoom):
        storage.put_folder("a", WHOLE, room=Room(kept=0, announced=2**60), begun=lambda: pytest.fail("begun"))
    assert storage.content() == {}


# A folder that is there


def test_what_is_there_is_skipped_on_request(storage: Storage) -> None:
    """Files that are there stay, links and folders in their place too; everything else arrives."""
    storage.fill(a__same="old", a__d__same="old", a__d__other="other")
    (storage.root / "a" / "l").symlink_to(storage.outside)
    (storage.root / "a" / "folder").mkdir()
    sent = tar(
        [
            file("same", b"new"),
            file("new", b"1"),
            file("d/same", b"new"),
            file("d/new", b"2"),
            file("l/x", b"12"),
            file("l/secret", b"12"),
            file("folder", b"1"),
            file("e/f/g", b"3"),
        ]
    )
    put = storage.put_folder("a", sent, SKIP)
    assert storage.content() == {
        "a": "/",
        "a/same": b"old",
        "a/new": b"1",
        "a/d": "/",
        "a/d/same": b"old",
        "a/d/other": b"other",
        "a/d/new": b"2",
        "a/l": f"-> {storage.outside}",
        "a/folder": "/",
        "a/e": "/",
        "a/e/f": "/",
        "a/e/f/g": b"3",
    }
    assert (put.files, put.bytes, put.skipped, put.replaced) == (3, 3, 5, 0)
    assert put.skipped_paths == ["a/d/same", "a/folder", "a/l", "a/same"]
    assert storage.is_untouched_outside()


def test_files_that_are_there_are_replaced_on_request(storage: Storage) -> None:
    """By the new ones; what was not sent stays."""
    storage.fill(same="old", d__same="old", d__other="other")
    put = storage.put_folder("", tar([file("same", b"new"), file("d/same", b"newer"), file("d/new", b"1")]), REPLACE)
    assert storage.content() == {"same": b"new", "d": "/", "d/same": b"newer", "d/other": b"other", "d/new": b"1"}
    assert (put.path, put.files, put.bytes, put.replaced, put.skipped) == ("", 3, 9, 2, 0)


@pytest.mark.parametrize(
    ("there", "sent"),
    [
        (lambda path: path.mkdir(), file("x/clash")),
        (lambda path: path.symlink_to("/etc"), file("x/clash")),
        (lambda path: path.symlink_to("/etc"), folder("x/clash")),
        (lambda path: path.write_text("old"), folder("x/clash")),
        (lambda path: path.write_text("old"), link("x/clash", "y")),
        (os.mkfifo, file("x/clash")),
    ],
    ids=["folder", "link", "folder for link", "folder for file", "link for file", "pipe"],
)
def test_only_a_file_is_replaced_and_only_by_a_file(
    storage: Storage, there: Callable[[Path], object], sent: tuple[tarfile.TarInfo, bytes]
) -> None:
    """Otherwise nothing is changed at all, and the path is told."""
    storage.fill(a__before="old", a__x__y="")
    there(storage.root / "a" / "x" / "clash")
    inodes = {path: path.lstat().st_ino for path in storage.root.rglob("*")}
    with pytest.raises(StoredKindRefused, match="a/x/clash"):
        storage.put_folder("a", tar([file("before", b"new"), sent]), REPLACE)
    assert {path: path.lstat().st_ino for path in storage.root.rglob("*")} == inodes


@pytest.mark.parametrize("existing", [REFUSE, REPLACE])
def test_an_app_that_removes_what_is_on_its_way_is_told(storage: Storage, existing: Existing) -> None:
    """Nothing of it is taken for whole."""
    storage.fill(a__x="")
    path, place = ("new", storage.root) if existing is REFUSE else ("a", storage.root / "a")
    before = storage.content()
    with pytest.raises(StoredChanged):
        storage.put_folder(path, WHOLE, existing, begun=lambda: (place / TEMPORARY).rmdir())
    assert storage.content() == before


def test_an_app_that_moves_what_is_on_its_way_moves_nothing_out(storage: Storage) -> None:
    """It is held open: the files arrive, and what has its name now is not taken for it."""
    storage.fill(a__x="")

    def swap() -> None:
        (storage.root / "a" / TEMPORARY).rename(storage.root / "moved")
        (storage.root / "a" / TEMPORARY).symlink_to(storage.outside)

    storage.put_folder("a", tar([file("secret", b"mine")]), REPLACE, begun=swap)
    assert storage.content() == {"a": "/", "a/x": b"", "a/secret": b"mine", "moved": "/"}
    assert storage.is_untouched_outside()


# Crashes


def found_after(storage: Storage, path: str) -> dict[str, str | bytes]:
    discard_put(storage.root, at(path), TOKEN)
    return storage.content()


def test_a_crash_at_any_step_leaves_all_of_a_new_folder_or_nothing(storage: Storage) -> None:
    """And what it left has the one name that is known for it."""
    (storage.root / "a").mkdir()
    whole = {"a/n": "/", "a/n/b": b"hello", "a/n/d": "/", "a/n/d/a": b"hello", "a/n/l": "-> b"}
    sent = tar([file("d/a"), file("b"), link("l", "b")])
    for step in range(200):
        died = die_at(step, lambda: storage.put_folder("a/n", sent))
        found = found_after(storage, "a/n")
        found.pop("a")
        assert found in ({}, whole)
        if not died:
            assert found == whole
            break
        if found:
            os.rename(storage.root / "a" / "n", storage.outside / f"done-{step}")


@pytest.mark.parametrize("existing", [SKIP, REPLACE])
def test_a_crash_at_any_step_leaves_each_file_as_it_was_or_as_it_is_sent(storage: Storage, existing: Existing) -> None:
    """Never a half of one, and nothing that was there is lost."""
    sent = tar([file("d/a", b"new"), file("b", b"new"), file("c", b"new")])
    new = b"new" if existing is REPLACE else b"old"
    for step in range(200):
        storage.fill(n__d__a="old", n__b="old", n__kept="kept")
        (storage.root / "n" / "c").unlink(missing_ok=True)
        died = die_at(step, lambda: storage.put_folder("n", sent, existing))
        found = found_after(storage, "n")
        assert found["n/kept"] == b"kept"
        assert {found["n/d/a"], found["n/b"]} <= {b"old", new}
        assert found.get("n/c", b"new") == b"new"
        assert set(found) <= {"n", "n/kept", "n/d", "n/d/a", "n/b", "n/c"}
        if not died:
            assert (found["n/d/a"], found["n/b"], found["n/c"]) == (new, new, b"new")
            break


# An attacker


def test_nothing_outside_is_written_while_folders_are_swapped_for_links(storage: Storage) -> None:
    """An app does that to the folders that a put fills, as fast as it can."""
    for number in range(40):
        (storage.root / "inside" / f"d{number}").mkdir(parents=True)
    sent = tar([file(f"d{number}/secret", b"mine") for number in range(40)])
    put = 0
    with Swapper(storage.root / "inside", storage.outside):
        for _ in range(20):
            try:
                storage.put_folder("inside", sent, REPLACE)
                put += 1
            except (StoredChanged, StoredKindRefused):
                continue
    assert storage.is_untouched_outside()
    assert not [name for name in storage.content() if TEMPORARY in name]
