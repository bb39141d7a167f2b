"""What is sent to a storage: looked at as a whole before, and refused where it could not be kept as it is."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from potions.errors import LocalFileRefused
from potions.local.sources import LocalFile, LocalFolder, open_source


def file(path: Path) -> LocalFile:
    found = open_source(path)
    assert isinstance(found, LocalFile)
    return found


def folder(path: Path) -> LocalFolder:
    found = open_source(path)
    assert isinstance(found, LocalFolder)
    return found


def members(found: LocalFolder) -> dict[str, tuple[bytes, int, int, str]]:
    """What the tar has: type, mode, time and target of each member."""
    data = b"".join(found.pieces(lambda _: None))
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        return {one.name: (one.type, one.mode, int(one.mtime), one.linkname) for one in archive}


def test_a_file_is_sent_byte_for_byte(tmp_path: Path) -> None:
    """Also through a link of the user's own; the executable bit is told, and progress adds up."""
    data = os.urandom(2_500_000)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "a").chmod(0o755)
    (tmp_path / "l").symlink_to("a")
    heard: list[int] = []
    found = file(tmp_path / "l")
    assert b"".join(found.pieces(heard.append)) == data
    assert (found.size, found.executable, sum(heard)) == (len(data), True, len(data))


def test_everything_in_a_folder_is_sent(tmp_path: Path) -> None:
    """Hidden files and `.git` too, whatever the names; with times, executable bits and links that stay inside."""
    for name in (".git/config", "a/b", "caf\udce9", "x\ny"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12")
    (tmp_path / "a" / "b").chmod(0o711)
    (tmp_path / "a" / "up").symlink_to("../x\ny")
    (tmp_path / "empty").mkdir(mode=0o700)
    for path in tmp_path.rglob("*"):
        os.utime(path, (0, 1_700_000_000), follow_symlinks=False)
    found = folder(tmp_path)
    time = 1_700_000_000
    assert members(found) == {
        ".git": (tarfile.DIRTYPE, 0o755, time, ""),
        ".git/config": (tarfile.REGTYPE, 0o644, time, ""),
        "a": (tarfile.DIRTYPE, 0o755, time, ""),
        "a/b": (tarfile.REGTYPE, 0o755, time, ""),
        "a/up": (tarfile.SYMTYPE, 0o777, time, "../x\ny"),
        "caf\udce9": (tarfile.REGTYPE, 0o644, time, ""),
        "empty": (tarfile.DIRTYPE, 0o755, time, ""),
        "x\ny": (tarfile.REGTYPE, 0o644, time, ""),
    }
    assert (found.files, found.size) == (4, 8)


def test_an_empty_folder_is_sent(tmp_path: Path) -> None:
    """It is one, after all."""
    assert members(folder(tmp_path)) == {}


def test_what_a_storage_cannot_keep_is_refused_before(tmp_path: Path) -> None:
    """With its path: pipes, sockets, devices, and links that lead out; alone and in a folder."""
    pipe, device, linked = tmp_path / "pipe", Path("/dev/null"), tmp_path / "folder"
    os.mkfifo(pipe)
    linked.mkdir()
    for refused in (pipe, device):
        with pytest.raises(LocalFileRefused, match=refused.name):
            open_source(refused)
    with pytest.raises(LocalFileRefused, match="pipe"):
        open_source(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(linked / "socket"))
        with pytest.raises(LocalFileRefused, match="folder/socket"):
            open_source(linked)
    (linked / "socket").unlink()
    for target in ("/etc/passwd", "..", "../pipe", "in/../../pipe"):
        (linked / "l").symlink_to(target)
        with pytest.raises(LocalFileRefused, match="leads out"):
            open_source(linked)
        (linked / "l").unlink()


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    """And a link that leads nowhere."""
    (tmp_path / "l").symlink_to("nothing")
    for name in ("nothing", "l"):
        with pytest.raises(LocalFileRefused, match=f"{name} cannot be used"):
            open_source(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: root may read everything")
def test_what_may_not_be_read_is_refused_before(tmp_path: Path) -> None:
    """With its path."""
    (tmp_path / "shut").touch(mode=0o000)
    for path in (tmp_path, tmp_path / "shut"):
        with pytest.raises(LocalFileRefused, match="shut"):
            open_source(path)


def test_what_becomes_shorter_meanwhile_breaks_it_off(tmp_path: Path) -> None:
    """What is appended is left out; what is missing would not be what was promised."""
    (tmp_path / "a").write_bytes(b"12345")
    alone, inside = file(tmp_path / "a"), folder(tmp_path)
    with (tmp_path / "a").open("ab") as grown:
        grown.write(b"678")
    assert b"".join(alone.pieces(lambda _: None)) == b"12345"
    os.truncate(tmp_path / "a", 2)
    for found in (alone, inside):
        with pytest.raises(LocalFileRefused, match="shorter"):
            list(found.pieces(lambda _: None))
    (tmp_path / "a").unlink()
    with pytest.raises(LocalFileRefused, match="No such file"):
        list(inside.pieces(lambda _: None))


def test_a_pipe_that_took_the_place_of_a_file_does_not_wait(tmp_path: Path) -> None:
    """It has no bytes, and that is told."""
    (tmp_path / "a").write_bytes(b"12345")
    found = file(tmp_path / "a")
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    with pytest.raises(LocalFileRefused):
        list(found.pieces(lambda _: None))
