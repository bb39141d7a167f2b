"""Following what grows: every line once, and none that came before the end is missed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.agent.streams import follow


class Growing:
    """Lines that grow while they are read, and then end, as the steps say: at each look some of them happen."""

    def __init__(self, steps: list[list[bytes]]) -> None:
        self._steps = iter(steps)
        self.lines: list[bytes] = []
        self._read = 0
        self.over = False

    def happen(self) -> None:
        """Let the next step happen: lines that are written, or the end once there is none left."""
        step = next(self._steps, None)
        if step is None:
            self.over = True
        else:
            self.lines.extend(step)

    def read(self) -> list[bytes]:
        self.happen()
        new = self.lines[self._read :]
        self._read = len(self.lines)
        self.happen()
        return new

    def is_over(self) -> bool:
        self.happen()
        was = self.over
        self.happen()
        return was


def followed(read: Callable[[], list[bytes]], is_over: Callable[[], bool]) -> list[bytes]:
    """All that the stream gives."""

    async def collect() -> list[bytes]:
        with anyio.fail_after(20):
            return [piece async for piece in follow(read, is_over)]

    return anyio.run(collect)


_STEPS = st.lists(st.lists(st.integers(0, 9).map(lambda number: b"%d\n" % number), max_size=3), max_size=12)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(_STEPS)
def test_every_line_before_the_end_is_given_once(steps: list[list[bytes]]) -> None:
    """However writing, ending and looking fall between each other."""
    growing = Growing(steps)
    pieces = followed(growing.read, growing.is_over)
    assert b"".join(pieces) == b"".join(growing.lines)
    assert all(pieces)


def test_a_writer_in_another_thread_is_followed_to_its_end() -> None:
    """It writes as fast as it can, and ends right behind its last line."""
    lines: list[bytes] = []
    over = threading.Event()
    seen = [0]

    def write() -> None:
        for number in range(3000):
            lines.append(b"%d\n" % number)
        over.set()

    def read() -> list[bytes]:
        new = lines[seen[0] :]
        seen[0] += len(new)
        return new

    writing = threading.Thread(target=write)
    writing.start()
    pieces = followed(read, over.is_set)
    writing.join()
    assert b"".join(pieces) == b"".join(lines)


def test_what_grows_for_ever_is_given_once_where_nobody_follows() -> None:
    """An app that prints without a pause does not keep the answer open."""
    assert followed(lambda: [b"again\n"], lambda: True) == [b"again\n"]


def test_what_tells_that_there_is_more_is_not_looked_at_meanwhile() -> None:
    """Each line is given as soon as it is there, and nobody looks while there is none."""
    out, into = os.pipe()
    os.set_blocking(out, False)
    looks = [0]

    def read() -> list[bytes]:
        looks[0] += 1
        try:
            return [os.read(out, 100)]
        except BlockingIOError:
            return []

    def write() -> None:
        for number in range(3):
            time.sleep(0.3)  # so that it is silent in between
            os.write(into, b"%d\n" % number)

    async def collect() -> list[bytes]:
        found = []
        with anyio.fail_after(20):
            async for piece in follow(read, lambda: False, lambda: out):
                found.append(piece)
                if len(found) == 3:
                    return found
        return found

    writing = threading.Thread(target=write)
    writing.start()
    assert anyio.run(collect) == [b"0\n", b"1\n", b"2\n"]
    writing.join()
    assert looks[0] <= 8
    os.close(out)
    os.close(into)


def test_what_is_over_and_empty_is_empty() -> None:
    """And takes no time."""
    assert followed(list, lambda: True) == []
