"""``/storage`` comes into a ``.gitignore`` once, and nothing else in it changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.project.gitignore import is_ignored, with_storage

LINES = [
    "storage",
    "storage/",
    "/storage",
    "/storage/",
    "/storage/*",
    "**/storage",
    "!/storage",
    "!storage/",
    "#storage",
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "/storage\n"),
        ("a\n", "a\n/storage\n"),
        ("a", "a\n/storage\n"),
        ("a\r\nb\r\n", "a\r\nb\r\n/storage\r\n"),
        ("a\r\nb", "a\r\nb\r\n/storage\r\n"),
        ("a\r\nb\nc\n", "a\r\nb\nc\n/storage\n"),
        ("\ufeffa\n", "\ufeffa\n/storage\n"),
        ("storage.txt\nmy/storage\nstorage?\n", "storage.txt\nmy/storage\nstorage?\n/storage\n"),
        ("# /storage\n", "# /storage\n/storage\n"),
        ("/storage\n!/storage\n", "/storage\n!/storage\n/storage\n"),
        (" storage\n", " storage\n/storage\n"),
        ("caf\udce9\n", "caf\udce9\n/storage\n"),
    ],
)
def test_the_entry_is_added_in_the_files_own_way(before: str, after: str) -> None:
    """Line ends, a mark of the encoding, bytes that are no text and a missing last newline are taken as they are."""
    assert with_storage(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "storage",
        "storage/\n",
        "/storage\n",
        "/storage/",
        "a\n/storage/*\n!/storage/.keep\n",
        "\ufeff/storage\n",
        "/storage  \r\nb\r\n",
        "**/storage/\n",
        "/storage/**\n",
        "!storage\nstorage\n",
    ],
)
def test_it_is_not_added_twice(text: str) -> None:
    """Every way to say it counts, also Rails' one that keeps a file in it."""
    assert with_storage(text) == text


@given(st.lists(st.sampled_from(["a", "", *LINES])), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_adding_it_again_changes_nothing(lines: list[str], newline: str, ends: bool) -> None:
    """Whatever stood there: afterwards storage is ignored, what was there is there, and a second time does nothing."""
    before = newline.join(lines) + (newline if ends else "")
    after = with_storage(before)
    assert is_ignored(after)
    assert after.startswith(before)
    assert with_storage(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/storage",
        "storage/\r\n",
        "/storage/*\n!/storage/.keep\n",
        "storage\n!storage\n",
        "#storage\n",
        "**/storage/**",
    ],
)
def test_git_says_the_same(tmp_path: Path, text: str) -> None:
    """What counts as ignored is what the real Git ignores."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_bytes(text.encode())
    asked = subprocess.run(["git", "check-ignore", "-q", "storage/picture.png"], cwd=tmp_path, check=False)
    assert (asked.returncode == 0) == is_ignored(text)
