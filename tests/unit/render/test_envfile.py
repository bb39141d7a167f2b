"""Any variables come back from the environment file byte for byte."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from potions.launcher import read_environment
from potions.render.envfile import parse_environment, render_environment

_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*\Z", fullmatch=True)
_VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@given(st.dictionaries(_NAMES, _VALUES))
def test_what_is_rendered_is_read_back(environment: dict[str, str]) -> None:
    """Any UTF-8 without a NUL: newlines, quotes, '=', '%', nothing at all."""
    assert parse_environment(render_environment(environment)) == environment


def test_the_file_does_not_depend_on_the_order() -> None:
    """The same variables give the same bytes, so an unchanged file is seen as unchanged."""
    assert render_environment({"B": "2", "A": "1"}) == b"A=1\0B=2\0" == render_environment({"A": "1", "B": "2"})


def test_a_value_cannot_add_a_variable() -> None:
    """What looks like an assignment inside a value stays inside it."""
    crafted = {"A": "1\nSTORAGE_DIR=/tmp", "B": "=STORAGE_DIR=x", "STORAGE_DIR": "/srv/storage"}
    assert parse_environment(render_environment(crafted)) == crafted
    assert render_environment(crafted).count(b"\0") == len(crafted)


def test_the_launcher_reads_the_same(tmp_path: Path) -> None:
    """The program that starts the apps has a reader of its own, on bytes."""
    environment = {"A": 'a "b"\n$c\\', "EMPTY": "", "GREEN": "grün 🌿", "PERCENT": "%(here)s ; # '"}
    path = tmp_path / "env"
    path.write_bytes(render_environment(environment))
    assert read_environment(str(path)) == {name.encode(): value.encode() for name, value in environment.items()}
