"""An archive on its way in: kept whole under its hash, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import AppDirectoryGone, AppUnknown, ArchiveBroken, NoRoom, ReleaseRefused
from potions.layout import AppTree
from potions.model.app import App
from potions.service import Service
from potions.service.deployments import Upload
from support.archives import file, packed, tar

ARCHIVE = packed(tar([file("a", os.urandom(3000))]))
HASH = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def upload(service: Service, app: App) -> Iterator[Upload]:
    made = service.deployments.begin_upload(app.name, None, None)
    yield made
    made.discard()


def files(tree: AppTree) -> list[str]:
    return sorted(path.name for path in tree.releases.iterdir())


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(cuts=st.lists(st.integers(0, len(ARCHIVE)), max_size=6))
def test_an_archive_is_kept_under_its_hash(service: Service, app: App, tree: AppTree, cuts: list[int]) -> None:
    """However it is cut into pieces: byte for byte, with its kind, and readable by the platform alone."""
    upload = service.deployments.begin_upload(app.name, len(ARCHIVE), 3000)
    ends = [0, *sorted(cuts), len(ARCHIVE)]
    for start, end in pairwise(ends):
        upload.write(ARCHIVE[start:end])
    release = service.deployments.finish_upload(app.name, upload, "blog.tar.gz", len(ARCHIVE))
    upload.discard()
    assert (release.id, release.suffix, release.packed_bytes) == (HASH, "tar.gz", len(ARCHIVE))
    assert files(tree) == [f"{HASH}.tar.gz"]
    kept = tree.archive(HASH, "tar.gz")
    assert kept.read_bytes() == ARCHIVE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_same_archive_is_stored_once(service: Service, app: App, tree: AppTree) -> None:
    """The second keeps the first one's file and its label; another archive gets its own."""
    labels = []
    for number in range(3):
        data = ARCHIVE if number < 2 else gzip.compress(b"another")
        upload = service.deployments.begin_upload(app.name, None, None)
        upload.write(data)
        labels.append(service.deployments.finish_upload(app.name, upload, "blog.tar.gz", None).label)
        upload.discard()
        if number == 0:
            before = tree.archive(HASH, "tar.gz").stat()
    assert labels[0] == labels[1] != labels[2]
    assert len(files(tree)) == 2
    assert tree.archive(HASH, "tar.gz").stat().st_ino == before.st_ino


def test_a_kept_archive_that_was_damaged_is_replaced(service: Service, app: App, tree: AppTree) -> None:
    """One of another size stands in for nothing."""
    tree.archive(HASH, "tar.gz").write_bytes(b"damaged")
    upload = service.deployments.begin_upload(app.name, None, None)
    upload.write(ARCHIVE)
    service.deployments.finish_upload(app.name, upload, "blog.tar.gz", None)
    upload.discard()
    assert tree.archive(HASH, "tar.gz").read_bytes() == ARCHIVE


@pytest.mark.parametrize("announced", [len(ARCHIVE) + 1, len(ARCHIVE) - 1, 0], ids=["more", "less", "none"])
def test_an_archive_of_another_size_is_refused(upload: Upload, tree: AppTree, announced: int) -> None:
    """Both sizes are told, and nothing is kept."""
    upload.write(ARCHIVE)
    with pytest.raises(ArchiveBroken) as refused:
        upload.keep(announced)
    assert f"{len(ARCHIVE):,}" in refused.value.what
    upload.discard()
    assert files(tree) == []


def test_nothing_is_no_archive(upload: Upload, tree: AppTree) -> None:
    """Also when an empty piece came."""
    upload.write(b"")
    with pytest.raises(ArchiveBroken, match="empty"):
        upload.keep(0)
    upload.discard()
    assert files(tree) == []


@pytest.mark.parametrize("data", [b"7z\xbc\xaf\x27\x1c", b"just text", b"\0" * 600, b"\x1f"])
def test_what_is_no_archive_is_refused(upload: Upload, tree: AppTree, data: bytes) -> None:
    """Known by its first bytes; nothing is kept."""
    upload.write(data)
    with pytest.raises((ReleaseRefused, ArchiveBroken)):
        upload.keep(None)
    upload.discard()
    assert files(tree) == []


def test_an_upload_that_breaks_off_leaves_nothing(upload: Upload, tree: AppTree) -> None:
    """Discarded at any moment, twice, and after it was kept."""
    upload.write(ARCHIVE[:100])
    assert len(files(tree)) == 1
    upload.discard()
    upload.discard()
    assert files(tree) == []


def test_a_discard_leaves_what_was_kept(upload: Upload, tree: AppTree) -> None:
    """It only takes away what is on its way."""
    upload.write(ARCHIVE)
    upload.keep(None)
    upload.discard()
    assert files(tree) == [f"{HASH}.tar.gz"]


def test_a_discard_on_a_full_disk_leaves_nothing(tree: AppTree) -> None:
    """What was not yet written is refused then, and goes all the same."""
    path = tree.releases / ".incoming-1"
    path.touch()
    with closing(Path("/dev/full").open("wb")) as full:
        upload = Upload(tree, full, path)
        upload.write(b"some bytes that wait for the end")
        upload.discard()
    assert not path.exists()


@pytest.mark.parametrize(("packed_bytes", "unpacked"), [(2**60, 0), (0, 2**60), (2**59, 2**59), (10**30, None)])
def test_what_the_disk_would_not_hold_is_refused_beforehand(
    service: Service, app: App, tree: AppTree, packed_bytes: int, unpacked: int | None
) -> None:
    """Archive and files count together; both figures are told, and nothing is begun."""
    with pytest.raises(NoRoom) as refused:
        service.deployments.begin_upload(app.name, packed_bytes, unpacked)
    assert f"{packed_bytes + (unpacked or 0):,}"[:6] in refused.value.why
    assert files(tree) == []


def test_an_app_that_is_not_there_takes_nothing(service: Service, app: App, tree: AppTree) -> None:
    """Unknown, or its directory is gone."""
    with pytest.raises(AppUnknown):
        service.deployments.begin_upload("nobody", None, None)
    tree.storage.rmdir()
    with pytest.raises(AppDirectoryGone):
        service.deployments.begin_upload(app.name, None, None)


def test_an_app_that_is_removed_meanwhile_leaves_no_trace(upload: Upload, tree: AppTree) -> None:
    """Whoever discards then finds nothing to do."""
    upload.write(ARCHIVE)
    tree.root.rename(tree.root.with_name("elsewhere"))
    upload.discard()
    tree.root.with_name("elsewhere").rename(tree.root)


def test_a_kept_archive_whose_disk_is_damaged_is_replaced(service: Service, app: App, tree: AppTree) -> None:
    """Its length alone says nothing: one byte of it is another one."""
    kept = tree.archive(HASH, "tar.gz")
    kept.write_bytes(ARCHIVE[:-1] + bytes([ARCHIVE[-1] ^ 1]))
    upload = service.deployments.begin_upload(app.name, None, None)
    upload.write(ARCHIVE)
    service.deployments.finish_upload(app.name, upload, "blog.tar.gz", None)
    upload.discard()
    assert kept.read_bytes() == ARCHIVE
