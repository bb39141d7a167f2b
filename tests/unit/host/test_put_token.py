"""What is on its way is known by what was written down, and by nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions.host.put_token import is_on_its_way, temporary_name, token_of

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "name",
    ["", "a", TOKEN, ".potions-put-", ".potions-put-" + "g" * 32, temporary_name(TOKEN + "0"), "x.potions-put-0"],
)
def test_other_names_have_no_token(name: str) -> None:
    """Whatever is like it."""
    assert token_of(name) is None
    assert token_of(temporary_name(TOKEN)) == TOKEN
    assert token_of(temporary_name(TOKEN) + "\n") is None


def test_only_what_is_written_down_is_on_its_way(tmp_path: Path) -> None:
    """A file that the app called so is the app's; one that was there a moment ago, and is not any more, was a put's."""
    puts, name = tmp_path / "puts", temporary_name(TOKEN)
    puts.mkdir()
    (tmp_path / "storage").mkdir()
    folder = os.open(tmp_path / "storage", os.O_RDONLY)
    try:
        assert is_on_its_way(name, folder, puts)
        (tmp_path / "storage" / name).touch()
        assert not is_on_its_way(name, folder, puts)
        (puts / TOKEN).touch()
        assert is_on_its_way(name, folder, puts)
        assert not is_on_its_way("other", folder, puts)
        assert not is_on_its_way(name, folder, tmp_path / "no-puts")
    finally:
        os.close(folder)
