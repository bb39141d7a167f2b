"""The directories of an app: what a slot holds after a crash at any point, and who owns what."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from potions.errors import ArchiveBroken, ArchiveTooLarge, DeployCancelled, NoRoom, ReleaseUnknown, UnsafePath
from potions.host.archive import ARCHIVE_SUFFIXES
from potions.host.below import Below
from potions.host.files import free_bytes
from potions.host.trees import Trees
from potions.layout import AppTree, Colour, Entry
from potions.model.deployment import Release, SlotContent, Unpacked
from potions.names import ReleaseId
from support.app_trees import Here, copied, folder_in_memory, release_of
from support.archives import archive_of, file, packed, tar
from support.archives import tree as content_of
from support.bare_home import app_account
from support.kill_points import die_at

BLUE = Colour.BLUE
OLD = SlotContent(ReleaseId("a" * 64), "r1", 1, "/somewhere")
NEW = SlotContent(ReleaseId("b" * 64), "r2", 2, "/somewhere")
ACCOUNT = app_account()


@pytest.fixture
def home() -> Iterator[Path]:
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture
def trees() -> Trees:
    return Trees(ACCOUNT, Here())  # type: ignore[arg-type]


@pytest.fixture
def tree(home: Path, trees: Trees) -> AppTree:
    """An app whose slots are empty."""
    made = AppTree(home / "blog")
    trees.create(made)
    return made


def unpack(trees: Trees, tree: AppTree, release: Release, cancelled: Callable[[], bool] = lambda: False) -> Unpacked:
    return trees.unpack(tree, BLUE, release, report=lambda _done, _total: None, cancelled=cancelled)


def fill(trees: Trees, tree: AppTree) -> None:
    """Have the slot hold the old release, as a deploy leaves it."""
    unpack(trees, tree, release_of(tree, first=b"old", second=b"old"))
    trees.place(tree, BLUE, OLD)
    trees.discard_parked(tree, BLUE)


def seen(tree: AppTree) -> dict[str, str | bytes]:
    """All that lies below the app, apart from archives and from what a killed write leaves beside its file."""
    found = content_of(tree.root)
    return {
        name: data
        for name, data in found.items()
        if not name.startswith("releases/") and ".potions-" not in Path(name).name
    }


# A deploy that is killed, and its undo


def replace(trees: Trees, tree: AppTree, release: Release) -> None:
    unpack(trees, tree, release)
    trees.place(tree, BLUE, NEW)


@pytest.mark.parametrize("held", [True, False], ids=["a slot that holds a release", "an empty slot"])
def test_put_back_restores_the_slot_after_a_crash_at_any_point(trees: Trees, tree: AppTree, held: bool) -> None:
    """Unpack and place are killed at every change they make; the slot then holds exactly what it held."""
    if held:
        fill(trees, tree)
    release = release_of(tree, first=b"new", third=b"new")
    before = seen(tree)
    for step in count():
        with copied(tree):
            died = die_at(step, lambda: replace(trees, tree, release))
            trees.put_back(tree, BLUE)
            assert seen(tree) == before, f"killed before change {step}"
            assert trees.holds(tree, BLUE) == (OLD if held else None)
        if not died:
            break
    assert step > 12


@pytest.mark.parametrize("held", [True, False], ids=["a slot that holds a release", "an empty slot"])
def test_put_back_can_be_killed_itself(trees: Trees, tree: AppTree, held: bool) -> None:
    """Killed at every change after a deploy that was killed at every change of its last step, and run again."""
    if held:
        fill(trees, tree)
    before = seen(tree)
    release = release_of(tree, first=b"new")
    unpack(trees, tree, release)
    pairs = 0
    for placed in count():
        with copied(tree):
            all_placed = not die_at(placed, lambda: trees.place(tree, BLUE, NEW))
            for step in count():
                with copied(tree):
                    died = die_at(step, lambda: trees.put_back(tree, BLUE))
                    trees.put_back(tree, BLUE)
                    assert seen(tree) == before, f"place killed before change {placed}, its undo before {step}"
                if not died:
                    break
            pairs += step
        if all_placed:
            break
    assert pairs > 30


def test_put_back_twice_is_put_back_once(trees: Trees, tree: AppTree) -> None:
    """The second finds nothing to do, and leaves a slot alone that no deploy is working on."""
    fill(trees, tree)
    before = seen(tree)
    trees.put_back(tree, BLUE)
    assert seen(tree) == before


def test_what_was_parked_can_be_discarded_after_a_crash_at_any_point(trees: Trees, tree: AppTree) -> None:
    """The slot keeps the new release; the second try removes what the first left."""
    fill(trees, tree)
    replace(trees, tree, release_of(tree, first=b"new"))
    for step in count():
        with copied(tree):
            died = die_at(step, lambda: trees.discard_parked(tree, BLUE))
            trees.discard_parked(tree, BLUE)
            assert content_of(tree.slot(BLUE)) == {"first.txt": b"new"}
            assert trees.holds(tree, BLUE) == NEW
            assert not tree.previous(BLUE).exists()
        if not died:
            break
    assert step > 4


def test_a_place_parks_what_was_there(trees: Trees, tree: AppTree) -> None:
    """The release a rollback may need lies beside the slot, untouched, until it is discarded."""
    fill(trees, tree)
    replace(trees, tree, release_of(tree, first=b"new"))
    assert content_of(tree.slot(BLUE)) == {"first.txt": b"new"}
    assert content_of(tree.previous_slot(BLUE)) == {"first.txt": b"old", "second.txt": b"old"}
    assert trees.holds(tree, BLUE) == NEW
    assert not tree.incoming(BLUE).exists()


# Unpack


def test_unpack_begins_anew_beside_the_slot(trees: Trees, tree: AppTree) -> None:
    """Nothing that an earlier try left is in it, and the slot is not touched."""
    fill(trees, tree)
    before = content_of(tree.slot(BLUE))
    tree.incoming(BLUE).mkdir()
    (tree.incoming(BLUE) / "leftover").touch()
    assert unpack(trees, tree, release_of(tree, one=b"12345")) == Unpacked(files=1, bytes=5)
    assert content_of(tree.incoming(BLUE)) == {"one.txt": b"12345"}
    assert content_of(tree.slot(BLUE)) == before


def test_an_unpack_that_fails_is_undone(tree: AppTree) -> None:
    """Broken off in the middle, and cancelled: nothing of it is left."""
    below = Below(ACCOUNT)
    trees = Trees(ACCOUNT, below)
    release = release_of(tree, one=os.urandom(100_000))
    before = seen(tree)
    with pytest.raises(DeployCancelled):
        unpack(trees, tree, release, cancelled=lambda: True)
    archive = tree.archive(release.id, release.suffix)
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(ArchiveBroken):
        unpack(trees, tree, release)
    trees.put_back(tree, BLUE)
    below.close()
    assert seen(tree) == before


def test_what_the_disk_does_not_hold_is_not_unpacked(
    trees: Trees, tree: AppTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of the disk is kept for everything else. What no disk should hold is told as that."""
    release = release_of(tree, one=b"12345")
    monkeypatch.setattr("potions.host.trees.ROOM_KEPT", 2**60)
    with pytest.raises(NoRoom):
        unpack(trees, tree, release)
    monkeypatch.setattr("potions.host.trees.ROOM_KEPT", free_bytes(tree.root) - 2**32)
    deep = packed(tar([file("/".join(["d"] * 101))]))
    tree.archive(release.id, release.suffix).write_bytes(deep)
    with pytest.raises(ArchiveTooLarge, match="nested"):
        unpack(trees, tree, release)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_every_kind_of_archive_is_found_unpacked_and_pruned_again(trees: Trees, tree: AppTree, suffix: str) -> None:
    """By its suffix, which is all that is remembered of what it was."""
    data = archive_of([file("one.txt")], suffix)
    release = Release(ReleaseId("c" * 64), "r3", suffix, len(data), "c", datetime.now(UTC))
    tree.archive(release.id, suffix).write_bytes(data)
    trees.check_archive(tree, release)
    assert unpack(trees, tree, release) == Unpacked(files=1, bytes=5)
    trees.prune(tree, release)
    assert list(tree.releases.iterdir()) == []


def test_an_archive_that_is_not_there_any_more_is_told(trees: Trees, tree: AppTree) -> None:
    """Missing, or of another size: both have to be sent again."""
    release = release_of(tree, one=b"1")
    trees.check_archive(tree, release)
    archive = tree.archive(release.id, release.suffix)
    archive.write_bytes(b"other")
    with pytest.raises(ReleaseUnknown, match="r2"):
        trees.check_archive(tree, release)
    trees.prune(tree, release)
    assert not archive.exists()
    with pytest.raises(ReleaseUnknown):
        trees.check_archive(tree, release)


def test_an_archive_of_which_one_byte_is_another_is_told(trees: Trees, tree: AppTree) -> None:
    """A damaged disk, or somebody's editor: the length says nothing."""
    release = release_of(tree, one=b"1")
    trees.verify_archive(tree, release)
    archive = tree.archive(release.id, release.suffix)
    data = archive.read_bytes()
    archive.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    trees.check_archive(tree, release)
    with pytest.raises(ReleaseUnknown, match="r2") as refused:
        trees.verify_archive(tree, release)
    assert "changed" in refused.value.why


def test_what_a_slot_held_is_known_after_its_files_were_removed(trees: Trees, tree: AppTree) -> None:
    """It cannot be run from there, and it is known which release is missing."""
    fill(trees, tree)
    shutil.rmtree(tree.slot(BLUE))
    assert trees.holds(tree, BLUE) is None
    assert trees.record_of(tree, BLUE) == OLD


# The switch


def test_the_link_always_points_at_a_slot(trees: Trees, tree: AppTree) -> None:
    """Whoever looks while it is switched finds one colour or the other, never none; each colour's marker is there."""
    wrong: list[str] = []
    looks = [0]
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            looks[0] += 1
            try:
                found = {colour for colour in Colour if (tree.marker_name(colour)).exists()}
                target = os.readlink(tree.live)
            except OSError as error:
                wrong.append(str(error))
            else:
                wrong.extend([target] if target not in {".slots/blue", ".slots/green"} or len(found) != 2 else [])

    watching = [threading.Thread(target=look) for _ in range(2)]
    for one in watching:
        one.start()
    for colour in [BLUE, Colour.GREEN] * 60:
        trees.point(tree, colour)
        assert trees.live(tree) is colour
    over.set()
    for one in watching:
        one.join()
    assert wrong == []
    assert looks[0] > 100


def test_a_switch_that_was_killed_points_at_a_slot(trees: Trees, tree: AppTree) -> None:
    """At the old one or the new one; the next switch goes through whatever was left."""
    for step in count():
        trees.point(tree, Colour.GREEN)
        died = die_at(step, lambda: trees.point(tree, BLUE))
        assert trees.live(tree) in set(Colour)
        trees.point(tree, BLUE)
        assert trees.live(tree) is BLUE
        assert [path.name for path in tree.root.glob(".live*")] == [".live"]
        if not died:
            break
    assert step > 2


# The tree


def modes(tree: AppTree) -> dict[str, tuple[str, str]]:
    """Owner and mode of every directory."""
    found = {}
    for folder in [tree.root, *(path for path in tree.root.rglob("*") if path.is_dir() and not path.is_symlink())]:
        status = folder.stat()
        owner = "app" if status.st_uid == ACCOUNT.uid and ACCOUNT.switch else "platform"
        found[str(folder.relative_to(tree.root))] = (owner, oct(stat.S_IMODE(status.st_mode)))
    return found


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_owners_and_modes_do_not_depend_on_the_umask(trees: Trees, home: Path, umask: int) -> None:
    """Exactly those that the layout names, for directories, for files, and for what a release is unpacked into."""
    tree = AppTree(home / "blog")
    before = os.umask(umask)
    try:
        trees.create(tree)
        fill(trees, tree)
        trees.write_environment(tree, BLUE, {"SECRET": "x"})
    finally:
        os.umask(before)

    def told(entry: Entry) -> tuple[str, str]:
        return (entry.owner if ACCOUNT.switch else "platform", oct(entry.mode))

    wanted = {str(entry.path.relative_to(tree.root)): told(entry) for entry in tree.entries()}
    slot = told(Entry(tree.slot(BLUE), "app", 0o750))
    assert modes(tree) == {**wanted, "blue": slot}
    assert stat.S_IMODE(tree.env_file(BLUE).stat().st_mode) == 0o600
    assert stat.S_IMODE(tree.holds(BLUE).stat().st_mode) == 0o600
    assert stat.S_IMODE(tree.marker_name(BLUE).stat().st_mode) == 0o644


def test_a_new_app_points_at_the_empty_green_slot(trees: Trees, tree: AppTree) -> None:
    """So the first deploy goes to blue; ``current`` and the slots' own links lead where they say."""
    assert trees.live(tree) is Colour.GREEN
    assert [trees.holds(tree, colour) for colour in Colour] == [None, None]
    assert os.readlink(tree.current) == ".live/slot"
    tree.slot(Colour.GREEN).mkdir()
    assert (tree.root / "current").resolve() == tree.slot(Colour.GREEN).resolve()


def test_creating_again_changes_nothing(trees: Trees, tree: AppTree) -> None:
    """An app that came back keeps its storage, what its slots hold, and which one serves."""
    fill(trees, tree)
    trees.point(tree, BLUE)
    (tree.storage / "kept.txt").write_bytes(b"kept")
    before, before_modes = seen(tree), modes(tree)
    trees.create(tree)
    assert (seen(tree), modes(tree)) == (before, before_modes)


def test_creating_survives_a_crash_at_any_point(trees: Trees, home: Path, tree: AppTree) -> None:
    """Run again, it completes what a killed one began."""
    whole, whole_modes = seen(tree), modes(tree)
    other = AppTree(home / "other")
    for step in count():
        died = die_at(step, lambda: trees.create(other))
        trees.create(other)
        assert (seen(other), modes(other)) == (whole, whole_modes), f"killed before change {step}"
        shutil.rmtree(other.root)
        if not died:
            break
    assert step > 12


def test_creating_over_somebody_elses_link_is_refused(trees: Trees, home: Path) -> None:
    """A storage that is a link would take an app's files somewhere else."""
    tree = AppTree(home / "blog")
    (home / "elsewhere").mkdir()
    tree.root.mkdir()
    tree.storage.symlink_to(home / "elsewhere")
    with pytest.raises(UnsafePath):
        trees.create(tree)


# Logs


def test_output_is_read_from_where_it_was_left(trees: Trees, tmp_path: Path) -> None:
    """A log that is missing has nothing; one that was rotated is read from its beginning."""
    log = tmp_path / "blue.log"
    assert (trees.read_output(log, 0), trees.size_of(log)) == (b"", 0)
    log.write_bytes(b"first\nsecond\n")
    assert trees.read_output(log, 6) == b"second\n"
    assert trees.read_output(log, 13) == b""
    log.write_bytes(b"new\n")
    assert trees.read_output(log, 13) == b"new\n"


def test_a_discarded_log_is_gone_with_what_was_rotated_out_of_it(trees: Trees, tree: AppTree) -> None:
    """And a log that never was is fine."""
    log = tree.task_log(BLUE, "build")
    log.touch()
    log.with_name(f"{log.name}.1").touch()
    for _ in range(2):
        trees.discard_output(tree, log)
        assert list(tree.logs.iterdir()) == []


def test_the_environment_is_written_anew_or_not_at_all(trees: Trees, tree: AppTree) -> None:
    """Killed at any point, the file has the old variables or the new ones."""
    for step in count():
        trees.write_environment(tree, BLUE, {"A": "old"})
        died = die_at(step, lambda: trees.write_environment(tree, BLUE, {"A": "new", "B": "new"}))
        assert tree.env_file(BLUE).read_bytes() in {b"A=old\0", b"A=new\0B=new\0"}
        with suppress(StopIteration):
            next(tree.root.glob(".potions-*")).unlink()
        if not died:
            break
    assert step > 2
