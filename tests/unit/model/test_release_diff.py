"""What two releases differ in, from what is known of their files."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.model import release_diff
from potions.model.deployment import Release
from potions.model.release_diff import FileChange, FileKind, FileLook, IndexedFile, ReleaseDiff, Total, compare
from potions.names import ReleaseId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
R1 = Release(ReleaseId("a" * 64), "r1", "tar.gz", 10, "one", NOW)
R2 = Release(ReleaseId("b" * 64), "r2", "tar.gz", 10, "two", NOW)

Files = dict[bytes, IndexedFile]


def file(path: str | bytes, data: bytes = b"hello", kind: FileKind = FileKind.FILE) -> IndexedFile:
    name = path.encode() if isinstance(path, str) else path
    return IndexedFile(name, kind, len(data), blake2b(data).digest())


def link(path: str, target: str) -> IndexedFile:
    return IndexedFile(path.encode(), FileKind.LINK, 0, target.encode())


def diff(before: list[IndexedFile], after: list[IndexedFile], limit: int = 100) -> ReleaseDiff:
    return compare(R1, before, R2, after, limit)


def test_what_is_added_removed_and_changed_is_told_by_name() -> None:
    """In the order of the names, with sizes; what is the same is only counted."""
    found = diff(
        [file("same"), file("gone", b"12"), file("grown", b"1")],
        [file("new", b"123"), file("grown", b"1234"), file("same")],
    )
    assert found.files == [
        FileChange("gone", FileLook(FileKind.FILE, 2), None),
        FileChange("grown", FileLook(FileKind.FILE, 1), FileLook(FileKind.FILE, 4)),
        FileChange("new", None, FileLook(FileKind.FILE, 3)),
    ]
    assert (found.added, found.removed) == (Total(1, 3), Total(1, 2))
    assert (found.changed_before, found.changed_after, found.unchanged) == (Total(1, 1), Total(1, 4), Total(1, 5))
    assert (found.before, found.after) == (R1, R2)


def test_other_content_of_the_same_size_is_a_change() -> None:
    """The content decides."""
    assert [change.path for change in diff([file("a", b"1")], [file("a", b"2")]).files] == ["a"]


def test_the_executable_bit_is_a_change() -> None:
    """A script that lost it does not start."""
    found = diff([file("run", kind=FileKind.PROGRAM)], [file("run")])
    assert found.files == [FileChange("run", FileLook(FileKind.PROGRAM, 5), FileLook(FileKind.FILE, 5))]


def test_where_a_link_leads_is_a_change() -> None:
    """And so is a link in place of a file, even if what it leads to has the same bytes."""
    found = diff(
        [link("now", "a"), file("x"), link("same", "a")], [link("now", "b"), link("x", "y"), link("same", "a")]
    )
    assert found.files == [
        FileChange("now", FileLook(FileKind.LINK, 0, "a"), FileLook(FileKind.LINK, 0, "b")),
        FileChange("x", FileLook(FileKind.FILE, 5), FileLook(FileKind.LINK, 0, "y")),
    ]


def test_names_that_are_not_utf8_are_told_apart() -> None:
    """Two names that look the same when escaped are two."""
    found = diff([file(b"caf\xe9")], [file(rb"caf\xe9")])
    assert [(change.path, change.after is None) for change in found.files] == [(r"caf\xe9", False), (r"caf\xe9", True)]


def test_a_long_list_is_cut_and_counted() -> None:
    """The totals still count everything."""
    found = diff([], [file(f"{number:03}") for number in range(30)], limit=10)
    assert [change.path for change in found.files] == [f"{number:03}" for number in range(10)]
    assert (found.left_out, found.added.files) == (20, 30)


def test_a_list_of_long_names_is_cut_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many were asked for, it has to fit into an answer."""
    monkeypatch.setattr(release_diff, "_LIST_BYTES", 1000)
    found = diff([], [file(f"{number}" + "n" * 200) for number in range(9)])
    assert (len(found.files), found.left_out) == (3, 6)


FILES = st.dictionaries(
    st.sampled_from([b"a", b"b", b"c/d", b"c/e", b"f"]),
    st.sampled_from([file("?", b"1"), file("?", b"22"), link("?", "a")]),
)


@given(before=FILES, after=FILES)
def test_every_name_is_counted_once(before: Files, after: Files) -> None:
    """Both ways round: what one adds the other removes, and nothing is lost between the totals."""
    old, new = ([IndexedFile(path, *_rest(one)) for path, one in files.items()] for files in (before, after))
    there, back = diff(old, new), compare(R2, new, R1, old, 100)
    assert (there.added, there.removed, there.changed_before) == (back.removed, back.added, back.changed_after)
    assert there.removed.files + there.changed_before.files + there.unchanged.files == len(before)
    assert there.added.bytes + there.changed_after.bytes + there.unchanged.bytes == sum(one.size for one in new)
    assert {change.path.encode() for change in there.files} == {
        path for path in {*before, *after} if before.get(path) != after.get(path)
    }


def _rest(one: IndexedFile) -> tuple[FileKind, int, bytes]:
    return one.kind, one.size, one.content
