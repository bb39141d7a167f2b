"""A release that brings its own ``storage``: the persistent one takes its place, and loses nothing to it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from potions.schema import EventKind
from support.archives import file, link, packed, tar
from support.platform import Platform
from support.side_by_side import BLOG, BLOG2, SideBySide

SHIPPED = {"storage/kept.txt": "the release's own", "storage/cards/new.txt": "from the release"}


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


def _shipped(how: str) -> str:
    return f'[storage]\nshipped = "{how}"\n'


@pytest.mark.parametrize("keeper", [".keep", ".gitkeep", ".gitignore"])
def test_an_empty_storage_makes_room(blogs: SideBySide, keeper: str) -> None:
    """A directory that only a repository wanted is replaced, and what storage holds is there for the new release."""
    new = blogs.release(f"with {keeper}", files={f"storage/{keeper}": ""})
    with blogs.unchanged(BLOG2):
        ended = blogs.works(new)
    slot = blogs.potions.tree(BLOG).slot(blogs.potions.live(BLOG))
    assert os.readlink(slot / "storage") == "../storage"
    assert blogs.potions.get(BLOG, "/ls?path=storage").json() == ["kept.txt"]
    assert any("storage was empty" in event.text for event in blogs.log(ended) if event.kind is EventKind.NOTE)


def test_a_storage_with_files_is_refused(blogs: SideBySide) -> None:
    """The error names the files and both ways out."""
    ended = blogs.fails(blogs.release("3", files=SHIPPED), "shipped-storage")
    assert ended.failure is not None
    assert "storage/cards/new.txt, storage/kept.txt" in ended.failure.why
    assert '"discard"' in ended.failure.do
    assert '"seed"' in ended.failure.do


def test_a_storage_that_is_a_file_is_refused(blogs: SideBySide) -> None:
    """It could be anybody's data, so it is not simply replaced."""
    ended = blogs.fails(blogs.release("3", files={"storage": "a file"}), "shipped-storage")
    assert ended.failure is not None
    assert "a file of that name" in ended.failure.why


@pytest.mark.parametrize("how", ["refuse", "seed"])
def test_a_storage_that_is_a_link_is_refused(blogs: SideBySide, how: str) -> None:
    """A link leads somewhere else than to the app's storage; there is nothing in it to copy either."""
    archive = [file("Procfile", b"web: sleep 60\n"), file("data/a.txt"), link("storage", "data")]
    manifest = file("potions.toml", _shipped(how).encode())
    ended = blogs.fails(packed(tar([*archive, manifest])), "shipped-storage")
    assert ended.failure is not None
    assert "a link of that name" in ended.failure.why


def test_a_link_that_leads_out_by_the_name_of_storage_is_unsafe(blogs: SideBySide) -> None:
    """A slot that somebody packed as it was on a server is refused like every link that leads out."""
    archive = [file("Procfile", b"web: sleep 60\n"), link("storage", "../storage")]
    blogs.fails(packed(tar(archive)), "archive-unsafe")


def test_a_discarded_storage_leaves_the_persistent_one_alone(blogs: SideBySide) -> None:
    """What the release brought is gone, and nothing in storage changed."""
    new = blogs.release("discard", files=SHIPPED, manifest=_shipped("discard"))
    before = blogs.look(BLOG).storage
    with blogs.unchanged(BLOG2):
        ended = blogs.works(new)
    assert blogs.look(BLOG).storage == before
    assert blogs.potions.get(BLOG, "/file?path=storage/kept.txt").text == BLOG
    assert any("discarded" in event.text for event in blogs.log(ended) if event.kind is EventKind.NOTE)


def test_a_seeding_storage_brings_only_what_is_missing(blogs: SideBySide) -> None:
    """Files that storage has are never replaced; new ones belong to the app, which can change them."""
    new = blogs.release("seed", files=SHIPPED, manifest=_shipped("seed"))
    with blogs.unchanged(BLOG2):
        ended = blogs.works(new)
    assert blogs.look(BLOG).storage == {
        "cards": "/",
        "cards/new.txt": b"from the release",
        "kept.txt": BLOG.encode(),
    }
    seeded = blogs.potions.get(BLOG, "/stat?path=storage/cards/new.txt").json()
    kept = blogs.potions.get(BLOG, "/stat?path=storage/kept.txt").json()
    assert (seeded["uid"], seeded["gid"]) == (kept["uid"], kept["gid"])
    assert blogs.potions.request("PUT", BLOG, "/file?path=storage/cards/new.txt", content=b"mine").is_success
    blogs.works(new)
    assert blogs.potions.get(BLOG, "/file?path=storage/cards/new.txt").text == "mine"
    assert any("1 files" in event.text for event in blogs.log(ended) if event.kind is EventKind.NOTE)
