"""Every kind of archive, and a directory as it lies in Git: from `potions deploy` to what serves, and back."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator

import pytest

from potions.model.archive_format import ARCHIVE_SUFFIXES
from potions.schema import EventKind
from support.archives import file
from support.platform import Platform
from support.releases import as_archive
from support.side_by_side import BLOG, BLOG2, SideBySide
from support.zips import Entry, zip_of, zipped


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_an_archive_is_deployed_as_a_directory_is(blogs: SideBySide, suffix: str) -> None:
    """Every kind is known by its content, whatever it is called, kept under its own, unpacked, and serves."""
    archive = as_archive(blogs.release(suffix), suffix).rename(blogs.potions.folder / "release.bin")
    with blogs.unchanged(BLOG2):
        ended = blogs.works(archive)
    assert blogs.potions.version(BLOG) == ended.release.suffix == suffix
    kept = blogs.potions.tree(BLOG).archive(ended.release.id, suffix)
    assert kept.read_bytes() == archive.read_bytes()


def test_going_back_and_again_asks_for_no_kind(blogs: SideBySide) -> None:
    """A rollback brings a zip back, a redeploy unpacks it anew from what was kept."""
    zip_release = blogs.works(as_archive(blogs.release("by zip"), "zip")).release
    blogs.works(as_archive(blogs.release("by tar"), "tar"))
    assert blogs.end_of(blogs.client.rollback(BLOG)).release == zip_release
    assert blogs.potions.version(BLOG) == "by zip"
    again = blogs.end_of(blogs.client.deploy(BLOG))
    assert (again.release, blogs.potions.version(BLOG)) == (zip_release, "by zip")


HOSTILE = {
    "archive-unsafe": zipped([file("Procfile", b"web: sleep 60\n"), file("../evil")]),
    "archive-broken": zip_of([Entry(b"Procfile"), Entry(b"evil")], listed=[Entry(b"evil")]),
    "archive-unreadable": zip_of([Entry(b"Procfile"), Entry(b"evil", flags=1)]),
}


@pytest.mark.parametrize("code", HOSTILE)
def test_a_zip_that_cannot_be_unpacked_leaves_nothing(blogs: SideBySide, code: str) -> None:
    """Neither beside the slot nor in it, and the archive is not kept: nobody could ever use it."""
    blogs.fails(HOSTILE[code], code)
    assert not list(blogs.potions.folder.rglob("evil"))


def test_a_release_of_many_files_is_followed(blogs: SideBySide) -> None:
    """How much of the archive is unpacked is told while it is, up to all of it."""
    noise = random.Random(1)
    files: dict[str, str | bytes] = {f"lib/{n % 50}/{n}.bin": noise.randbytes(8_000) for n in range(2_000)}
    ended = blogs.works(blogs.release("large", files=files))
    heard = [(event.done, event.total) for event in blogs.log(ended) if event.kind is EventKind.PROGRESS]
    assert heard == sorted(heard)
    assert heard[-1] == (ended.release.packed_bytes,) * 2
    assert blogs.potions.get(BLOG, "/file?path=lib/49/1999.bin").content == files["lib/49/1999.bin"]
    assert any("2,0" in event.text for event in blogs.log(ended) if event.kind is EventKind.NOTE)


def test_of_a_checkout_is_sent_what_belongs_to_it(blogs: SideBySide) -> None:
    """What Git ignores, its own folder, and what was written into a storage meanwhile stay at home, and it is said."""
    mine = {
        "storage/draft.txt": "mine",
        "node_modules/a.js": "x",
        ".env": "KEY=1",
        ".gitignore": ".env\nnode_modules\n",
    }
    checkout = blogs.release("checkout", files=mine)
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    before = blogs.look(BLOG).storage
    said = blogs.potions.do("deploy", str(checkout), "--app", BLOG).out.splitlines()
    assert said[:2] == [
        "· not sent: .env, node_modules/ (ignored by Git)",
        "· storage/ stays here: 1 file, 4 bytes; it is not part of a release",
    ]
    slot = blogs.potions.tree(BLOG).slot(blogs.potions.live(BLOG))
    sent = {".gitignore", "Procfile", "behave.py", "behaviour.json", "routes.py", "wire.py", "storage"}
    assert {name for name in os.listdir(slot) if name != "__pycache__"} == sent
    assert os.readlink(slot / "storage") == "../storage"
    assert blogs.look(BLOG).storage == before
