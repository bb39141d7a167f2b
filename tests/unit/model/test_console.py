"""Which program a console is."""

from __future__ import annotations

import pytest

from potions.model.console import ConsoleMarks, choose_console
from potions.model.terminal import PLAIN_TERM, is_opened, term_of

EVERYTHING = ConsoleMarks(mix_name="shop", rails=True, django=True, python=True, node=True, environment=".venv")


@pytest.mark.parametrize(
    ("said", "marks", "words"),
    [
        ("exec psql", EVERYTHING, "/bin/sh -c exec psql"),
        (None, EVERYTHING, "bin/shop remote"),
        (None, ConsoleMarks(rails=True, node=True), "bin/rails console"),
        (None, ConsoleMarks(django=True, python=True, node=True), "python3 manage.py shell"),
        (None, ConsoleMarks(django=True, environment=".venv"), "python manage.py shell"),
        (None, ConsoleMarks(environment="venv"), "python"),
        (None, ConsoleMarks(python=True, node=True), "python3"),
        (None, ConsoleMarks(node=True), "node"),
        (None, ConsoleMarks(), "/bin/sh"),
    ],
)
def test_the_first_that_fits_counts(said: str | None, marks: ConsoleMarks, words: str) -> None:
    """What the manifest says before all else, a shell where nothing is known."""
    assert " ".join(choose_console(said, marks).argv) == words


@pytest.mark.parametrize("said", ["", "../../etc", "x" * 41, "a b", "x\n", "é", ".hidden"])
def test_a_kind_of_terminal_that_is_no_name_is_not_handed_on(said: str) -> None:
    """Programs look for it as a file."""
    assert term_of(said) == PLAIN_TERM
    assert term_of("screen.xterm-256color") == "screen.xterm-256color"


def test_what_a_person_opened_is_known_by_its_mark() -> None:
    """And no worker or one-shot is taken for it."""
    assert is_opened("run.0a1b") and is_opened("console.0a1b")
    assert not any(map(is_opened, ("web", "worker.run", "worker.console", "migrate", "build", "")))
