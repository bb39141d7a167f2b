"""Every path comes from one table, and lies where it has to."""

from __future__ import annotations

from pathlib import Path

import pytest

from potions.layout import FIRST_LIVE, AppTree, Colour, Entry, Home

_TREE = AppTree(Path("/srv/apps/blog"))
_HOME = Home(Path("/srv/home"))


def test_storage_lies_beside_the_slots_and_never_inside_one() -> None:
    """This is why it survives a deploy."""
    assert _TREE.storage.parent == _TREE.root
    for colour in Colour:
        assert not _TREE.storage.is_relative_to(_TREE.slot(colour))
        assert not _TREE.slot(colour).is_relative_to(_TREE.storage)


@pytest.mark.parametrize("colour", Colour)
def test_what_a_slot_needs_is_on_the_same_file_system_and_apart_from_the_other_slot(colour: Colour) -> None:
    """Everything of a slot lies below the app's directory, and no path is shared with the other colour."""
    paths = [_TREE.slot, _TREE.marker, _TREE.previous, _TREE.incoming, _TREE.env_file, _TREE.output_log]
    for path in paths:
        assert path(colour).is_relative_to(_TREE.root)
        assert path(colour) != path(colour.other)


def test_the_marker_names_its_colour_by_a_file_of_that_name() -> None:
    """Caddy looks for ``green`` behind the link; in the other marker there is none."""
    assert _TREE.marker_name(Colour.GREEN) == _TREE.slots / "green" / "green"
    assert _TREE.marker_name(Colour.BLUE) == _TREE.slots / "blue" / "blue"


def test_the_first_deploy_goes_to_blue() -> None:
    """The link points at green before anything is deployed, so blue is the idle slot."""
    assert FIRST_LIVE.other is Colour.BLUE


@pytest.mark.parametrize("colour", Colour)
def test_the_other_of_the_other_is_the_slot_itself(colour: Colour) -> None:
    """Two toggles change nothing."""
    assert colour.other is not colour
    assert colour.other.other is colour


@pytest.mark.parametrize("entries", [_TREE.entries(), _HOME.entries()], ids=["app", "home"])
def test_directories_are_listed_parents_first_and_once(entries: tuple[Entry, ...]) -> None:
    """They can be made in this order."""
    paths = [entry.path for entry in entries]
    assert len(set(paths)) == len(paths)
    for index, path in enumerate(paths[1:], start=1):
        assert path.parent in paths[:index]


def test_the_app_owns_its_storage_and_its_home_and_nothing_else() -> None:
    """An app can swap what it owns for a link at any moment, so the rest is the platform's."""
    assert {entry.path for entry in _TREE.entries() if entry.owner == "app"} == {_TREE.storage, _TREE.home}
    assert all(entry.owner == "platform" for entry in _HOME.entries())


def test_only_the_platform_reads_its_secrets_and_sockets() -> None:
    """State, sockets and proxy settings lie below directories that nobody else may enter."""
    closed = [entry.path for entry in _HOME.entries() if entry.mode == 0o700]
    kept = [
        _HOME.database,
        _HOME.secret_key,
        _HOME.agent_socket,
        _HOME.caddy_socket,
        _HOME.supervisor_socket,
        _HOME.trash,
    ]
    for path in [*kept, _HOME.site("blog"), _HOME.program("blog.blue"), _HOME.part_log("caddy")]:
        assert any(path.is_relative_to(folder) for folder in closed), path


def test_no_path_of_one_app_is_a_path_of_an_app_whose_name_begins_like_it() -> None:
    """``blog`` is not ``blog2``."""
    blog, blog2 = _HOME.app("blog"), _HOME.app("blog2")
    assert not blog2.root.is_relative_to(blog.root)
    assert _HOME.site("blog") != _HOME.site("blog2")
    assert _HOME.program("blog.blue") != _HOME.program("blog2.blue")
