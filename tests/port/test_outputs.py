"""What holds of whatever keeps the output of apps, over the real ones: the port ``Outputs`` of ``flows.ports``."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from potions.errors import RequestRefused
from potions.layout import Colour
from potions.model.output import Source, Wanted
from support.platform import wait_for
from support.printing import BLUE, GREEN, MAIL, Printer, everything, more, printer_of, texts
from support.supervised import Stage


@pytest.fixture
def printer(stage: Stage) -> Iterator[Printer]:
    with printer_of(stage) as printer:
        yield printer


# The last lines, and those that come


def test_the_last_lines_of_each_program_come_first(printer: Printer) -> None:
    """So many of each in the slots that are asked for; of all programs, what comes from then on."""
    printer.print(GREEN, "one\ntwo\nthree\n")
    printer.print(MAIL, "sent one\nsent two\n")
    printer.print(BLUE, "old\n")
    printer.read(until=6)
    with printer.last(2, slots=(Colour.GREEN,)) as reader:
        first = everything(reader)
        assert sorted(texts(first)) == ["sent one", "sent two", "three", "two"]
        assert [line.text for line in first if line.source == GREEN] == ["two", "three"]
        assert [line.text for line in first if line.source == MAIL] == ["sent one", "sent two"]
        for source in (BLUE, MAIL, GREEN):
            printer.print(source, f"new of {source.slot} {source.process}\n")
        assert {line.source: line.text for line in more(reader, 3)} == {
            BLUE: "new of blue web",
            MAIL: "new of green mail",
            GREEN: "new of green web",
        }


def test_no_lines_are_asked_for_and_those_that_come_are_given(printer: Printer) -> None:
    """Also of a worker that begins only now, from its first line."""
    printer.print(GREEN, "before\n")
    printer.read(until=1)
    with printer.last(0, Wanted(follow=True)) as reader:
        assert everything(reader) == []
        printer.print(MAIL, "first\n")
        assert texts(more(reader, 1)) == ["first"]


def test_what_is_printed_is_there_in_less_than_a_second(printer: Printer) -> None:
    """For whoever follows: as soon as the reader says that there is more, where it can say so."""
    printer.print(GREEN, "before\n")
    printer.read(until=1)
    took = []
    with printer.last(1, Wanted(follow=True)) as reader:
        more(reader, 1)
        for number in range(5):
            began = time.monotonic()
            printer.print(GREEN, f"{number}\n")
            assert texts(more(reader, 1)) == [str(number)]
            took.append(time.monotonic() - began)
    assert sorted(took)[2] < 1.0, took


def test_one_slot_or_one_program_is_asked_for(printer: Printer) -> None:
    """And no other comes, now or later."""
    for source in (GREEN, MAIL, BLUE):
        printer.print(source, f"{source.process} {source.slot}\n")
    printer.read(until=3)
    assert texts(printer.read(wanted=Wanted(slot=Colour.BLUE))) == ["web blue"]
    assert texts(printer.read(wanted=Wanted(process="mail"))) == ["mail green"]
    with printer.last(0, Wanted(slot=Colour.GREEN, process="web")) as reader:
        everything(reader)
        for source in (BLUE, MAIL, GREEN):
            printer.print(source, "new\n")
        assert [line.source for line in more(reader, 1)] == [GREEN]


# What a line is


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (b"\xff\xfe is no UTF-8\n", "\ufffd\ufffd is no UTF-8"),
        (b"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m"),
        ("grüße \N{SNOWMAN}\n".encode(), "grüße \N{SNOWMAN}"),
        (b"with an end of Windows\r\n", "with an end of Windows"),
        (b"10%\r20%\rdone\n", "10%\r20%\rdone"),
        (b"  indented, with a\ttab\n", "  indented, with a\ttab"),
        (b"<3>of no priority\n", "<3>of no priority"),
        (b"MESSAGE=forged\n", "MESSAGE=forged"),
        (b"x" * 200_000 + b" long\n", "x" * 200_000 + " long"),
        ("é".encode() * 60_000 + b"\n", "é" * 60_000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_line_is_what_the_program_printed(printer: Printer, printed: bytes, found: str) -> None:
    """Whatever bytes are in it, and however long it is: among the last ones, as it comes, and in the file."""
    printer.begin(GREEN)
    with printer.last(0) as reader:
        everything(reader)
        printer.print(GREEN, printed + b"next\n")
        assert texts(more(reader, 2)) == [found, "next"]
    assert texts(printer.read(until=2)) == [found, "next"]
    kept = printer.outputs.whole(printer.app, GREEN)
    whole = b"".join(kept.pieces()).decode(errors="replace")
    kept.close()
    assert [line.rstrip("\r") for line in whole.split("\n")] == [found, "next", ""]


def test_only_whole_lines_are_given(printer: Printer) -> None:
    """What is begun comes when it is ended."""
    printer.print(GREEN, "one\nha")
    assert texts(printer.read(until=1)) == ["one"]
    with printer.last(0) as reader:
        everything(reader)
        printer.print(GREEN, "lf\n")
        assert texts(more(reader, 1)) == ["half"]


def test_nothing_but_what_the_program_printed_is_a_line(printer: Printer) -> None:
    """Not what its supervisor says when it starts, ends, and is started again."""
    printer.print(GREEN, "first\n")
    printer.end(GREEN)
    printer.print(GREEN, "second\n")
    assert texts(printer.read(until=2)) == ["first", "second"]


def test_many_lines_come_in_order_and_each_once(printer: Printer) -> None:
    """More than are read at once."""
    printer.begin(GREEN)
    lines = [f"{number} {'x' * 150}" for number in range(9_000)]
    with printer.last(0) as reader:
        everything(reader)
        printer.print(GREEN, "".join(f"{line}\n" for line in lines))
        assert texts(more(reader, len(lines))) == lines
    assert texts(printer.read(500, until=500)) == lines[-500:]


# Read on behind a line


def test_a_log_goes_on_behind_any_line(printer: Printer) -> None:
    """In every program of it at once, each line once."""
    for number in range(4):
        printer.print(GREEN, f"web {number}\n")
        printer.print(MAIL, f"mail {number}\n")
    printer.read(until=8)
    with printer.last(0, slots=()) as reader:
        everything(reader)
        for number in range(4, 8):
            printer.print(MAIL, f"mail {number}\n")
            printer.print(GREEN, f"web {number}\n")
            printer.print(BLUE, f"blue {number}\n")
        found = more(reader, 12)
    for at, line in enumerate(found):
        with printer.after(line.cursor) as reader:
            assert sorted(texts(everything(reader))) == sorted(texts(found[at + 1 :]))
            assert line.cursor.isascii()
            assert len(line.cursor) < 1000


def test_behind_the_last_line_comes_what_is_new(printer: Printer) -> None:
    """And nothing of another slot that was not asked for before."""
    printer.print(GREEN, "live\n")
    printer.print(BLUE, "idle\n")
    printer.read(until=2)
    with printer.last(10, slots=(Colour.GREEN,)) as reader:
        last = everything(reader)[-1]
    assert last.text == "live"
    with printer.after(last.cursor, Wanted(follow=True)) as reader:
        assert everything(reader) == []
        printer.print(BLUE, "idle again\n")
        assert texts(more(reader, 1)) == ["idle again"]


def test_a_cursor_of_another_app_or_choice_is_refused(stage: Stage, printer: Printer) -> None:
    """It says nothing of these lines."""
    printer.print(GREEN, "one\n")
    cursor = printer.read(until=1)[0].cursor
    with printer_of(stage) as other, pytest.raises(RequestRefused), other.after(cursor):
        pass
    for wanted in (Wanted(slot=Colour.GREEN), Wanted(process="web")):
        with pytest.raises(RequestRefused), printer.after(cursor, wanted):
            pass
    for wrong in ("", "x", "../../etc/passwd", "ü", "A" * 5000, cursor[:-1], cursor + "AAAA", f"s={'0' * 32};i=1"):
        with pytest.raises(RequestRefused), printer.after(wrong):
            pass


# Searching


def test_a_search_finds_lines_of_both_slots_and_new_ones(printer: Printer) -> None:
    """In upper and lower case, the last ones of each program."""
    printer.print(BLUE, "ERROR in blue\nfine\n")
    printer.print(GREEN, "Error 1\nfine\nerror 2\n\xe9rror\neRRoR 3\nfine\n")
    printer.read(until=8)
    with printer.last(2, Wanted(contains="Error")) as reader:
        assert sorted(texts(everything(reader))) == ["ERROR in blue", "eRRoR 3", "error 2"]
        printer.print(GREEN, "fine\nerror 4\n")
        found = more(reader, 1)
        assert texts(found) == ["error 4"]
    printer.print(GREEN, "fine\nerror 5\n")
    with printer.after(found[0].cursor, Wanted(contains="ERROR", follow=True)) as reader:
        assert texts(more(reader, 1)) == ["error 5"]


@pytest.mark.parametrize("text", ["a.b*[c](d)|\\e", "100 % $HOME", "grüße", "--until=now", "\x1b[31m"])
def test_what_is_searched_for_is_text(printer: Printer, text: str) -> None:
    """No pattern, and no option of whatever searches."""
    printer.print(GREEN, f"aab c d e\nbefore {text} behind\nGRÜ\n")
    printer.read(until=3)
    assert texts(printer.read(wanted=Wanted(contains=text))) == [f"before {text} behind"]


# What a deployment tells


def test_the_last_lines_since_a_place(printer: Printer) -> None:
    """At most so many, nothing from before it, and a last one that was not ended."""
    printer.print(GREEN, "old\n")
    printer.read(until=1)
    place = printer.outputs.now(printer.app, GREEN)
    assert printer.outputs.since(printer.app, GREEN, place, 30) == []
    printer.print(MAIL, "of another\n")
    printer.print(GREEN, "".join(f"line {number}\n" for number in range(50)) + "unfinished \x1b")
    printer.end(GREEN)
    expected = [*(f"line {number}" for number in range(21, 50)), "unfinished \x1b"]
    wait_for(lambda: printer.outputs.since(printer.app, GREEN, place, 30) == expected, "the last lines")
    assert printer.outputs.since(printer.app, GREEN, "", 100)[0] == "old"
    assert printer.outputs.since(printer.app, BLUE, "", 100) == []


# Which there are


def test_programs_that_printed_are_known_also_when_they_are_gone(stage: Stage, printer: Printer) -> None:
    """``web`` in any case, and no worker of another app."""
    assert printer.outputs.processes(printer.app) == ["web"]
    printer.print(Source(Colour.BLUE, "clock"), "tick\n")
    printer.print(MAIL, "sent\n")
    printer.read(until=2)
    with printer_of(stage, f"{printer.app.name}-blue") as other:
        other.print(Source(Colour.GREEN, "strange"), "strange\n")
        other.read(until=1)
        stage.supervisor.remove(printer.services.pop(MAIL).name)
        assert printer.outputs.processes(printer.app) == ["web", "clock", "mail"]
        assert texts(printer.read(wanted=Wanted(process="mail"))) == ["sent"]
        assert sorted(texts(printer.read())) == ["sent", "tick"]


def test_an_app_of_the_same_name_made_anew_shows_only_its_own(stage: Stage, printer: Printer) -> None:
    """And the one before shows its own when it is brought back."""
    printer.print(GREEN, "of the first\n")
    printer.print(MAIL, "its mail\n")
    cursor = printer.read(until=2)[0].cursor
    for source in list(printer.services):
        stage.supervisor.remove(printer.services.pop(source).name)
    aside = printer.tree.root.with_name(".aside")
    printer.tree.root.rename(aside)
    with printer_of(stage, printer.app.name) as second:
        assert second.read() == []
        assert second.outputs.processes(second.app) == ["web"]
        assert second.outputs.since(second.app, GREEN, "", 10) == []
        second.print(GREEN, "of the second\n")
        assert texts(second.read(until=1)) == ["of the second"]
        with pytest.raises(RequestRefused), second.after(cursor):
            pass
    aside.rename(printer.tree.root)
    assert sorted(texts(printer.read())) == ["its mail", "of the first"]


def test_following_ends_with_the_app(printer: Printer) -> None:
    """Whoever waits for lines of it is told."""
    printer.print(GREEN, "one\n")
    with printer.last(1, Wanted(follow=True)) as reader:
        more(reader, 1)
        aside = printer.tree.root.with_name(".gone")
        printer.tree.root.rename(aside)
        with pytest.raises(FileNotFoundError):
            reader.read()
        aside.rename(printer.tree.root)
