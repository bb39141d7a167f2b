"""Whom apps run as, and where they look for programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potions.errors import HomeRefused
from potions.host.account import account_of, apps_search_path
from potions.model.service import Account

NOBODY = Account(name="nobody", uid=65534, gid=65534, switch=True)
MYSELF = Account(name="me", uid=os.geteuid(), gid=os.getegid(), switch=False)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root runs apps as somebody else")


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    """A folder with programs, below one that only its owner may enter."""
    folder = tmp_path / "shut" / "bin"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root runs apps as somebody else")
@as_root
@pytest.mark.parametrize(
    ("name", "remedy"), [("no-such-user", "Make that user"), ("root", "Name an unprivileged user")]
)
def test_a_user_that_apps_cannot_run_as_is_refused(name: str, remedy: str) -> None:
    """With what to do about it, whether it is not there or root."""
    with pytest.raises(HomeRefused) as refused:
        account_of(name)
    assert refused.value.do.startswith(remedy)
    assert "app_user" in refused.value.do


def test_apps_do_not_look_where_their_user_may_not_enter(shut: Path) -> None:
    """A shell would say "Permission denied" there, where "not found" is the truth."""
    assert apps_search_path(f"{shut}:/usr/bin:/bin", NOBODY, None) == "/usr/bin:/bin"


def test_whoever_runs_potions_keeps_their_own_folders(shut: Path) -> None:
    """Their apps run as themselves."""
    assert apps_search_path(f"{shut}:/usr/bin", MYSELF, None) == f"{shut}:/usr/bin"


def test_apps_do_not_find_the_programs_of_potions_itself(tmp_path: Path) -> None:
    """A build's ``pip`` would install into Potions."""
    own = tmp_path / "venv" / "bin"
    assert apps_search_path(f"{own}:/usr/bin:{own}/", MYSELF, own) == "/usr/bin"


def test_only_absolute_folders_count() -> None:
    """An empty or relative one would mean the slot, or whatever directory a program is in."""
    assert apps_search_path(":bin:/usr/bin:", MYSELF, None) == "/usr/bin"
