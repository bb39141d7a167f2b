"""The streams of a program that a person opened: a pseudo-terminal, or three pipes."""

from __future__ import annotations

import contextlib
import os
import termios

from potions.model.service import Account
from potions.model.terminal import Window

#: The terminal erases whole characters of UTF-8 and not single bytes of them. ``termios`` has no name for it.
_IUTF8 = 0o040000


class Streams:
    """Both ends of what a program reads and prints. Ours do not block."""

    def __init__(self, ours: tuple[int, int, int | None], theirs: tuple[int, int, int]) -> None:
        self.input: int | None
        self.input, self.output, self.errors = ours
        """Where the program prints its errors; None in a terminal, where they are among its output."""
        self.theirs = theirs
        """Standard input, output and error of the program."""
        self._open = {descriptor for descriptor in ours if descriptor is not None}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)

    def hand_over(self) -> None:
        """Close the program's ends here: it has them by now, and its end is known by their end."""
        for descriptor in set(self.theirs):
            os.close(descriptor)

    def end_input(self) -> None:
        """The program reads the end of its input; in a terminal as somebody types it."""
        if self.input is None:
            return
        if self.input == self.output:
            # A full queue of what was typed before it: then that, too, can only be ended from elsewhere.
            with contextlib.suppress(OSError):
                os.write(self.input, b"\x04")
            return
        self._close(self.input)
        self.input = None

    def resize(self, columns: int, rows: int) -> None:
        """Tell the terminal its size, and by that the program."""
        if self.errors is None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetwinsize(self.output, (rows, columns))

    def close(self) -> None:
        """Close our ends. A terminal that is closed ends what still runs in it."""
        for descriptor in list(self._open):
            self._close(descriptor)
        self.input = None

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.remove(descriptor)
            os.close(descriptor)


def open_terminal(window: Window) -> Streams:
    """A pseudo-terminal of that size.

    It stays the platform's own, so that no other program of the apps' user can open it by its name: the program has it
    by its descriptors. Raises OSError.
    """
    ours, theirs = os.openpty()
    settings = termios.tcgetattr(theirs)
    settings[0] |= _IUTF8
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    termios.tcsetwinsize(theirs, (window.rows, window.columns))
    return Streams((ours, ours, None), (theirs, theirs, theirs))


def open_pipes(account: Account) -> Streams:
    """Three pipes, which carry every byte as it is. Raises OSError."""
    (read_in, write_in), (read_out, write_out), (read_err, write_err) = os.pipe(), os.pipe(), os.pipe()
    if account.switch:
        # Or the program could not open its own /dev/stdout.
        for descriptor in (read_in, write_out, write_err):
            os.fchown(descriptor, account.uid, account.gid)
    return Streams((write_in, read_out, read_err), (read_in, write_out, write_err))
