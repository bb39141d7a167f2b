"""What holds of systemd's journal alone. It is run inside a machine, whose journal may be put aside and flooded."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import psutil
import pytest

from potions.host.journal import Position, newest
from potions.host.journal_cursor import encode_position
from potions.host.log_cursor import scope_of
from potions.layout import SERVER
from potions.model.output import Wanted
from potions.render.systemd import unit_name
from support.platform import wait_for
from support.printing import GREEN, MAIL, Printer, everything, more, printer_of, texts
from support.supervised import Stage


@pytest.fixture
def printer(stage: Stage) -> Iterator[Printer]:
    with printer_of(stage) as printer:
        yield printer


def journalctl(*words: str) -> str:
    return subprocess.run(["journalctl", *words], check=True, capture_output=True, text=True).stdout


def readers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name() == "journalctl"]


def test_what_was_put_aside_unread_is_told(printer: Printer) -> None:
    """A gap, then the lines that are kept, each once; and behind those it goes on without one."""
    printer.print(GREEN, "one\n")
    seen = printer.read(until=1)[-1]
    printer.print(GREEN, "lost\n")
    printer.read(until=2)
    journalctl("--sync")
    journalctl("--rotate", "--vacuum-size=1")
    printer.print(GREEN, "kept\n")
    printer.read(until=1)
    with printer.after(seen.cursor) as reader:
        found = everything(reader)
        assert texts(found) == ["GAP", "kept"]
        printer.print(GREEN, "new\n")
        assert texts(more(reader, 1)) == ["new"]
    with printer.after(found[1].cursor) as reader:
        assert texts(everything(reader)) == ["new"]


def test_a_journal_that_is_only_begun_anew_loses_nothing(printer: Printer) -> None:
    """Also while somebody follows."""
    printer.print(GREEN, "one\n")
    seen = printer.read(until=1)[-1]
    with printer.last(0, Wanted(follow=True)) as reader:
        everything(reader)
        printer.print(GREEN, "two\n")
        journalctl("--rotate")
        printer.print(GREEN, "three\n")
        assert texts(more(reader, 2)) == ["two", "three"]
        subprocess.run(["systemctl", "restart", "systemd-journald"], check=True)
        printer.print(GREEN, "four\n")
        assert texts(more(reader, 1)) == ["four"]
    with printer.after(seen.cursor) as reader:
        assert texts(everything(reader)) == ["two", "three", "four"]


def test_a_made_up_place_leads_to_lines_of_the_app_alone(stage: Stage, printer: Printer) -> None:
    """Whichever entry of the journal it names, and one of another app above all."""
    with printer_of(stage) as other:
        other.print(GREEN, "secret of another\n")
        other.read(until=1)
        strange = newest()
        other.print(GREEN, "another secret of another\n")
        other.read(until=2)
    assert strange is not None
    printer.print(GREEN, "own\n")
    printer.read(until=1)
    zero = "0" * 32
    far = 2**64 - 1
    places = [
        strange,
        strange._replace(number=1),
        strange._replace(number=far),
        Position(zero, 1, zero, 1, 1, 1),
        Position(zero, far, zero, far, 253_402_300_799_000_000, far),
        Position(zero, 1, zero, 1, strange.realtime, 1),
    ]
    scope = scope_of(printer.app.id, None, None)
    for place in places:
        for follow in (False, True):
            with printer.after(encode_position(scope, place), Wanted(follow=follow)) as reader:
                assert {line.text for line in everything(reader)} <= {"", "own"}


def test_what_came_too_fast_is_told(stage: Stage, printer: Printer) -> None:
    """journald drops what one unit prints beyond a limit, and how much: a gap, with the number in words."""
    for source in (GREEN, MAIL):
        unit = unit_name(source.service(printer.app.name))
        folder = SERVER.passing_units / f"{unit}.d"
        folder.mkdir()
        (folder / "limit.conf").write_text("[Service]\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=20\n")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    printer.begin(MAIL)
    with printer.last(0, Wanted(follow=True)) as reader:
        everything(reader)
        # journald makes the limit larger where there is much room on the disk.
        printer.print(GREEN, "".join(f"line {number}\n" for number in range(5_000)))

        def told() -> bool:
            printer.print(GREEN, "later\n")
            return any(line.gap for line in reader.read())

        wait_for(told, "journald says what it dropped")
    with printer.last(10_000) as reader:
        found = everything(reader)
    gap = next(line for line in found if line.gap)
    assert gap.source == GREEN
    assert gap.text.endswith(" lines were dropped: they came faster than the journal takes them")
    count = int(gap.text.split()[0].replace(",", ""))
    # Some of those that were printed later may have been dropped as well.
    assert 5_000 <= count + sum(line.text.startswith("line ") for line in found) < 5_100
    kept = printer.outputs.whole(printer.app, GREEN)
    assert f"[{gap.text}]\n".encode() in b"".join(kept.pieces())
    kept.close()


def test_a_reader_leaves_no_child_behind(printer: Printer) -> None:
    """Neither one that is closed nor one that was read to its end."""
    printer.print(GREEN, "one\n" * 20_000)
    printer.read(until=1)
    before = len(readers())
    with printer.last(10, Wanted(follow=True)) as reader:
        more(reader, 1)
        reader.read()
        assert len(readers()) == before + 1
        reader.close()
        reader.close()
        assert len(readers()) == before
    printer.read(5)
    kept = printer.outputs.whole(printer.app, GREEN)
    next(iter(kept.pieces()))
    kept.close()
    assert len(readers()) == before


def test_silent_readers_cost_next_to_nothing(printer: Printer) -> None:
    """Fifty that follow an app that prints nothing, while another one does, take less than a tenth of a processor."""
    printer.print(GREEN, "one\n")
    opened = [printer.outputs.begin_with_last(printer.app, Wanted(follow=True), 0, ()) for _ in range(50)]
    for reader in opened:
        everything(reader)
    wait_for(lambda: len(readers()) == 50, "all of them follow")

    def used() -> float:
        return sum(sum(child.cpu_times()[:2]) for child in readers())

    before = used()
    subprocess.run(["sh", "-c", "for n in 1 2 3 4 5; do logger word $n; sleep 1; done"], check=True)
    took = used() - before
    for reader in opened:
        reader.close()
    assert took / 5 < 0.1 * len(opened) / 50, took
