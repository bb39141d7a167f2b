"""What journalctl gives is taken apart and put together. The real journal is tried inside a machine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.errors import OutputUnreadable, RequestRefused
from potions.host import journal
from potions.host.journal import Entry, Export, Position
from potions.host.journal_cursor import decode_position, encode_position
from potions.host.journal_lines import Joiner, source_of
from potions.host.log_cursor import CURSOR_MAX, scope_of
from potions.layout import Colour
from potions.model.app import App, Ports
from potions.model.output import WEB, Source
from potions.names import AppName
from potions.render.systemd import unit_name

_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True)
_NUMBERS = st.integers(0, 2**64 - 1)
_TIMES = st.integers(0, 253_402_300_799_000_000)
_IDS = st.binary(min_size=16, max_size=16).map(bytes.hex)
_POSITIONS = st.builds(Position, _IDS, _NUMBERS, _IDS, _NUMBERS, _TIMES, _NUMBERS)
SCOPE = scope_of(1, None, None)


def app_called(name: str) -> App:
    return App(1, AppName(name), Ports(4000), datetime.fromtimestamp(1_700_000_000, UTC))


BLOG = app_called("blog")


def exported(position: Position, unit: str, data: bytes, *, binary: bool) -> bytes:
    """An entry in the Journal Export Format."""
    message = b"MESSAGE\n" + len(data).to_bytes(8, "little") + data if binary else b"MESSAGE=" + data
    fields = [b"__CURSOR=" + position.text.encode(), message, b"_SYSTEMD_UNIT=" + unit.encode()]
    return b"\n".join(fields) + b"\n\n"


def entry(text: str, number: int, *, goes_on: bool = False, stream: bytes = b"1", unit: str = "blog-blue") -> Entry:
    position = Position("0" * 32, number, "0" * 32, number, number, number)
    return Entry(position, f"{unit}.service", text.encode(), goes_on, stream, 0)


@given(st.lists(st.tuples(_POSITIONS, st.binary(max_size=30)), max_size=5), st.integers(1, 9))
def test_entries_are_read_however_they_are_cut(printed: list[tuple[Position, bytes]], piece: int) -> None:
    """Text as it stands, and whatever bytes by their number: line feeds and empty lines among them."""
    binary = [any(byte < 32 for byte in data) for _, data in printed]
    texts = [exported(place, "a.service", data, binary=how) for (place, data), how in zip(printed, binary, strict=True)]
    data = b"".join(texts)
    export = Export()
    found = [one for at in range(0, len(data), piece) for one in export.feed(data[at : at + piece])]
    assert [(one.position, one.data, one.unit) for one in found] == [(*one, "a.service") for one in printed]


@given(_NAMES, st.sampled_from(Colour), st.one_of(st.just(WEB), _NAMES))
def test_a_unit_is_known_as_the_program_it_runs(app: str, colour: Colour, process: str) -> None:
    """Of its own app and of no other."""
    source = Source(colour, process)
    unit = unit_name(source.service(app))
    assert source_of(app_called(app), unit) == source
    assert source_of(app_called(f"{app[:20]}x"), unit) is None


@pytest.mark.parametrize(
    "unit",
    [
        *("blog-blue.migrate.service", "blog-blue.build.service", "blog-red.service", "blog-blue.worker.service"),
        *("blog-blue.service.d", "potions-agent.service", "blog2-blue.service", "blog-blue-blue.service", "init.scope"),
    ],
)
def test_other_units_are_no_program_of_the_app(unit: str) -> None:
    """Its one-shots keep files; what begins with its name may be another app's."""
    assert source_of(BLOG, unit) is None


# Lines


def test_a_line_that_was_cut_is_one_again() -> None:
    """Over several looks, and beside the lines of another program."""
    joiner = Joiner(BLOG)
    first = list(joiner.lines([entry("one ", 1, goes_on=True), entry("other", 2, unit="blog-green")]))
    second = list(joiner.lines([entry("line", 3), entry("next", 4), entry("strange", 5, unit="blog2-blue")]))
    assert [line.data for line in first + second] == [b"other", b"one line", b"next"]
    assert [line.position.number for line in first + second] == [2, 3, 4]
    assert list(joiner.rest()) == []


def test_what_a_program_did_not_end_is_not_joined_with_what_the_next_one_prints() -> None:
    """It was started again in between; and the rest of a log is told as begun."""
    joiner = Joiner(BLOG)
    found = list(joiner.lines([entry("half", 1, goes_on=True), entry("whole", 2, stream=b"2")]))
    assert [(line.data, line.whole) for line in found] == [(b"half", False), (b"whole", True)]
    assert list(joiner.lines([entry("begun", 3, goes_on=True)])) == []
    assert [(line.data, line.whole) for line in joiner.rest()] == [(b"begun", False)]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """It is given in parts of some megabytes."""
    piece = "x" * 49_152
    found = list(Joiner(BLOG).lines([entry(piece, number, goes_on=True) for number in range(400)]))
    assert len(found) == 2
    assert all(len(line.data) < 9_000_000 for line in found)


# The cursor


@given(_POSITIONS)
def test_a_cursor_leads_back_to_its_place(position: Position) -> None:
    """As journald itself writes that place."""
    text = encode_position(SCOPE, position)
    assert decode_position(text, SCOPE) == position
    assert Position.read(position.text) == position
    assert len(text) < CURSOR_MAX
    for wrong in (text[:-2], text + "AAAA", "B" + text[1:]):
        with pytest.raises(RequestRefused):
            decode_position(wrong, SCOPE)
    with pytest.raises(RequestRefused, match=r"another app"):
        decode_position(text, scope_of(1, "blue", None))
    with pytest.raises(RequestRefused):
        decode_position(encode_position(SCOPE, position._replace(realtime=2**60)), SCOPE)


@pytest.mark.parametrize("text", ["", "s=1", "s=1;i=x;b=1;m=1;t=1;x=1", "i=1;b=1;m=1;t=1;x=1", "nonsense"])
def test_what_is_no_place_of_the_journal_is_no_position(text: str) -> None:
    """Wherever it came from."""
    with pytest.raises(ValueError, match=r".*"):
        Position.read(text)


def test_a_computer_without_a_journal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, with what to do."""
    monkeypatch.setitem(journal.ENVIRONMENT, "PATH", "/nonexistent")
    for call in (journal.synchronise, journal.newest, journal.units):
        with pytest.raises(OutputUnreadable) as refused:
            call()
        assert "journalctl" in refused.value.why + refused.value.do
