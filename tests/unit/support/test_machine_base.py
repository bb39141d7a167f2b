"""Where no machine can run, the reason is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.machine_base import BaseNotMade, base_of, what_is_lacking


def test_an_ordinary_user_is_told_to_be_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else may make networks and control groups."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert what_is_lacking().startswith("needs root")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By its Debian packages, with what installs them."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for program in ("ip", "ssh"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert what_is_lacking().startswith(
        "needs mmdebstrap nftables systemd-container: scripts/install_test_tools machines"
    )


def test_a_computer_whose_apt_knows_no_debian_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its mirror is taken from there, and no other is guessed."""
    (tmp_path / "apt.conf").write_text('Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(BaseNotMade, match="no mirror of Debian"):
        base_of("bookworm")
