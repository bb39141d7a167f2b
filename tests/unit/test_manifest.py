"""potions.toml becomes a manifest, or an error that helps."""

from __future__ import annotations

import msgspec
import pytest

from potions.errors import ManifestRefused
from potions.manifest import parse_manifest
from potions.model.plan import Manifest
from support.golden import check_golden, golden_cases


def _render(text: str) -> str:
    return msgspec.json.format(msgspec.json.encode(parse_manifest(text)), indent=2).decode()


@pytest.mark.parametrize("case", golden_cases("manifest"))
def test_a_manifest_is_read_as_its_golden_file_says(case: str) -> None:
    """Every key is read, and every mistake is told with its key."""
    check_golden("manifest", case, _render)


def test_an_empty_manifest_has_every_default() -> None:
    """A file with nothing in it is as good as none, also with a byte order mark."""
    assert parse_manifest("") == Manifest()
    assert parse_manifest("\ufeff[run]\r\nstart = 'x'\r\n").start == "x"


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000, "[deploy]\ndrain = " + "9" * 400])
def test_a_manifest_made_to_break_the_reader_is_refused(text: str) -> None:
    """Deep nesting and giant numbers are mistakes of the file, not of Potions."""
    with pytest.raises(ManifestRefused):
        parse_manifest(text)


@pytest.mark.parametrize("mistake", ["migrate = x", 'start = "y"', "migrate", '"', "[run]", "= 1", "start.x = 1"])
def test_broken_toml_is_told_by_its_line(mistake: str) -> None:
    """The number is the one an editor shows."""
    with pytest.raises(ManifestRefused, match="line 3 is not valid TOML"):
        parse_manifest(f'[run]\nstart = "x"\n{mistake}\n')


def test_a_long_unknown_key_is_cut() -> None:
    """A key of a megabyte does not fill the terminal."""
    with pytest.raises(ManifestRefused) as refused:
        parse_manifest("x" * 1000 + " = 1")
    assert len(refused.value.what) < 120
