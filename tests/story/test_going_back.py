"""Going back further than one release: by label and by number, with the variables of then, beside other deploys."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from potions.schema import Kind, VariablesChange
from support.platform import Platform, wait_for
from support.releases import as_tar_gz
from support.side_by_side import BLOG, BLOG2, SideBySide

#: Counts its builds and its migrations where a test finds them.
COUNTING = """
[run]
migrate = "echo migrated >> $HOME/migrations.txt"
[build]
command = "echo built >> $HOME/builds.txt"
[deploy]
keep = {keep}
"""
#: A command that says that it runs, and goes on when the test lets it.
HELD = """[build]
command = 'touch "$HOME/started"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done'
"""


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


def counted(blogs: SideBySide, what: str) -> int:
    path = blogs.potions.tree(BLOG).home / f"{what}.txt"
    return path.read_text().count("\n") if path.exists() else 0


def deploy(blogs: SideBySide, version: str, keep: int = 10, **variables: str) -> str:
    """Deploy a release that counts, with these variables saved before; its label."""
    if variables:
        blogs.client.change_variables(BLOG, VariablesChange(set=variables))
    return blogs.works(blogs.release(version, manifest=COUNTING.format(keep=keep))).release.label


def saved(blogs: SideBySide) -> dict[str, str | None]:
    return {one.name: one.value for one in blogs.client.variables(BLOG, reveal=True) if one.liveness != "removed"}


@pytest.mark.contract("B12")
def test_any_kept_release_can_be_gone_back_to(blogs: SideBySide) -> None:
    """By label or number: unpacked and built again, never migrated, with the variables of then; storage stays."""
    potions = blogs.potions
    one, two, three = (deploy(blogs, version, FEATURE=version) for version in ("one", "two", "three"))
    before = {entry.release.label: entry for entry in blogs.client.releases(BLOG)}
    assert [before[label].state.value for label in (one, two, three)] == ["kept", "rollback", "serves"]
    assert before[one].release.files == 6
    assert potions.request("PUT", BLOG, "/file?path=storage/new.txt", content=b"uploaded").is_success
    builds, migrations = counted(blogs, "builds"), counted(blogs, "migrations")

    said = potions.do("rollback", BLOG, "--to", one).out
    assert f"{one} is in no slot any more: it is unpacked and built again, which took" in said
    assert "Variables that change with it: FEATURE." in said
    assert "Variables that are saved, not live: 1." in said
    assert (potions.version(BLOG), blogs.environment(BLOG)["FEATURE"]) == ("one", "one")
    assert potions.get(BLOG, "/file?path=storage/new.txt").text == "uploaded"
    assert (counted(blogs, "builds"), counted(blogs, "migrations")) == (builds + 1, migrations)
    assert saved(blogs)["FEATURE"] == "three"

    potions.do("rollback", BLOG)
    assert (potions.version(BLOG), blogs.environment(BLOG)["FEATURE"]) == ("three", "three")
    assert counted(blogs, "builds") == builds + 1, "what served directly before is still in its slot"

    number = next(brief.number for brief in before[two].deployments)
    potions.do("rollback", BLOG, "--to", str(number), "--env", "current")
    assert (potions.version(BLOG), blogs.environment(BLOG)["FEATURE"]) == ("two", "three")
    newest = blogs.client.deployments(BLOG)[0]
    assert (newest.kind, newest.target, newest.release.label) == (Kind.ROLLBACK, number, two)
    assert f"rollback to {number}" in potions.do("deployments", BLOG, "--limit", "1").out
    assert counted(blogs, "migrations") == migrations


@pytest.mark.contract("B12")
def test_the_same_archive_is_stored_once(blogs: SideBySide) -> None:
    """However often it is sent; beyond `keep` it goes, says so, and has its label again when it is sent again."""
    potions, releases = blogs.potions, blogs.potions.tree(BLOG).releases
    archive = as_tar_gz(blogs.release("once", manifest=COUNTING.format(keep=2)))
    first = blogs.works(archive).release
    stored = set(os.listdir(releases))
    assert blogs.works(archive).release.label == first.label
    assert set(os.listdir(releases)) == stored
    two, three = (deploy(blogs, version, keep=2) for version in ("two", "three"))
    assert {path.name for path in releases.iterdir()} == {
        f"{one.release.id}.{one.release.suffix}"
        for one in blogs.client.releases(BLOG)
        if one.release.label in (two, three)
    }
    refused = potions.refused("rollback", BLOG, "--to", first.label).err
    assert f"{first.label} of {BLOG} is not kept any more." in refused
    assert f"Kept are: {three}, {two}." in refused
    assert f"{first.label} " in potions.do("releases", BLOG).out
    assert blogs.works(archive).release.label == first.label
    assert potions.version(BLOG) == "once"
    states = {one.release.label: one.state.value for one in blogs.client.releases(BLOG)}
    assert (states[first.label], states[three], states[two]) == ("serves", "rollback", "pruned")


def test_an_older_release_is_back_while_another_app_deploys(blogs: SideBySide) -> None:
    """It is unpacked and built beside the deploy of the other app, and waits for nothing but its own app."""
    old = deploy(blogs, "old")
    for version in ("newer", "newest"):
        deploy(blogs, version)
    home = blogs.potions.tree(BLOG2).home
    held = blogs.send(blogs.release("held", manifest=HELD), BLOG2)
    wait_for((home / "started").exists, "the other app builds")
    waiting = blogs.send(blogs.release("waiting"))
    builds = counted(blogs, "builds")
    try:
        done = blogs.potions.json("rollback", BLOG, "--to", old)
        assert (done["status"], done["release"]["label"]) == ("succeeded", old)
        assert blogs.potions.version(BLOG) == "old"
        assert counted(blogs, "builds") == builds + 1
        assert blogs.client.deployment(BLOG2, held.number).status == "building"
        assert blogs.client.deployment(BLOG, waiting.number).status == "queued"
    finally:
        (home / "go").touch()
    assert blogs.end_of(held).status == "succeeded"
    assert blogs.end_of(waiting).status == "succeeded"


def test_a_release_that_starts_no_more_changes_nothing(blogs: SideBySide) -> None:
    """What it needs outside of itself is gone: its own words say so, and what serves goes on in its slot."""
    tool = blogs.potions.folder / "tool"
    tool.write_text('#!/bin/sh\nexec python3 behave.py "$@"\n')
    tool.chmod(0o755)
    old = blogs.works(blogs.release("old", procfile=f"web: exec {tool}")).release.label
    for version in ("newer", "newest"):
        deploy(blogs, version)
    tool.unlink()
    with blogs.unchanged(BLOG, BLOG2):
        outcome = blogs.potions.refused("rollback", BLOG, "--to", old)
        failed = blogs.end_of(blogs.client.deployments(BLOG)[0])
    serves = blogs.client.app(BLOG).summary.serves
    assert serves is not None
    assert f"{tool}: not found" in outcome.out
    assert f"Rollback {failed.number} of {BLOG} failed. The new release ended while it was checked." in outcome.err
    assert f"The release before it ({serves.label}) still serves." in outcome.err
    assert (failed.status, failed.kind) == ("failed", Kind.ROLLBACK)
    blogs.potions.do("rollback", BLOG)
    assert blogs.potions.version(BLOG) == "newer", "the slot still holds what served before"


def test_a_slot_that_stands_by_with_other_variables_is_started_anew(blogs: SideBySide) -> None:
    """It runs as one deployment, and another one of the same release is asked for: that one's variables count."""
    deploy(blogs, "same", FEATURE="first")
    first = blogs.client.deployments(BLOG)[0].number
    blogs.client.change_variables(BLOG, VariablesChange(set={"FEATURE": "second"}))
    blogs.potions.do("redeploy", BLOG)
    blogs.works(blogs.release("later", manifest='[deploy]\nstandby = "10m"\n'))
    assert blogs.client.rollback_preview(BLOG).way == "running"
    assert blogs.client.rollback_preview(BLOG, str(first)).way == "held"
    blogs.potions.do("rollback", BLOG, "--to", str(first))
    assert (blogs.potions.version(BLOG), blogs.environment(BLOG)["FEATURE"]) == ("same", "first")
    assert "serves blog already" in blogs.potions.refused("rollback", BLOG, "--to", str(first)).err
    blogs.end_of(blogs.client.deployments(BLOG)[0])


def test_what_differs_between_two_releases(blogs: SideBySide) -> None:
    """Without names it is what the last deploy changed, read from the archives as they were sent."""
    blogs.works(as_tar_gz(blogs.release("1", files={"gone.txt": "gone", "same.txt": "same"})))
    blogs.works(blogs.release("2", files={"new.txt": "new!!", "same.txt": "same"}))
    out = blogs.potions.do("diff", BLOG).out
    for line in ("  - gone.txt  4 bytes", "  + new.txt  5 bytes", "  added      1 file, 5 bytes"):
        assert line in out.splitlines()
    assert "behaviour.json" in out
    assert "same.txt" not in out
