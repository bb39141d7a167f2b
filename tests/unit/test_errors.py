"""Errors say what happened, why and what to do, and have stable codes."""

from __future__ import annotations

import inspect

import pytest

from potions import errors
from potions.errors import AppUnknown, NameRefused, PotionsError, ReservedVariable

_ALL = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, PotionsError) and member is not PotionsError
]


def test_every_code_is_there_once() -> None:
    """A code names one class, so that a script can rely on it."""
    codes = [error.code for error in _ALL]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("error", _ALL, ids=lambda error: error.code)
def test_every_error_has_what_the_reference_and_the_printer_need(error: type[PotionsError]) -> None:
    """A code of its own in lower case, a sentence for the reference, an HTTP status of a refusal, an exit status."""
    assert "code" in vars(error)
    assert error.code == error.code.lower()
    assert " " not in error.code
    assert (error.__doc__ or "").splitlines()[0].endswith(".")
    assert 400 <= error.http_status < 600
    # 127 is what a shell says of a command that it does not find.
    assert error.exit_status in (1, 2, 127)


def test_an_error_prints_what_why_and_do_on_lines_of_their_own() -> None:
    """Parts that are empty leave no blank line."""
    assert str(PotionsError("what", why="why", do="do")) == "what\nwhy\ndo"
    assert str(PotionsError("what", do="do")) == "what\ndo"
    assert str(PotionsError("what")) == "what"


def test_a_long_name_is_cut_in_its_error() -> None:
    """A name of a megabyte does not fill the terminal."""
    error = NameRefused("an app", "a" * 1000, "The rule.")
    assert len(error.what) < 120
    assert "..." in error.what


def test_an_unknown_app_is_told_with_the_names_that_come_close() -> None:
    """The suggestion is there only if there is one."""
    assert "Did you mean blog?" in AppUnknown("blgo", ["blog"]).why
    assert AppUnknown("blgo").why == ""


@pytest.mark.parametrize("name", ["STORAGE_DIR", "PORT", "POTIONS_APP"])
def test_each_reserved_variable_has_its_own_reason(name: str) -> None:
    """The reason is about that variable, not about reserved names as such."""
    others = {"STORAGE_DIR", "PORT", "POTIONS_APP"} - {name}
    assert all(ReservedVariable(name).why != ReservedVariable(other).why for other in others)
