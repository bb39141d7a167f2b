"""What each release is to its app, and what differs between two of them. No app runs here."""

from __future__ import annotations

from hashlib import sha256

import pytest

from potions.errors import (
    ArchiveBroken,
    ArchiveUnsafe,
    DeploymentUnknown,
    NameRefused,
    NothingDeployed,
    NothingToCompare,
    PotionsError,
    ReleaseUnknown,
)
from potions.model.app import App
from potions.names import ReleaseId
from potions.schema import FileChange, FileKind, FileLook, Total
from potions.service import Service
from potions.service.context import Context
from support.archives import file, link, packed, tar
from support.histories import Past


@pytest.fixture
def past(context: Context, app: App) -> Past:
    return Past(context, app, keep=2)


def states(service: Service) -> dict[str, str]:
    return {entry.release.label: entry.state.value for entry in service.releases.releases("blog")}


def keep(past: Past, *members: tuple, suffix: str = "tar.gz") -> str:
    """Keep an archive with these members; its label."""
    archive = packed(tar(members), suffix)
    id = ReleaseId(sha256(archive).hexdigest())
    past.tree.archive(id, suffix).write_bytes(archive)
    return past.context.store.add_release(past.app.id, id, suffix, len(archive), "x").label


# What there is


def test_an_app_without_releases_has_an_empty_list(service: Service, past: Past) -> None:
    """Nothing was sent yet."""
    assert service.releases.releases("blog") == []


def test_each_release_says_what_it_is(service: Service, past: Past) -> None:
    """What serves, what a rollback goes to, what is kept or pruned, waits, or never served; newest label first."""
    for content in "abcd":
        past.deploy(content)
    past.fail(past.queue(past.send("e")))
    past.queue(past.send("f"))
    past.send("g")
    assert states(service) == {
        "r7": "unserved",
        "r6": "waiting",
        "r5": "unserved",
        "r4": "serves",
        "r3": "rollback",
        "r2": "pruned",
        "r1": "pruned",
    }
    past.deploy("a")
    assert states(service)["r1"] == "serves"
    assert [one.number for one in service.releases.releases("blog")[-1].deployments] == [7, 1]


def test_a_release_in_both_slots_serves(service: Service, past: Past) -> None:
    """A rollback of a redeploy goes to the same release; what it is in the first place is what serves."""
    past.deploy("a")
    past.redeploy()
    assert states(service) == {"r1": "serves"}


def test_an_archive_that_somebody_removed_is_missing(service: Service, context: Context, app: App) -> None:
    """It is not called kept."""
    past = Past(context, app)
    first, *_ = [past.deploy(content) for content in "abc"]
    past.tree.archive(first.release.id, first.release.suffix).unlink()
    assert states(service) == {"r3": "serves", "r2": "rollback", "r1": "missing"}


def test_an_app_whose_directory_is_gone_still_has_its_list(service: Service, past: Past) -> None:
    """Nothing serves there any more."""
    past.deploy("a")
    kept = past.tree.root.with_name("kept")
    past.tree.root.rename(kept)
    try:
        assert states(service) == {"r1": "missing"}
    finally:
        kept.rename(past.tree.root)


# What differs


def test_a_diff_is_of_the_last_deploy(service: Service, past: Past) -> None:
    """Without names it is what serves against what served before; one name is compared with what serves."""
    for content in ("a", "bb", "ccc"):
        past.deploy(content)
    found = service.releases.diff("blog", None, None, 10)
    assert (found.before.label, found.after.label) == ("r2", "r3")
    assert found.files == [FileChange("content.txt", FileLook(FileKind.FILE, 2), FileLook(FileKind.FILE, 3))]
    past.fail(past.queue(past.send("dddd")))
    for before, after, labels in (
        ("r4", None, ("r4", "r3")),
        ("2", "r4", ("r2", "r4")),
        (None, "r4", ("r2", "r4")),
        ("r3", "3", ("r3", "r3")),
    ):
        found = service.releases.diff("blog", before, after, 10)
        assert (found.before.label, found.after.label) == labels
        assert len(found.files) == (0 if labels == ("r3", "r3") else 1)


def test_releases_packed_differently_are_compared_by_what_is_in_them(service: Service, past: Past) -> None:
    """Another compression and an enclosing directory are no difference; links and executable bits are."""
    one = keep(past, file("a", b"1"), file("run"), link("now", "a"))
    same = keep(past, file("app/a", b"1"), file("app/run"), link("app/now", "a"), suffix="tar.zst")
    other = keep(past, file("a", b"1"), file("run", mode=0o755), link("now", "run"))
    assert service.releases.diff("blog", one, same, 10).unchanged == Total(3, 6)
    found = service.releases.diff("blog", one, other, 10)
    assert [change.path for change in found.files] == ["now", "run"]


def test_what_a_release_holds_is_known_after_a_diff(service: Service, past: Past) -> None:
    """Also of one that was unpacked before anybody counted."""
    one = keep(past, file("a", b"1"), file("b", b"22"))
    two = keep(past, file("a", b"333"))
    service.releases.diff("blog", one, two, 0)
    held = {entry.release.label: entry.release for entry in service.releases.releases("blog")}
    assert (held[one].files, held[one].unpacked_bytes) == (2, 3)
    assert (held[two].files, held[two].unpacked_bytes) == (1, 3)


def test_a_diff_needs_something_to_compare(service: Service, past: Past) -> None:
    """Nothing deployed, or only one release: each is told, with how to name two."""
    with pytest.raises(NothingDeployed):
        service.releases.diff("blog", None, None, 10)
    past.deploy("a")
    with pytest.raises(NothingToCompare, match="potions diff blog r1 r2"):
        service.releases.diff("blog", None, None, 10)


@pytest.mark.parametrize(
    ("before", "error"),
    [
        ("r9", ReleaseUnknown),
        ("9", DeploymentUnknown),
        ("r1", ReleaseUnknown),
        ("1", ReleaseUnknown),
        ("x", NameRefused),
    ],
)
def test_a_release_that_is_not_there_is_told(
    service: Service, past: Past, before: str, error: type[PotionsError]
) -> None:
    """Unknown, pruned, or no name of a release at all."""
    for content in "abcd":
        past.deploy(content)
    with pytest.raises(error):
        service.releases.diff("blog", before, None, 10)


def test_archives_that_cannot_be_unpacked_cannot_be_compared(service: Service, past: Past) -> None:
    """A hostile one, a broken one and one that is gone are refused, as a deploy refuses them; nothing is left."""
    good = keep(past, file("a"))
    hostile = keep(past, file("a"), file("../evil"))
    with pytest.raises(ArchiveUnsafe):
        service.releases.diff("blog", good, hostile, 10)
    broken = past.send("b")
    archive = past.tree.archive(broken.id, broken.suffix)
    archive.write_bytes(archive.read_bytes()[:-9] + b"damaged!!")
    with pytest.raises(ArchiveBroken):
        service.releases.diff("blog", broken.label, good, 10)
    archive.unlink()
    with pytest.raises(ReleaseUnknown):
        service.releases.diff("blog", broken.label, good, 10)
    assert not list(past.tree.root.rglob("evil"))
