"""Signals that are heard at once, whatever the command waits for."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Ends a system call that waits, and does nothing else.
_NUDGE = signal.SIGURG
#: In seconds, one after the other: the first comes too early where the main thread has not begun to wait.
_PAUSES = (0.02, 0.2, 1.0)


@contextmanager
def heard_at_once() -> Iterator[None]:
    """Have no signal wait for the end of a system call.

    Python notes a signal, and acts on it before its next step. One that comes between the last such look and a call
    that waits is acted on when that call returns, which for a log that nobody writes to is never; so does one that the
    kernel gives to another thread. Here a thread is told of every signal too, and interrupts the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, telling = socket.socketpair()
    telling.setblocking(False)
    over = threading.Event()
    thread = threading.Thread(target=_interrupt, args=(told, threading.get_ident(), over), name="signals", daemon=True)
    nudged_before = signal.signal(_NUDGE, lambda *_: None)
    told_before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(told_before)
        over.set()
        telling.close()
        thread.join()
        told.close()
        signal.signal(_NUDGE, nudged_before)


def _interrupt(told: socket.socket, main: int, over: threading.Event) -> None:
    while numbers := told.recv(64):
        if set(numbers) == {_NUDGE}:
            continue
        for pause in _PAUSES:
            if over.wait(pause):
                return
            signal.pthread_kill(main, _NUDGE)
