"""A unix socket to listen on, which only its owner may open."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def listen_privately(path: Path) -> socket.socket:
    """A listening socket with mode 0600 from its first moment. What a killed process left there is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener
