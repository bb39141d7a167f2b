"""Releases that cannot be deployed, and what is done with those that can: archives, manifests, builds, migrations."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.errors import ArchiveBroken, PotionsError, ReleaseRefused
from potions.schema import VariablesChange
from support.archives import file, hard_link, link, member, packed, tar
from support.platform import Platform, wait_for
from support.releases import as_tar_gz
from support.side_by_side import BLOG, BLOG2, SideBySide

SECRET = "wolpertinger-4711"


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


# Archives


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.zst"])
def test_a_truncated_archive_is_refused(blogs: SideBySide, suffix: str) -> None:
    """What was cut off is named as such, and nothing of it stays."""
    whole = packed(tar([file("Procfile", b"web: sleep 60\n"), file("data", os.urandom(200_000))]), suffix)
    ended = blogs.fails(whole[: len(whole) // 2], "archive-broken")
    assert ended.failure is not None
    assert "cut off" in ended.failure.why


@pytest.mark.parametrize(
    "content",
    [b"\x1f\x8bno gzip behind these two bytes", packed(b"no tar" * 500), packed(tar([]))],
    ids=["no gzip", "no tar", "no file"],
)
def test_what_only_looks_like_a_release_is_refused(blogs: SideBySide, content: bytes) -> None:
    """Garbage behind the right first bytes, something packed that is no tar, and a tar of nothing are all broken."""
    blogs.fails(content, "archive-broken")


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", ArchiveBroken), (b"7z\xbc\xaf\x27\x1c", ReleaseRefused), (b"<html>", ReleaseRefused)],
    ids=["empty", "7z", "text"],
)
def test_what_is_no_archive_is_refused_as_it_arrives(
    blogs: SideBySide, content: bytes, error: type[PotionsError]
) -> None:
    """Nothing is kept, and no deployment is made of it."""
    before = blogs.client.deployments(BLOG)
    with blogs.unchanged(BLOG, BLOG2), pytest.raises(error):
        blogs.send(content)
    assert blogs.client.deployments(BLOG) == before


@pytest.mark.parametrize(
    ("content", "status", "words"), [(b"", 1, "is empty"), (b"hello", 2, "is not an archive")], ids=["empty", "text"]
)
def test_the_command_line_refuses_it_before_it_is_sent(
    blogs: SideBySide, tmp_path: Path, content: bytes, status: int, words: str
) -> None:
    """A file that cannot be a release is named, with what to do."""
    wrong = tmp_path / "wrong.tar.gz"
    wrong.write_bytes(content)
    with blogs.unchanged(BLOG, BLOG2):
        outcome = blogs.potions.refused("deploy", str(wrong), "--app", BLOG)
    assert outcome.status == status
    assert f"Error: wrong.tar.gz {words}" in outcome.err


def _hostile(folder: Path) -> dict[str, list[tuple[tarfile.TarInfo, bytes]]]:
    """Members that no release may have, each behind a good one."""
    return {
        "absolute path": [file(f"{folder}/evil")],
        "parent": [file("a/../../evil")],
        "link out": [link("evil", "../../storage")],
        "absolute link": [link("evil", "/etc/passwd")],
        "link through a link": [link("up", "a/.."), link("evil", "up/../..")],
        "file through a link": [link("a", "../storage"), file("a/evil")],
        "hard link out": [hard_link("evil", "../storage/kept.txt")],
        "hard link absolute": [hard_link("evil", "/etc/passwd")],
        "device": [member("evil", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
        "named pipe": [member("evil", type=tarfile.FIFOTYPE)],
    }


@pytest.mark.parametrize("kind", list(_hostile(Path("/"))))
def test_an_archive_that_would_leave_its_slot_is_refused(blogs: SideBySide, kind: str) -> None:
    """Neither outside of the release nor inside of it is anything left of such an archive."""
    good = [file("Procfile", b"web: python3 -m http.server $PORT\n"), file("index.html")]
    ended = blogs.fails(packed(tar([*good, *_hostile(blogs.potions.folder)[kind]])), "archive-unsafe")
    assert ended.failure is not None
    assert ended.failure.why
    assert not list(blogs.potions.folder.rglob("evil"))


def test_an_archive_that_failed_can_be_sent_again_when_it_is_whole(blogs: SideBySide) -> None:
    """A bad archive does not stand in the way of a good one."""
    whole = as_tar_gz(blogs.release("again")).read_bytes()
    blogs.fails(whole[:-20], "archive-broken")
    blogs.works(whole)
    assert blogs.potions.version(BLOG) == "again"


def test_an_upload_that_breaks_off_leaves_nothing(blogs: SideBySide) -> None:
    """Half an archive is neither kept nor left lying about, whether the client dies or only stops too early."""

    class Gone(Exception):
        """The client is no more."""

    def half() -> Iterator[bytes]:
        yield b"\x1f\x8b" + bytes(3_000_000)
        raise Gone

    releases = blogs.potions.tree(BLOG).releases
    with blogs.unchanged(BLOG, BLOG2):
        with pytest.raises(Gone):
            blogs.client.send_release(BLOG, "half", half())
        wait_for(lambda: not list(releases.glob(".incoming-*")), "the half upload goes away")
        with pytest.raises(ArchiveBroken, match="Only"):
            blogs.client.send_release(BLOG, "half", [b"\x1f\x8b" * 100], packed_bytes=1000)


# What a release says about itself


@pytest.mark.parametrize(
    ("manifest", "code", "words"),
    [
        ('[deploy]\nstop_timout = "3s"\n', "manifest-refused", "Did you mean stop_timeout?"),
        ('[storage]\nquota = "20 GB"\n', "manifest-refused", "not available yet"),
        ('[health]\ntimeout = "soon"\n', "manifest-refused", "[health] timeout"),
        ("start = [\n", "manifest-refused", "not valid TOML"),
        ('[env]\nSTORAGE_DIR = "/tmp"\n', "variable-reserved", "STORAGE_DIR is reserved (potions.toml [env])"),
        ('[env]\nPORT = "80"\n', "variable-reserved", "PORT is reserved (potions.toml [env])"),
    ],
    ids=["misspelt", "not yet", "value", "toml", "STORAGE_DIR", "PORT"],
)
def test_a_wrong_manifest_is_refused(blogs: SideBySide, manifest: str, code: str, words: str) -> None:
    """The error names the key and the way out; a key is never ignored."""
    ended = blogs.fails(blogs.release("3", manifest=manifest), code)
    assert words in str(ended.failure)


def test_a_release_without_a_start_command_is_refused(blogs: SideBySide) -> None:
    """The error says what to put into the release."""
    ended = blogs.fails(blogs.release("3", procfile=None), "no-start-command")
    assert ended.failure is not None
    assert "web: COMMAND" in ended.failure.do


def test_the_manifest_goes_before_the_procfile(blogs: SideBySide) -> None:
    """What [run] says is run; [env] gives defaults, over which a saved variable wins."""
    manifest = '[run]\nstart = "python3 behave.py"\n[env]\nFIRST = "manifest"\nSECOND = "manifest"\n'
    blogs.client.change_variables(BLOG, VariablesChange(set={"SECOND": "saved"}))
    blogs.works(blogs.release("manifest", procfile="web: exit 1", manifest=manifest))
    environment = blogs.environment(BLOG)
    assert (environment["FIRST"], environment["SECOND"]) == ("manifest", "saved")


# Builds and migrations


def test_a_build_runs_in_the_slot_as_the_app(blogs: SideBySide) -> None:
    """What it makes is there for the release, what it prints is in the log, and its HOME can be written."""
    command = "id -un > built.txt && pwd >> built.txt && touch $HOME/cache && echo all is built"
    slot = blogs.potions.tree(BLOG).slot(blogs.idle())
    with blogs.unchanged(BLOG2):
        ended = blogs.works(blogs.release("built", manifest=f'[build]\ncommand = "{command}"\n'))
    account = blogs.client.status().app_user
    assert blogs.potions.get(BLOG, "/file?path=built.txt").text == f"{account}\n{slot}\n"
    assert blogs.output(ended) == ["all is built"]


def test_a_build_that_fails_ends_the_deploy(blogs: SideBySide) -> None:
    """Its exit status and its output are told, and what it left running ends."""
    command = "sleep 300 & echo compiling; echo no such module >&2; exit 3"
    ended = blogs.fails(blogs.release("3", manifest=f'[build]\ncommand = "{command}"\n'), "build-failed")
    assert ended.failure is not None
    assert "exit status 3" in ended.failure.what
    assert blogs.output(ended) == ["compiling", "no such module"]


ASK = """\
import os, socket, urllib.request
request = urllib.request.Request("http://127.0.0.1:{http_port}/", headers={{"Host": "blog.localhost"}})
print("a visitor gets", urllib.request.urlopen(request).read().decode().strip())
with socket.socket() as new:
    print("the new release runs:", new.connect_ex(("127.0.0.1", int(os.environ["PORT"]))) == 0)
"""


@pytest.mark.contract("P13")
@pytest.mark.parametrize("place", ["Procfile", "potions.toml"])
def test_a_migration_runs_while_the_old_release_serves(blogs: SideBySide, place: str) -> None:
    """It runs before the new release does, and a visitor who comes meanwhile is answered by the old one."""
    before = blogs.potions.get(BLOG).text.strip()
    command = "python3 ask.py"
    in_procfile = place == "Procfile"
    new = blogs.release(
        f"by {place}",
        procfile="web: python3 behave.py" + (f"\nrelease: {command}" if in_procfile else ""),
        manifest=None if in_procfile else f'[run]\nmigrate = "{command}"\n',
        files={"ask.py": ASK.format(http_port=blogs.potions.http_port)},
    )
    with blogs.unchanged(BLOG2):
        ended = blogs.works(new)
    assert blogs.output(ended) == [f"a visitor gets {before}", "the new release runs: False"]
    assert blogs.potions.version(BLOG) == f"by {place}"


@pytest.mark.contract("P13")
def test_a_migration_that_fails_stops_the_deploy(blogs: SideBySide) -> None:
    """The old release serves on, and the migration's own words say why."""
    procfile = "web: python3 behave.py\nrelease: echo adding a column; echo 'column exists' >&2; exit 4"
    ended = blogs.fails(blogs.release("3", procfile=procfile), "migration-failed")
    assert ended.failure is not None
    assert "exit status 4" in ended.failure.what
    assert blogs.output(ended) == ["adding a column", "column exists"]


# Values of variables


@pytest.mark.parametrize("step", ["build", "migrate", "start"])
def test_a_value_that_is_printed_is_not_in_the_log(blogs: SideBySide, step: str) -> None:
    """Whichever step prints it: the log has the variable's name instead, on disk and on the terminal."""
    blogs.client.change_variables(BLOG, VariablesChange(set={"API_KEY": SECRET}))
    line = 'echo "the key is $API_KEY"; exit 3'
    command = {"build": "true", "migrate": "true", "start": "python3 behave.py"} | {step: line}
    manifest = f"[build]\ncommand = '{command['build']}'\n[run]\nmigrate = '{command['migrate']}'\n"
    outcome = blogs.potions.refused(
        "deploy", str(blogs.release("3", procfile=f"web: {command['start']}", manifest=manifest)), "--app", BLOG
    )
    assert "the key is [API_KEY]" in outcome.text
    log = blogs.potions.tree(BLOG).deployment_log(blogs.client.deployments(BLOG)[0].number)
    assert "the key is [API_KEY]" in log.read_text()
    for text in (outcome.text, log.read_text(), blogs.potions.do("log", BLOG).text):
        assert SECRET not in text
