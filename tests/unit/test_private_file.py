"""A file with secrets is its owner's alone, whole or not there, and never takes the place of something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions import private_file
from potions.errors import FileNotWritten
from potions.private_file import refuse_taken, write_private


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_can_read_it(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, and nothing else is left in the folder."""
    before = os.umask(umask)
    try:
        write_private(tmp_path / "a", b"secret", force=False)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "a").read_bytes() == b"secret"
    assert os.listdir(tmp_path) == ["a"]


def test_what_is_there_stays_unless_it_is_meant(tmp_path: Path) -> None:
    """With force the file is a new one: whoever has the old one open, or a second name of it, sees no secret."""
    path = tmp_path / "a"
    path.write_text("kept")
    path.chmod(0o644)
    os.link(path, tmp_path / "second-name")
    for act in (lambda: refuse_taken(path, force=False), lambda: write_private(path, b"secret", force=False)):
        with pytest.raises(FileNotWritten, match="is there already"):
            act()
    assert path.read_text() == "kept"
    refuse_taken(path, force=True)
    write_private(path, b"secret", force=True)
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "second-name").read_text() == "kept"


@pytest.mark.parametrize("force", [False, True])
def test_nothing_but_a_plain_file_is_replaced(tmp_path: Path, force: bool) -> None:
    """No link is followed or replaced, where it leads to nothing neither; no directory, no device, no pipe."""
    target = tmp_path / "target"
    target.write_text("kept")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    for name in ("link", "dangling", "folder", "pipe", "folder/..", "."):
        for act in (refuse_taken, lambda path, force: write_private(path, b"secret", force=force)):
            with pytest.raises(FileNotWritten, match="nothing was written"):
                act(tmp_path / name, force=force)
    assert sorted(os.listdir(tmp_path)) == before
    assert target.read_text() == "kept"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("plant", ["file", "link"])
def test_somebody_who_is_quicker_loses_nothing(tmp_path: Path, plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What appears between the look and the write is not overwritten, and a link in its place is not followed."""
    path, target = tmp_path / "a", tmp_path / "target"
    target.write_text("kept")

    def look(*_args: object, **_more: object) -> None:
        real(*_args, **_more)  # type: ignore[arg-type]
        if plant == "link":
            path.symlink_to(target)
        else:
            path.write_text("kept")

    real = private_file._look
    monkeypatch.setattr(private_file, "_look", look)
    with pytest.raises(FileNotWritten, match="is there already"):
        write_private(path, b"secret", force=False)
    assert path.read_text() == target.read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == ["a", "target"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """By the path that was asked for."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "a", tmp_path / "file" / "a", tmp_path / ("x" * 300), Path("/proc/x")):
        with pytest.raises(FileNotWritten) as refused:
            write_private(path, b"secret", force=False)
        assert str(path) in refused.value.what
        assert refused.value.why


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """A full disk: the old file is whole, and no part of the new one lies beside it."""
    path = tmp_path / "a"
    path.write_text("kept")

    def fill(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        with pytest.raises(FileNotWritten, match="cannot be written"):
            write_private(path, b"secret", force=True)
    assert path.read_text() == "kept"
    assert os.listdir(tmp_path) == ["a"]
