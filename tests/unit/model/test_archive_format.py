"""What kind of archive a file is by its first bytes, and which links stay inside of a release."""

from __future__ import annotations

import pytest

from potions.errors import ArchiveBroken, PotionsError, ReleaseRefused
from potions.model.archive_format import ARCHIVE_SUFFIXES, MAGIC_BYTES, link_leaves, suffix_of
from support.archives import archive_of, file, tar

Parts = tuple[str, ...]


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_the_first_bytes_decide_and_not_the_name(suffix: str) -> None:
    """A file is what it contains, whatever it is called."""
    assert suffix_of("app.7z", archive_of([file("a")], suffix)[:MAGIC_BYTES]) == suffix


@pytest.mark.parametrize("name", ["a", "PK\3\4", "BZh9", "070701", "\x1f\udc8b", "<html>", "#!"])
def test_a_tar_is_known_by_its_checksum(name: str) -> None:
    """It begins with the name of its first member, which can be anything; old ones have no other mark of their own."""
    plain = tar([file(name)])[:MAGIC_BYTES]
    checksum = sum(plain) - sum(plain[257:265]) - sum(plain[148:156]) + 8 * 32
    old = plain[:148] + f"{checksum:06o}\0 ".encode() + plain[156:257] + bytes(8) + plain[265:]
    assert suffix_of("a", plain) == suffix_of("a", old) == "tar"


@pytest.mark.parametrize(
    ("first", "what"),
    [
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "a rar archive"),
        (b"\x5d\0\0\x80\0", "an lzma archive"),
        (b"070701", "a cpio archive"),
        (b"PK\x07\x08PK\3\4", "a part of a zip that was split"),
        (b"\x7fELF", "a program"),
        (b"#!/usr/bin/env python3\nPK\3\4", "perhaps a self-extracting archive"),
        (b"MZ\x90\0PK\3\4", "perhaps a self-extracting archive"),
        (b"<!doctype html>", "perhaps the answer to a download that failed"),
    ],
)
def test_what_is_sent_by_mistake_is_named(first: bytes, what: str) -> None:
    """With the kinds that work; a self-extracting zip is one that two programs could read differently."""
    with pytest.raises(ReleaseRefused, match=what) as refused:
        suffix_of("app.tar.gz", first)
    assert refused.value.what.startswith("app.tar.gz is ")
    assert "tar.gz, tar.zst, tar.xz, tar.bz2, tar, zip" in refused.value.do


@pytest.mark.parametrize(
    ("first", "error", "words"),
    [
        (b"", ArchiveBroken, "is empty"),
        (bytes(MAGIC_BYTES), ArchiveBroken, "has nothing in it"),
        (b"PK\5\6" + bytes(18), ArchiveBroken, "is a zip with nothing in it"),
        (b"hello", ReleaseRefused, "is not an archive"),
        (b"x" * 148 + b"0000000\0" + b"x" * 356, ReleaseRefused, "is not an archive"),
        (b"x" * 148 + b"not octal" + b"x" * 355, ReleaseRefused, "is not an archive"),
    ],
)
def test_what_is_no_archive_is_refused(first: bytes, error: type[PotionsError], words: str) -> None:
    """An empty one is called that, and what is not known is told the kinds that work."""
    with pytest.raises(error, match=words) as refused:
        suffix_of("app.tar.gz", first)
    assert refused.value.do


@pytest.mark.parametrize(
    "folder, target, links",
    [
        ((), "a", {}),
        ((), ".", {}),
        (("a",), "..", {}),
        (("a", "b"), "../../c/./d", {}),
        ((), "up/x", {("up",): "a/b"}),
        ((), "up/../x", {("up",): "a/b"}),
    ],
)
def test_a_link_that_stays_inside_is_found_to(folder: Parts, target: str, links: dict[Parts, str]) -> None:
    """Going up is fine as long as it never goes above the top."""
    assert not link_leaves(folder, target, links)


@pytest.mark.parametrize(
    "folder, target, links",
    [
        ((), "/etc", {}),
        ((), "..", {}),
        (("a",), "../..", {}),
        ((), "a/../../a", {}),
        ((), "a/top/..", {("a", "top"): ".."}),
        ((), "one", {("one",): "two", ("two",): "../x"}),
        ((), "one", {("one",): "/etc"}),
        ((), "one", {("one",): "two", ("two",): "one"}),
        ((), "./" * 1000 + "x", {}),
    ],
)
def test_a_link_that_leads_out_is_found_to(folder: Parts, target: str, links: dict[Parts, str]) -> None:
    """By its own text, through other links, or round and round."""
    assert link_leaves(folder, target, links)
