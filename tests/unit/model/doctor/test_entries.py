"""Judging directories, files and links of the platform's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from potions.model.doctor.entries import Seen, Thing, Wanted, WantedLink, judge_entries, judge_links

FOLDER = Wanted(Path("/h/state"), Thing.DIRECTORY, 0o700, "root", secret=True)
OPEN_FOLDER = Wanted(Path("/h/apps"), Thing.DIRECTORY, 0o755, "root")
STORAGE = Wanted(Path("/h/apps/a/storage"), Thing.DIRECTORY, 0o750, "nobody", of_app=True)
KEY = Wanted(Path("/h/state/secret.key"), Thing.FILE, 0o600, "root", secret=True, makeable=False)


def codes(wanted: Wanted, seen: Seen, *, as_root: bool = True) -> list[str]:
    return [found.code for found in judge_entries([(wanted, seen)], as_root=as_root)]


@pytest.mark.parametrize(
    ("wanted", "seen", "expected"),
    [
        (FOLDER, Seen(Thing.DIRECTORY, 0o700, "root"), []),
        (FOLDER, Seen(Thing.NOTHING), ["directory-missing"]),
        (FOLDER, Seen(Thing.LINK, 0o777, "root", "/etc"), ["something-else"]),
        (FOLDER, Seen(Thing.FILE, 0o700, "root"), ["something-else"]),
        (FOLDER, Seen(Thing.DIRECTORY, 0o700, "ann"), ["owner-wrong"]),
        (FOLDER, Seen(Thing.DIRECTORY, 0o500, "root"), ["mode-wrong"]),
        (FOLDER, Seen(Thing.DIRECTORY, 0o750, "root"), ["open-to-others"]),
        (OPEN_FOLDER, Seen(Thing.DIRECTORY, 0o777, "root"), ["mode-wrong"]),
        (OPEN_FOLDER, Seen(Thing.DIRECTORY, 0o2755, "root"), ["mode-wrong"]),
        (KEY, Seen(Thing.FILE, 0o604, "ann"), ["owner-wrong", "open-to-others"]),
        (KEY, Seen(Thing.NOTHING), ["file-missing"]),
    ],
)
def test_each_way_in_which_something_is_not_as_it_should_be(wanted: Wanted, seen: Seen, expected: list[str]) -> None:
    """A code for each; a link in a directory's place is never taken for the directory."""
    assert codes(wanted, seen) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o750, []), (0o700, []), (0o2770, []), (0o755, ["mode-wrong"]), (0o650, ["mode-wrong"])],
)
def test_an_app_may_choose_the_permissions_of_its_own(mode: int, expected: list[str]) -> None:
    """Unless it locks itself out, or lets everybody in."""
    assert codes(STORAGE, Seen(Thing.DIRECTORY, mode, "nobody")) == expected


def test_only_root_can_give_something_away() -> None:
    """For anybody else the finding says what root would type."""
    seen = Seen(Thing.DIRECTORY, 0o700, "ann")
    (as_root,) = judge_entries([(FOLDER, seen)], as_root=True)
    (as_ann,) = judge_entries([(FOLDER, seen)], as_root=False)
    assert (bool(as_root.fix), bool(as_ann.fix)) == (True, False)
    assert "chown -h root /h/state" in as_ann.do


def test_what_cannot_be_made_anew_is_never_offered() -> None:
    """A key that is gone has to be put back; an empty one in its place would be worse than none."""
    (found,) = judge_entries([(KEY, Seen(Thing.NOTHING))], as_root=True)
    assert found.fix == ""


def test_where_nothing_may_be() -> None:
    """The other colour's name in a slot's marker would send visitors astray; nothing there is right."""
    nothing = Wanted(Path("/a/.slots/blue/green"), Thing.NOTHING, 0, "root")
    assert codes(nothing, Seen(Thing.NOTHING)) == []
    assert codes(nothing, Seen(Thing.FILE, 0o644, "root")) == ["something-else"]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(Thing.LINK, target=".live/slot"), []),
        (Seen(Thing.LINK, target="/etc"), ["link-wrong"]),
        (Seen(Thing.NOTHING), ["link-wrong"]),
        (Seen(Thing.DIRECTORY), ["something-else"]),
    ],
)
def test_links(seen: Seen, expected: list[str]) -> None:
    """Right, elsewhere, missing, and no link at all: that last one only a person may move away."""
    wanted = WantedLink(Path("/a/current"), ".live/slot")
    found = judge_links([(wanted, seen)], app="a")
    assert [one.code for one in found] == expected
    assert all(bool(one.fix) == (one.code == "link-wrong") for one in found)
