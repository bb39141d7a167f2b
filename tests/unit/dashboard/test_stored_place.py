"""Places in a storage, by a page's address and by what was typed into a form."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.dashboard.stored_place import crumbs, renamed, typed
from potions.errors import RequestRefused, StoredPathRefused
from potions.names import StoredPath

_NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."}
)


@given(st.lists(_NAMES.map(os.fsdecode), min_size=1, max_size=4))
def test_a_form_that_is_sent_as_it_was_shown_moves_nothing(names: list[str]) -> None:
    """A form can show neither all bytes nor a line end, and what it cannot show is not lost by that."""
    place = StoredPath(tuple(names))
    assert renamed(place, typed(place.parent), typed(StoredPath(place.parts[-1:]))) == place


def test_a_new_name_keeps_a_folder_whose_name_is_no_text() -> None:
    """Each of the two fields counts by itself."""
    place = StoredPath((os.fsdecode(b"caf\xe9"), "old.txt"))
    assert renamed(place, typed(place.parent), "new.txt") == place.parent.inside("new.txt")
    assert renamed(place, "other/one", "old.txt") == StoredPath(("other", "one", "old.txt"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/"])
def test_a_name_that_names_more_or_less_than_one_thing_is_refused(name: str) -> None:
    """Otherwise a file would move where nobody meant it to."""
    with pytest.raises(RequestRefused):
        renamed(StoredPath(("a",)), "", name)


def test_a_folder_outside_is_refused() -> None:
    """As everywhere."""
    with pytest.raises(StoredPathRefused):
        renamed(StoredPath(("a",)), "../../etc", "a")


def test_each_folder_on_the_way_has_its_own_address() -> None:
    """And a name that people can read."""
    place = StoredPath((os.fsdecode(b"caf\xe9"), "a b"))
    assert crumbs(place) == [("caf\\xe9", "caf%E9"), ("a b", "caf%E9/a%20b")]
