"""Names in a zip: readable where they can be, harmless everywhere, and none of them twice."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.zip_names import ZipNames, windows_name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Übersicht 漢字.txt", "Übersicht 漢字.txt"),
        ("caf\udce9", "caf%E9"),
        ("..\\..\\evil.exe", "..%5C..%5Cevil.exe"),
        ('a:b*c?d"e<f>g|h', "a%3Ab%2Ac%3Fd%22e%3Cf%3Eg%7Ch"),
        ("line\nfeed", "line%0Afeed"),
        ("ends.", "ends%2E"),
        ("ends ", "ends%20"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("console", "console"),
        ("...", "..%2E"),
    ],
)
def test_a_name_is_as_windows_takes_it(name: str, written: str) -> None:
    """What it refuses is written in another way, and nothing is left out."""
    assert windows_name(name) == written


def test_what_is_one_name_on_windows_becomes_two() -> None:
    """The second of them gets a number, wherever it comes from."""
    names = ZipNames()
    names.enter((), ["A.JPG", "a (2).jpg", "a.jpg", "a.Jpg", "x%5C", "x\\"])
    found = [names.take((one,)) for one in ["A.JPG", "a (2).jpg", "a.jpg", "a.Jpg", "x%5C", "x\\"]]
    assert found == ["A.JPG", "a (2).jpg", "a (3).jpg", "a (4).Jpg", "x%5C", "x%5C (2)"]


def test_a_folder_keeps_its_name_for_what_is_in_it() -> None:
    """What is in a folder whose name had to be changed is found in that folder."""
    names = ZipNames()
    assert names.enter((), ["a:b"]) == ""
    assert names.enter(("a:b",), ["c"]) == "a%3Ab"
    assert names.take(("a:b", "c")) == "a%3Ab/c"


_NAME = st.binary(min_size=1, max_size=6).filter(lambda name: not set(name) & set(b"/\0") and name not in (b".", b".."))


@given(st.lists(_NAME, unique=True, max_size=40))
def test_any_names_stay_as_many_harmless_ones(raw: list[bytes]) -> None:
    """No two alike in lower case, none that leads elsewhere, all of them text."""
    given_names = [os.fsdecode(name) for name in raw]
    names = ZipNames()
    names.enter((), given_names)
    found = [names.take((name,)) for name in given_names]
    assert len({name.casefold() for name in found}) == len(raw)
    for name in found:
        assert name.encode()
        assert not set(name) & set('/\\:*?"<>|\0')
        assert name not in (".", "..")
