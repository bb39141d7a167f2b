"""Where processes listen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from potions.host.listeners import listening


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")],
)
def test_a_listening_socket_is_found(family: socket.AddressFamily, address: str) -> None:
    """Address and port of a listener are told as it bound them, for both families."""
    if family is socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with closing(socket.socket(family)) as listener:
        listener.bind((address, 0))
        listener.listen()
        assert (address, listener.getsockname()[1]) in listening([os.getpid()])


def test_only_what_listens_counts() -> None:
    """A bound socket that does not listen, and both ends of a connection, are no listeners."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        with closing(socket.create_connection(listener.getsockname())) as client:
            accepted, _ = listener.accept()
            with closing(accepted):
                found = {port for _, port in listening([os.getpid()])}
                assert listener.getsockname()[1] in found
                assert not {bound.getsockname()[1], client.getsockname()[1]} & found


def test_only_the_asked_processes_count() -> None:
    """The listener of another process is found with its id, and not without."""
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert ("127.0.0.1", port) in listening([os.getpid(), process.pid])
        assert ("127.0.0.1", port) not in listening([os.getpid()])
        process.communicate(b"\n")


def test_a_process_that_is_gone_listens_nowhere() -> None:
    """An id that no process has is no error."""
    with subprocess.Popen(["true"]) as process:
        pass
    assert listening([process.pid]) == set()
