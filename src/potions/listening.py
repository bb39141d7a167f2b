"""Unix sockets to listen on: made here for their owner alone, or handed over by systemd, which keeps them open."""

from __future__ import annotations

import os
import socket
from pathlib import Path

#: systemd hands sockets over from this descriptor on, ``LISTEN_FDS`` of them, to the process ``LISTEN_PID``.
_FIRST_HANDED = 3


def listen_privately(path: Path) -> socket.socket:
    """A listening socket at ``path``: the one that systemd hands over, or a new one.

    With one that is handed over nobody is refused while this process is started anew, and its unit says who may open
    it. A new one has mode 0600 from its first moment; what a killed process left there is replaced.
    """
    return handed_over(path) or _new(path)


def _new(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def handed_over(path: Path) -> socket.socket | None:
    """The listening socket at ``path`` that systemd keeps open; None where it hands none over."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    for descriptor in range(_FIRST_HANDED, _FIRST_HANDED + int(os.environ.get("LISTEN_FDS", "0"))):
        # Made from a copy, so that another socket's look at it closes nothing.
        found = socket.socket(fileno=os.dup(descriptor))
        if found.family == socket.AF_UNIX and found.getsockname() == str(path):
            return found
        found.close()
    return None
