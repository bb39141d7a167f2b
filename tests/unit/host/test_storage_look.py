"""Looking at a storage: what is told of each thing in it, and that nothing is reached through a link."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import StoredChanged, StoredKindRefused, StoredLink, StoredUnknown
from potions.host.storage_look import list_folder, measure_use, stored_entry
from potions.model.stored import Order, StoredEntry, StoredFolder, StoredKind, Use
from potions.names import decode_stored_path
from support.hostile import Swapper
from support.storage_tree import TEMPORARY, TOKEN, Storage, at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


def listed(
    storage: Storage, path: str = "", order: Order = Order.NAME, offset: int = 0, limit: int = 1000
) -> StoredFolder:
    return list_folder(storage.root, at(path), order, offset, limit, storage.puts)


def names(folder: StoredFolder) -> list[str]:
    return [entry.name for entry in folder.entries]


def test_everything_is_told_as_what_it_is(storage: Storage) -> None:
    """Files with their size, links with what they lead to, sockets and pipes as neither; folders first."""
    storage.fill(b="12345", a__x="x")
    (storage.root / "c").symlink_to("../outside")
    os.mkfifo(storage.root / "d")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(storage.root / "e"))
        folder = listed(storage)
    found = [(entry.name, entry.kind.value, entry.bytes, entry.target) for entry in folder.entries]
    assert found == [
        ("a", "folder", 0, None),
        ("b", "file", 5, None),
        ("c", "link", 0, "../outside"),
        ("d", "other", 0, None),
        ("e", "other", 0, None),
    ]
    assert folder.total == 5


def test_times_and_modes_are_those_of_the_disk(storage: Storage) -> None:
    """Also a time that no calendar has."""
    storage.fill(a="", b="")
    (storage.root / "a").chmod(0o604)
    os.utime(storage.root / "a", (0, 1_700_000_000))
    os.utime(storage.root / "b", (0, -(2**31)))
    first, second = listed(storage).entries
    assert (first.mode, first.modified.timestamp()) == (0o604, 1_700_000_000)
    assert second.modified.year == 1901


def test_a_folder_is_listed_in_parts_and_in_each_order(storage: Storage) -> None:
    """Every part knows how many there are; the first by name comes first among those that are alike."""
    for number, name in enumerate(["c", "a", "b", "d"]):
        storage.fill(**{name: "x" * (number // 2)})
        os.utime(storage.root / name, (number, number))
    assert names(listed(storage, order=Order.NEWEST)) == ["d", "b", "a", "c"]
    assert names(listed(storage, order=Order.LARGEST)) == ["b", "d", "a", "c"]
    parts = [listed(storage, offset=offset, limit=3) for offset in (0, 3, 6)]
    assert [names(part) for part in parts] == [["a", "b", "c"], ["d"], []]
    assert {part.total for part in parts} == {4}


def test_what_the_platform_is_about_to_put_is_not_told(storage: Storage) -> None:
    """Only that very name: one like it that the app made is the app's."""
    other = TEMPORARY[:-1] + "f"
    storage.fill(**{TEMPORARY: "x", other: "y"})
    assert listed(storage).total == 2
    (storage.puts / TOKEN).touch()
    assert names(listed(storage)) == [other]
    assert listed(storage).total == 1


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
@given(name=st.binary(min_size=1, max_size=255))
def test_a_name_of_any_bytes_is_told_and_found_again(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    """Its path leads back to it, and its name is text that can be printed somewhere."""
    if set(name) & set(b"/\0") or name in (b".", b".."):
        return
    storage = Storage(tmp_path_factory.mktemp("any"))
    (storage.root / os.fsdecode(name)).write_bytes(b"12")
    (entry,) = listed(storage).entries
    entry.name.encode()
    again = stored_entry(storage.root, decode_stored_path(entry.path))
    assert again == entry
    assert (again.kind, again.bytes) == (StoredKind.FILE, 2)


def test_one_entry_is_told_alone(storage: Storage) -> None:
    """A file, a link itself, and the storage."""
    storage.fill(a__b="123")
    (storage.root / "a" / "l").symlink_to("b")
    assert stored_entry(storage.root, at("a/b")).bytes == 3
    assert stored_entry(storage.root, at("a/l")).target == "b"
    top = stored_entry(storage.root, at("."))
    assert (top.kind, top.path, top.name) == (StoredKind.FOLDER, "", "")


def look_everywhere(storage: Storage, path: str) -> list[type[Exception] | StoredEntry | StoredFolder | Use]:
    found: list[type[Exception] | StoredEntry | StoredFolder | Use] = []
    for look in (
        lambda: stored_entry(storage.root, at(path)),
        lambda: listed(storage, path),
        lambda: measure_use(storage.root, at(path), 1, 1, begin=lambda _: None, report=lambda *_: None),
    ):
        try:
            found.append(look())
        except (StoredLink, StoredUnknown, StoredKindRefused) as error:
            found.append(type(error))
    return found


def test_a_link_is_never_followed(storage: Storage) -> None:
    """Neither as the last name nor on the way, whether it leads out or not; it is told as a link."""
    storage.fill(real__secret="inside")
    (storage.root / "out").symlink_to(storage.outside)
    (storage.root / "in").symlink_to("real")
    (storage.root / "loop").symlink_to("loop")
    for name in ("out", "in", "loop"):
        entry, *others = look_everywhere(storage, name)
        assert isinstance(entry, StoredEntry) and entry.kind is StoredKind.LINK
        assert others == [StoredLink, StoredLink]
        assert look_everywhere(storage, f"{name}/secret") == [StoredLink] * 3
    with pytest.raises(StoredLink) as told:
        listed(storage, "out")
    assert str(storage.outside) in told.value.what


def test_what_is_not_there_or_no_folder_is_told(storage: Storage) -> None:
    """With the name that is missing, or that is no folder."""
    storage.fill(a__b="")
    os.mkfifo(storage.root / "pipe")
    assert look_everywhere(storage, "nothing") == [StoredUnknown] * 3
    assert look_everywhere(storage, "a/nothing/more") == [StoredUnknown] * 3
    assert look_everywhere(storage, "a/b/c") == [StoredKindRefused] * 3
    assert look_everywhere(storage, "pipe")[1:] == [StoredKindRefused] * 2
    with pytest.raises(StoredUnknown, match="no a/nothing"):
        listed(storage, "a/nothing/more")


def test_a_path_longer_than_linux_takes_is_walked(storage: Storage) -> None:
    """A hundred folders with long names; no path of that length could be opened."""
    here = os.open(storage.root, os.O_RDONLY)
    name = "x" * 60
    for _ in range(100):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)
    path = "/".join([name] * 100)
    assert names(listed(storage, path)) == ["file"]
    assert stored_entry(storage.root, at(f"{path}/file")).kind is StoredKind.FILE


def test_a_folder_of_many_is_listed_from_one_look(storage: Storage) -> None:
    """Twenty thousand entries, all of them and a part."""
    for number in range(20_000):
        os.close(os.open(storage.root / f"{number:05}", os.O_CREAT))
    assert len(listed(storage, limit=100_000).entries) == 20_000
    assert names(listed(storage, offset=19_998)) == ["19998", "19999"]


def test_nothing_outside_is_seen_while_folders_are_swapped_for_links(storage: Storage) -> None:
    """An app does that as fast as it can; every look finds the folder, the link, or nothing."""
    inside = storage.root / "inside"
    for number in range(40):
        (inside / f"d{number}").mkdir(parents=True)
    met = set()
    with Swapper(inside, storage.outside):
        for attempt in range(2000):
            try:
                met.add(tuple(names(listed(storage, f"inside/d{attempt % 40}"))))
            except (StoredLink, StoredUnknown, StoredChanged) as error:
                met.add(type(error))
    assert ("secret",) not in met
    assert () in met
