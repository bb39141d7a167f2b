"""What comes from a storage: written whole or not at all, and never outside of where it belongs."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.errors import AgentLost, LocalFileRefused
from potions.local.targets import Fetched, fetch_file, fetch_folder, refuse_what_is_there
from support.archives import file, folder, hard_link, link, member, tar, tree


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder to write into, beside one that must stay as it is."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("as it was")
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def is_untouched_outside(here: Path) -> bool:
    return tree(here.parent / "outside") == {"secret": b"as it was"}


def cut(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def broken(data: bytes) -> Iterator[bytes]:
    """What comes before a connection breaks."""
    yield from cut(data)
    raise AgentLost("the connection broke")


# A file


def test_a_file_is_written_byte_for_byte(here: Path) -> None:
    """And nothing beside it."""
    data = os.urandom(100_001)
    assert fetch_file(cut(data), here / "a", replace=False) == len(data)
    assert fetch_file(iter(()), here / "empty", replace=False) == 0
    assert tree(here) == {"a": data, "empty": b""}


def test_the_umask_is_the_users_own(here: Path) -> None:
    """As any program would make it."""
    before = os.umask(0o027)
    try:
        fetch_file(cut(b"x"), here / "a", replace=False)
        fetch_folder(cut(tar([file("run", mode=0o755), file("f"), folder("d", mode=0o777)])), here / "n")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((here / name).stat().st_mode) for name in ("a", "n", "n/run", "n/f", "n/d")]
    assert modes == [0o640, 0o750, 0o750, 0o640, 0o750]


def test_what_is_there_is_replaced_only_on_request(here: Path) -> None:
    """Only a file is; a link is not, nor what it leads to, nor a device."""
    (here / "a").write_text("old")
    (here / "d").mkdir()
    (here / "l").symlink_to(here.parent / "outside" / "secret")
    os.mkfifo(here / "p")
    before = sorted(os.listdir(here))
    for name in ("a", "d", "l", "p"):
        with pytest.raises(LocalFileRefused, match="already"):
            fetch_file(cut(b"new"), here / name, replace=False)
        with pytest.raises(LocalFileRefused, match="already"):
            fetch_folder(cut(tar([file("f")])), here / name)
    for name in ("d", "l", "p"):
        with pytest.raises(LocalFileRefused, match="no file"):
            fetch_file(cut(b"new"), here / name, replace=True)
    assert (here / "a").read_text() == "old"
    fetch_file(cut(b"new"), here / "a", replace=True)
    assert (here / "a").read_text() == "new"
    assert sorted(os.listdir(here)) == before
    assert is_untouched_outside(here)
    refuse_what_is_there(here / "nothing", replace=False)


def test_what_breaks_off_leaves_nothing(here: Path) -> None:
    """Neither a half, nor anything beside; what was there is there."""
    (here / "a").write_text("old")
    sent = tar([file("b/c"), file("d", b"x" * 5000)])
    for length in (0, 300, 700, len(sent) // 2, len(sent)):
        with pytest.raises(AgentLost):
            fetch_file(broken(sent[:length]), here / "a", replace=True)
        with pytest.raises(AgentLost):
            fetch_folder(broken(sent[:length]), here / "n")
    assert tree(here) == {"a": b"old"}


def test_a_place_that_cannot_be_written_is_told(here: Path) -> None:
    """With its own name and not the one it has on its way; and with a name that this disk does not take."""
    for refused in (
        lambda: fetch_file(cut(b"x"), here / "no" / "a", replace=False),
        lambda: fetch_folder(cut(tar([])), here / "no" / "a"),
    ):
        with pytest.raises(LocalFileRefused, match="no/a cannot be written") as told:
            refused()
        assert "potions-get" not in str(told.value)
    with pytest.raises(LocalFileRefused, match=r"File exists \(twice\)"):
        fetch_folder(cut(tar([file("twice"), file("twice")])), here / "n")


# A folder


def test_a_folder_is_written_as_it_comes(here: Path) -> None:
    """Files, folders, links that stay inside, with their times; names of any bytes and any length."""
    long = "/".join(["y" * 200] * 40)
    sent = tar(
        [
            folder("d", mtime=1_600_000_000),
            file("d/f", b"1", mtime=1_700_000_000),
            link("d/up", "../top"),
            file("top", b"22"),
            folder("empty"),
            file("x\ny/\x1b[31m", b"3"),
            file(f"{long}/end", b"4"),
        ]
    )
    done = fetch_folder(cut(sent, 777), here / "n")
    assert (done.files, done.bytes, done.links_left_out) == (4, 5, [])
    found = tree(here / "n" / "d") | {"": b""}
    assert found == {"f": b"1", "up": "-> ../top", "": b""}
    assert (here / "n" / "x\ny" / "\x1b[31m").read_bytes() == b"3"
    assert (here / "n" / "empty").is_dir()
    times = [(here / "n" / name).stat().st_mtime for name in ("d", "d/f")]
    assert times == [1_600_000_000, 1_700_000_000]
    walked = os.open(here / "n", os.O_RDONLY)
    for name in long.split("/"):
        inner = os.open(name, os.O_RDONLY, dir_fd=walked)
        os.close(walked)
        walked = inner
    assert os.listdir(walked) == ["end"]
    os.close(walked)


def test_links_that_lead_out_are_left_out(here: Path) -> None:
    """And told; those that stay are made."""
    sent = tar(
        [
            link("a", "/etc/passwd"),
            link("b", "../../outside/secret"),
            folder("d"),
            link("d/up", ".."),
            link("c", "d/up/../x"),
            link("e", ""),
            link("good", "f"),
            file("f"),
        ]
    )
    done = fetch_folder(cut(sent), here / "n")
    assert tree(here / "n") == {"d": "/", "d/up": "-> ..", "good": "-> f", "f": b"hello"}
    assert sorted(done.links_left_out) == ["a", "b", "c", "e"]


HOSTILE = {
    "absolute": [file("/tmp/potions-evil")],
    "leaves": [file("../../outside/secret", b"evil")],
    "leaves in the middle": [file("a/../../../outside/secret", b"evil")],
    "through a link": [link("l", "../../outside"), file("l/secret", b"evil")],
    "through a link of a folder": [link("d", "../../outside"), folder("d"), file("d/secret", b"evil")],
    "a hard link": [hard_link("l", "../../outside/secret")],
    "a pipe": [member("p", type=tarfile.FIFOTYPE)],
    "a device": [member("p", type=tarfile.BLKTYPE)],
    "twice": [file("a"), file("a")],
    "a file and a folder": [file("a"), file("a/b")],
    "a folder and a file": [file("a/b"), file("a")],
    "no name": [member("", type=tarfile.REGTYPE)],
    "a long name": [file("x" * 300)],
    "deeper than Python can remove": [file("d/" * 300), file("d/" * 6000 + "f")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_tar_writes_nothing_outside(here: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Whoever made it: either it is refused as a whole, or what it wants outside stays inside."""
    done: Fetched | None = None
    try:
        done = fetch_folder(cut(tar(members)), here / "n")
    except LocalFileRefused:
        assert os.listdir(here) == []
    if done is not None:
        assert all(not path.is_symlink() for path in (here / "n").rglob("*"))
    assert is_untouched_outside(here)
    assert not Path("/tmp/potions-evil").exists()


@pytest.mark.parametrize("data", [b"no tar at all" * 100, b"\0" * 100, b"", tar([file("a")])[:700]])
def test_what_is_no_tar_is_told(here: Path, data: bytes) -> None:
    """Nothing is there then."""
    with pytest.raises(LocalFileRefused, match="no tar"):
        fetch_folder(cut(data), here / "n")
    assert os.listdir(here) == []


def test_a_tar_whose_times_are_nonsense_is_written(here: Path) -> None:
    """As far back as a disk can say."""
    fetch_folder(cut(tar([file("a", pax_headers={"mtime": "inf"}), file("b", mtime=-5)])), here / "n")
    assert [(here / "n" / name).stat().st_mtime for name in "ab"] == [0, 0]
