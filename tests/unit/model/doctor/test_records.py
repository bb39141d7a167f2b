"""Judging the store against the disk, and what was left half-made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from potions.layout import Colour
from potions.model.deployment import Status
from potions.model.doctor import leftovers, records

HASH, OTHER = "a" * 64, "b" * 64
KEPT = records.ArchiveKnown("r1", f"/r/{HASH}.tar.gz", 100, pruned=False)
PRUNED = records.ArchiveKnown("r2", f"/r/{OTHER}.tar.gz", 100, pruned=True)
KNOWN = {HASH: KEPT, OTHER: PRUNED}


def codes(found: object) -> list[str]:
    return [one.code for one in list(found)]  # type: ignore[call-overload]


# The link in a slot


@pytest.mark.parametrize(
    ("thing", "target", "expected", "mended"),
    [
        ("link", "../storage", [], False),
        ("link", "/h/apps/blog/storage", [], False),
        ("", "", ["storage-link-missing"], True),
        ("link", "/etc", ["storage-link-replaced"], False),
        ("directory", "", ["storage-link-replaced"], False),
        ("other", "", ["storage-link-replaced"], False),
    ],
)
def test_what_a_slot_has_for_storage(thing: str, target: str, expected: list[str], mended: bool) -> None:
    """Only a name that is free is ever given the link; what has it already may be somebody's files."""
    seen = records.StorageLinkSeen("/h/apps/blog/blue/storage", thing, target)
    found = list(records.judge_storage_link("blog", seen, ("../storage", "/h/apps/blog/storage")))
    assert codes(found) == expected
    assert all(bool(one.fix) == mended for one in found)


# Archives and logs


def archive(path: str, *, size: int = 100, age: float = 3600.0) -> records.ArchiveSeen:
    return records.ArchiveSeen(path, path.rpartition("/")[2].partition(".")[0], size, age)


def test_archives_as_the_store_knows_them() -> None:
    """One that is kept is there; one that was pruned is not."""
    assert codes(records.judge_archives("blog", [archive(KEPT.path)], KNOWN)) == []


def test_an_archive_that_is_gone_or_cut() -> None:
    """Its release cannot be deployed again."""
    (gone,) = records.judge_archives("blog", [], KNOWN)
    (cut,) = records.judge_archives("blog", [archive(KEPT.path, size=99)], KNOWN)
    assert (gone.code, cut.code) == ("archive-missing", "archive-missing")
    assert "is missing" in gone.what and "99 bytes instead of 100" in cut.what


def test_a_file_that_is_no_kept_archive() -> None:
    """Left to a person: it may be what somebody has sent. One that has just arrived is not told."""
    there = [archive(KEPT.path), archive(PRUNED.path), archive("/r/notes.txt"), archive("/r/new.tar.gz", age=1.0)]
    found = list(records.judge_archives("blog", there, KNOWN))
    assert [(one.place, one.fix) for one in found] == [(PRUNED.path, ""), ("/r/notes.txt", "")]
    assert "r2, which is not kept any more" in found[0].what


def test_logs_of_no_deployment() -> None:
    """Each log has its deployment."""
    found = records.judge_logs("blog", {1: "/l/deployment-1.jsonl", 7: "/l/deployment-7.jsonl"}, [1, 2])
    assert [one.place for one in found] == ["/l/deployment-7.jsonl"]


# Directories and the trash


def test_directories_of_no_app() -> None:
    """Never mended: what is in them may be somebody's."""
    found = records.judge_directories({"blog": "/a/blog", "blog2": "/a/blog2"}, ["blog"])
    assert [(one.place, one.fix) for one in found] == [("/a/blog2", "")]


def test_the_trash() -> None:
    """What lies there has a record, and each record something that lies there."""
    until = datetime(2026, 11, 24, tzinfo=UTC)
    there = {"blog.1": "/t/blog.1", "odd": "/t/odd"}
    found = list(records.judge_trash(there, {"blog.1": ("blog", until), "shop.2": ("shop", until)}))
    assert [(one.code, one.place, one.fix) for one in found] == [
        ("trash-stray", "/t/odd", ""),
        ("trash-empty", "shop.2", ""),
    ]


# Deployments


def deployment(**more: Any) -> records.DeploymentSeen:
    fields: dict[str, Any] = {"status": Status.BUILDING, "draining": False, "worked_on": False, "age": 3600.0}
    return records.DeploymentSeen("blog", 3, **(fields | more))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([deployment()], 1),
        ([deployment(worked_on=True)], 0),
        ([deployment(age=5.0)], 0),
        ([deployment(status=Status.QUEUED)], 1),
        ([deployment(status=Status.QUEUED), deployment(worked_on=True)], 0),
        ([deployment(status=Status.SUCCEEDED, draining=True)], 1),
        ([deployment(status=Status.SUCCEEDED, draining=True, worked_on=True)], 0),
    ],
)
def test_deployments_that_nobody_works_on(seen: list[records.DeploymentSeen], expected: int) -> None:
    """One that waits while another is worked on has its turn yet to come; what has just begun is given time."""
    assert codes(records.judge_deployments(seen)) == ["deployment-stuck"] * expected


# Half-made things


@pytest.mark.parametrize(
    ("name", "age", "expected"),
    [
        (".potions-0123456789abcdef", 100, True),
        (".potions-0123456789abcdef", 5, False),
        (".potions-0123456789abcdef", -100, False),
        (".potions-0123456789abcdeg", 100, False),
        (".potions-0123456789abcdef.bak", 100, False),
        ("x.potions-0123456789abcdef", 100, False),
        (".potions-0123456789abcdef\n", 100, False),
        (".live.new", 100, True),
        (".live", 100, False),
    ],
)
def test_which_names_are_temporary(name: str, age: float, expected: bool) -> None:
    """Exactly those that Potions makes, once they are older than any rename takes; not while the clock is set back."""
    assert leftovers.is_temporary(name, age) is expected


def test_which_names_are_uploads() -> None:
    """Exactly those that Potions makes."""
    assert leftovers.is_upload(".incoming-" + "0" * 32)
    assert not leftovers.is_upload(".incoming-mine")


def test_what_lies_beside_the_slots() -> None:
    """Mended where nobody has to decide what stays in the slot."""
    seen = [(Colour.BLUE, "/a/.slots/blue.previous"), (Colour.GREEN, "/a/.slots/green.incoming")]
    found = leftovers.judge_slots("blog", seen, settled=frozenset({Colour.GREEN}))
    assert [bool(one.fix) for one in found] == [False, True]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("blog.blue", False),
        ("blog.green.worker.mail", False),
        ("caddy", False),
        ("epmd", False),
        ("blog2.blue", True),
        ("blog.purple", True),
    ],
)
def test_programs_of_no_slot(name: str, expected: bool) -> None:
    """Parts of the platform have no dot in their names; `blog` is not `blog2`."""
    assert codes(leftovers.judge_programs([name], ["blog"])) == ["program-stray"] * expected


def test_what_is_told_of_the_rest() -> None:
    """Uploads with their size; purges as an information."""
    (upload,) = leftovers.judge_uploads("blog", [leftovers.LeftSeen("/r/.incoming-1", 1234)])
    (purge,) = leftovers.judge_purges(["/t/blog.1.purge"])
    assert "1,234 bytes" in upload.what
    assert (purge.code, purge.severity) == ("purge-left", "info")
