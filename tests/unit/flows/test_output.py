"""What an app prints, in the log of its deployment: whole lines, each once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potions.flows.output import LAST_LINES, OutputTail, tell_last_lines
from support.scripted_world import TREE, Script

LOG = TREE.logs / "blue-build.log"


def tail_of(script: Script) -> OutputTail:
    return OutputTail(script.run(), LOG)


@given(st.lists(st.sampled_from([b"one", b"two\n", b"\n", b"thr\xc3", b"\xa9e\n", b"end"]), max_size=12), st.data())
def test_lines_arrive_whole_and_once(pieces: list[bytes], data: st.DataObject) -> None:
    """However the app's writes and the looks fall: all of it, cut at line feeds only."""
    script = Script()
    tail = tail_of(script)
    for piece in pieces:
        script.output[LOG.name] = script.output.get(LOG.name, b"") + piece
        if data.draw(st.booleans()):
            tail.read()
    tail.read()
    whole, _, rest = b"".join(pieces).rpartition(b"\n")
    assert script.lines == (whole.decode(errors="replace").split("\n") if b"\n" in b"".join(pieces) else [])
    tail.read(to_the_end=True)
    assert script.lines[-1:] == ([rest.decode(errors="replace")] if rest else script.lines[-1:])


def test_the_rest_of_an_unfinished_line_is_told_once() -> None:
    """At the end, and not again."""
    script = Script(output={LOG.name: b""})
    tail = tail_of(script)
    script.output[LOG.name] = b"first\nunfinished"
    tail.read()
    assert script.lines == ["first"]
    tail.read(to_the_end=True)
    tail.read(to_the_end=True)
    assert script.lines == ["first", "unfinished"]


def test_what_was_there_before_is_not_told() -> None:
    """A log that an earlier task left is not this one's."""
    script = Script(output={LOG.name: b"old\n"})
    tail = tail_of(script)
    script.output[LOG.name] += b"new\n"
    tail.read(to_the_end=True)
    assert script.lines == ["new"]


def test_a_log_that_was_put_aside_is_read_to_its_end_and_the_new_one_once() -> None:
    """The supervisor begins a new file when one grew too large; no line is lost, and none comes twice."""
    script = Script(output={LOG.name: b""})
    tail = tail_of(script)
    script.output[LOG.name] = b"one\ntw"
    tail.read()
    script.output[f"{LOG.name}.1"] = b"one\ntwo\nthree\nfo"
    script.output[LOG.name] = b"ur\n"
    for _ in range(3):
        tail.read()
    script.output[LOG.name] = b"ur\nfive\n"
    tail.read(to_the_end=True)
    assert script.lines == ["one", "two", "three", "four", "five"]


def test_a_carriage_return_ends_no_line() -> None:
    """One before the line feed is not part of the line."""
    script = Script(output={LOG.name: b""})
    tail = tail_of(script)
    script.output[LOG.name] = b"10%\r20%\rdone\r\n"
    tail.read()
    assert script.lines == ["10%\r20%\rdone"]


def test_the_last_lines_are_those_of_this_deployment() -> None:
    """At most thirty, and nothing from before its start."""
    script = Script(output={"web": b"old\n"})
    run = script.run(output_start={"web": "4"})
    script.output["web"] += b"".join(b"line %d\n" % number for number in range(50)) + b"unfinished \xff"
    tell_last_lines(run)
    assert script.lines == [*(f"line {number}" for number in range(50 - LAST_LINES + 1, 50)), "unfinished \ufffd"]


def test_output_that_cannot_be_read_hides_no_failure() -> None:
    """What is told with it is why something else failed: the log says that its words are missing, and goes on."""
    script = Script(output={"web": b"old\n"}, unreadable=True)
    assert tell_last_lines(script.run()) is False
    assert script.notes == ["what it printed cannot be read: It is broken."]
