"""Which home is meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions.homes import home_from_environment


def test_the_environment_names_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a person writes it: relative to where they are, or to their own directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    for named, meant in (("/srv/x", "/srv/x"), ("here", f"{tmp_path}/here"), ("~/potions", "/home/ana/potions")):
        monkeypatch.setenv("POTIONS_HOME", named)
        assert home_from_environment().root == Path(meant)


@pytest.mark.parametrize("named", [None, ""])
def test_everybody_has_one_of_their_own(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    """A user below their own directory; root where other users can reach it, because apps run as one."""
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.setenv("POTIONS_HOME", "x")
    monkeypatch.delenv("POTIONS_HOME") if named is None else monkeypatch.setenv("POTIONS_HOME", named)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert home_from_environment().root == Path("/home/ana/.local/share/potions")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home_from_environment().root == Path("/var/lib/potions-embedded")
