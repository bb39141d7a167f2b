"""What an app prints can be read in a terminal, and do nothing to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from potions.cli.screen import new_table, print_json, sanitise, say, show, spell_out, write_out
from potions.schema import AppCreate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 漢字 🔒\ttab", "plain ünïcode 漢字 🔒\ttab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]52;c;Y2xpcGJvYXJk\x1b\\after", "after"),
        ("\x1bPdevice\x1b\\after", "after"),
        ("\x1bcreset", "reset"),
        ("50%\r100%", "50%\\r100%"),
        ("two\nlines", "two\\nlines"),
        ("bell\x07 back\x08", "bell\\x07 back\\x08"),
        ("alone\x1b", "alone\\x1b"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("lone\ud800", "lone\\ud800"),
        ("[red]markup[/red] :smile:", "[red]markup[/red] :smile:"),
    ],
)
def test_foreign_text_is_made_harmless(text: str, shown: str) -> None:
    """Sequences are dropped; other control characters, also invisible ones, are spelt out."""
    assert sanitise(text) == shown


_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@given(st.text(st.one_of(st.characters(), st.sampled_from("\x1b[]0;m\x07\\\x9b\x9dP^_")), max_size=60))
def test_no_control_character_is_left(text: str) -> None:
    """Whatever the text, nothing is left that a terminal would act on."""
    assert not _CONTROL.search(sanitise(text))
    assert not _CONTROL.search(spell_out(text))


def test_values_lack_nothing() -> None:
    """Where the text itself matters, a sequence is spelt out instead of dropped."""
    assert spell_out("a\x1b[31mb\n") == "a\\x1b[31mb\\n"


def test_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets and colons are no language of their own, neither in lines nor in tables."""
    say("[red]a[/red] :smile:")
    table = new_table("A")
    table.add_row("[bold]b[/bold] :smile:")
    show(table)
    out = capsys.readouterr().out
    assert "[red]a[/red] :smile:\n" in out
    assert "[bold]b[/bold] :smile:" in out


def test_a_long_line_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    """A command in a line can be copied, however long it is."""
    say("x" * 300)
    assert capsys.readouterr().out == "x" * 300 + "\n"


def test_a_pipe_gets_whole_cells(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe no cell is folded, so that a script finds what it looks for, nor filled up for a long one below it."""
    monkeypatch.delenv("COLUMNS")
    table = new_table("A", "B", fold=("B",))
    table.add_row("x" * 600, "y" * 600)
    table.add_row(Text("漢字", style="bold"), "[z]")
    show(table)
    titles, first, second = capsys.readouterr().out.splitlines()
    assert titles.split() == ["A", "B"]
    assert first == f"{'x' * 600}  {'y' * 600}"
    assert second == f"漢字{' ' * 596}  [z]"


def test_what_is_written_out_is_not_touched(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A pipe gets every byte, and nothing more; in its place among what is printed otherwise."""
    say("before")
    write_out("a\r\n\x1b[31m\u2028ünï")
    say("after")
    assert capfdbinary.readouterr().out == "before\na\r\n\x1b[31m\u2028ünïafter\n".encode()


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer is one line of JSON, as the API gives it."""
    print_json(AppCreate("ü\n"))
    assert capsys.readouterr().out == '{"name":"ü\\n"}\n'
