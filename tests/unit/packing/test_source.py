"""Packing a directory and reading an archive: what arrives on the server is what was on the disk, or an error."""

from __future__ import annotations

import io
import os
import socket
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from potions.errors import ArchiveBroken, ReleaseRefused
from potions.host.archive import Limits, unpack
from potions.model.archive_format import ARCHIVE_SUFFIXES
from potions.packing import LeftOut, open_release
from potions.packing.listing import list_directory
from potions.packing.tarball import Progress, pack
from support.archives import archive_of, file, tar, tree
from support.zips import Entry, zip_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "gallery"
    (root / "src" / ".git").mkdir(parents=True)
    (root / "src" / ".git" / "HEAD").write_text("left out")
    (root / "empty").mkdir()
    (root / "empty" / ".git").write_text("gitdir: where a submodule has its repository")
    (root / "Procfile").write_text("web: python3 src/app.py")
    (root / "src" / "app.py").write_bytes(b"x" * 1_500_000)
    (root / "src" / "app.py").chmod(0o711)
    (root / "now").symlink_to("src/app.py")
    return root


def packed_as_it_is(directory: Path, progress: Progress = lambda _count: None) -> Iterator[bytes]:
    return pack(list_directory(directory).members, progress)


def unpacked(data: bytes, into: Path) -> Path:
    into.mkdir()
    archive = into.with_suffix(".archive")
    archive.write_bytes(data)
    source = os.open(archive, os.O_RDONLY)
    try:
        unpack("tar.zst" if data.startswith(b"\x28") else "tar.gz", into, Limits(), source=source)
    finally:
        os.close(source)
    return into


def test_what_is_packed_is_what_is_unpacked(project: Path, tmp_path: Path) -> None:
    """Files, executable bits, times, links and empty directories; without any .git."""
    os.utime(project / "Procfile", (1_600_000_000, 1_600_000_000))
    arrived = unpacked(b"".join(packed_as_it_is(project)), tmp_path / "arrived")
    kept = {name: content for name, content in tree(project).items() if ".git" not in name}
    assert tree(arrived) == kept
    assert os.access(arrived / "src" / "app.py", os.X_OK) and not (arrived / "Procfile").stat().st_mode & 0o111
    assert (arrived / "Procfile").stat().st_mtime == 1_600_000_000


def test_virtual_environments_stay_here(project: Path, tmp_path: Path) -> None:
    """Their links lead to this computer's interpreter; a release that needs one builds it in its slot."""
    before = list_directory(project)
    for place in (project / ".venv", project / "src" / "env"):
        (place / "bin").mkdir(parents=True)
        (place / "pyvenv.cfg").write_text("home = /usr/bin\n")
        (place / "bin" / "python3").symlink_to("/usr/bin/python3")
    listing = list_directory(project)
    assert (listing.files, listing.bytes) == (before.files, before.bytes)
    assert listing.left_out == LeftOut(environments=(".venv/", "src/env/"))
    arrived = unpacked(b"".join(packed_as_it_is(project)), tmp_path / "arrived")
    assert not [name for name in tree(arrived) if "env" in name]


def test_names_need_not_be_utf8_and_may_be_long(project: Path, tmp_path: Path) -> None:
    """What the disk can hold can be sent."""
    name = os.fsdecode(b"caf\xe9")
    deep = project / ("d" * 200) / ("e" * 200)
    deep.mkdir(parents=True)
    (deep / name).write_text("1")
    arrived = unpacked(b"".join(packed_as_it_is(project)), tmp_path / "arrived")
    assert (arrived / ("d" * 200) / ("e" * 200) / name).read_text() == "1"


def test_the_same_files_give_the_same_bytes(project: Path, tmp_path: Path) -> None:
    """So that a release sent twice is one release, wherever the directory lies and whoever owns it."""
    first = b"".join(packed_as_it_is(project))
    project.rename(tmp_path / "elsewhere")
    assert b"".join(packed_as_it_is(tmp_path / "elsewhere")) == first


def test_who_packed_is_not_in_the_archive(project: Path) -> None:
    """Owners are not sent, and the archive is one that any tar reads."""
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(b"".join(packed_as_it_is(project)))).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        assert {(m.uid, m.gid, m.uname, m.gname) for m in archive} == {(0, 0, "", "")}


def test_a_directory_is_estimated_and_its_reading_heard(project: Path) -> None:
    """What progress adds up to is what was announced."""
    source = open_release(project)
    heard: list[int] = []
    list(source.chunks(heard.append))
    assert (source.name, source.packed_bytes, source.suffix) == ("gallery", None, "tar.zst")
    assert source.listing is not None and source.listing.files == 2
    assert source.unpacked_bytes == sum(heard) == source.listing.bytes


def test_the_directory_one_is_in_has_a_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`potions deploy` without a path."""
    monkeypatch.chdir(project)
    assert open_release(Path()).name == "gallery"


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_an_archive_is_sent_as_it_is(tmp_path: Path, suffix: str) -> None:
    """Byte for byte, with its size, what it says to unpack to, and the format it has whatever it is called."""
    members = [file("a", b"x" * 5000)]
    path = tmp_path / "release.7z"
    path.write_bytes(archive_of(members, suffix))
    source = open_release(path)
    heard: list[int] = []
    assert b"".join(source.chunks(heard.append)) == path.read_bytes()
    says = {"zip": 5000, "tar.xz": None, "tar.bz2": None}.get(suffix, len(tar(members)))
    assert (source.packed_bytes, source.unpacked_bytes, source.suffix) == (sum(heard), says, suffix)
    assert source.left_out == LeftOut()


@pytest.mark.parametrize("claimed", [2**40, None])
def test_a_zip_that_lies_about_its_size_is_sent_nevertheless(tmp_path: Path, claimed: int | None) -> None:
    """What it claims is handed on for what it is; one that cannot be read at all is left to the agent's words."""
    path = tmp_path / "a.zip"
    wide = struct.pack("<2HQ", 1, 8, claimed or 2**63)
    path.write_bytes(zip_of([Entry(b"a", central={"size": 0xFFFFFFFF, "extra": wide})]))
    assert open_release(path).unpacked_bytes == claimed
    path.write_bytes(path.read_bytes()[:-1])
    assert open_release(path).unpacked_bytes is None


def test_an_archive_that_does_not_say_its_size_is_fine(tmp_path: Path) -> None:
    """Streaming compressors do not know it."""
    compressor = zstandard.ZstdCompressor().compressobj()
    path = tmp_path / "a.tar.zst"
    path.write_bytes(compressor.compress(tar([file("a")])) + compressor.flush())
    assert open_release(path).unpacked_bytes is None


@pytest.mark.parametrize("kind", ["missing", "empty", "only .git", "pipe", "7z"])
def test_what_is_no_release_is_refused(tmp_path: Path, kind: str) -> None:
    """Before anything is sent, with the path in the words."""
    path = tmp_path / "release"
    if kind == "empty":
        (path / "inside").mkdir(parents=True)
    elif kind == "only .git":
        (path / "inside" / ".git").mkdir(parents=True)
        (path / "inside" / ".git" / "HEAD").touch()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "7z":
        path.write_bytes(b"7z\xbc\xaf\x27\x1c")
    with pytest.raises(ReleaseRefused, match="release"):
        open_release(path)


def test_an_empty_file_is_a_broken_archive(tmp_path: Path) -> None:
    """Nothing was written into it, whatever its name says."""
    (tmp_path / "a.tar.gz").touch()
    with pytest.raises(ArchiveBroken):
        open_release(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("kind", ["pipe", "socket", "absolute link", "link out", "links that lead out together"])
def test_what_a_server_would_refuse_is_refused_here(project: Path, kind: str) -> None:
    """Rather than after all of it was sent."""
    if kind == "pipe":
        os.mkfifo(project / "odd")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(project / "odd"))
    elif kind == "links that lead out together":
        (project / "src" / "top").symlink_to("..")
        (project / "odd").symlink_to("src/top/../x")
    else:
        (project / "odd").symlink_to("/usr/bin/python3" if kind == "absolute link" else "../other")
    with pytest.raises(ReleaseRefused, match="odd"):
        open_release(project)


@pytest.mark.parametrize("change", ["longer", "shorter", "gone", "link", "rewritten"])
def test_a_file_that_changes_while_it_is_packed_is_an_error(project: Path, change: str) -> None:
    """A release that is half old and half new is not sent; what came until then is no whole archive."""
    victim = project / "zzz"
    victim.write_bytes(b"y" * 100)
    os.utime(victim, (1, 1))
    pieces = packed_as_it_is(project, lambda _count: alter(victim, change))
    with pytest.raises(ReleaseRefused, match="zzz"):
        list(pieces)


def alter(victim: Path, change: str) -> None:
    if change in ("longer", "shorter", "rewritten"):
        victim.write_bytes(b"z" * {"longer": 200, "shorter": 50, "rewritten": 100}[change])
        return
    victim.unlink(missing_ok=True)
    if change == "link":
        victim.symlink_to("Procfile")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: root may read everything")
def test_what_may_not_be_read_is_refused(project: Path) -> None:
    """Named, instead of left out."""
    (project / "secret").touch(mode=0)
    with pytest.raises(ReleaseRefused, match="secret"):
        list(packed_as_it_is(project))
