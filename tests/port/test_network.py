"""The port ``Network`` of ``flows.ports`` on this computer: real ports, real processes, real answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from potions import launcher
from potions.flows.ports import Answer
from potions.host.network import Network
from potions.layout import AppTree, Colour
from potions.render.envfile import render_environment
from support.platform import free_port, wait_for

#: Says where it listens, in a file named by its first word; a second word makes it start another that outlives it.
LISTENER = """
import os, signal, socket, sys
from pathlib import Path
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "orphan" in sys.argv and os.fork(): os._exit(0)
if "session" in sys.argv: os.setsid()
listener = socket.create_server(("127.0.0.1", 0))
if "title" in sys.argv:
    fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    with open("/proc/self/mem", "r+b", 0) as memory:
        memory.seek(int(fields[47])); memory.write(b"a title for ps".ljust(int(fields[48]) - int(fields[47]), b"\\0"))
said = Path(sys.argv[1])
said.with_suffix(".new").write_text(f"{os.getpid()} {listener.getsockname()[1]}")
said.with_suffix(".new").rename(said)
while True: signal.pause()
"""


class Apps:
    """Programs of apps, started as the supervisor starts them: by the launcher, with the marks of their slot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.closing = ExitStack()
        self._made = 0

    def tree(self, app: str) -> AppTree:
        return AppTree(self.folder / "apps" / app)

    def run(self, app: str, colour: Colour, *words: str) -> tuple[int, int]:
        """Run a listener in a slot; its process and its port. With ``orphan`` its parent is gone."""
        self._made += 1
        said = self.folder / f"said{self._made}"
        program = self.folder / "listener.py"
        program.write_text(LISTENER)
        marks = {"POTIONS_DIR": str(self.tree(app).root), "POTIONS_SLOT": colour.value}
        command = f"exec {sys.executable} {program} {said} {' '.join(words)}"
        spec = self._spec(command, marks)
        process = subprocess.Popen([sys.executable, "-I", "-S", launcher.__file__, spec], start_new_session=True)
        self.closing.callback(process.wait)
        wait_for(said.exists, "it listens")
        pid, port = map(int, said.read_text().split())
        self.closing.callback(_end, pid)
        return pid, port

    def _spec(self, command: str, variables: dict[str, str]) -> Path:
        env = self.folder / f"env{self._made}"
        env.write_bytes(render_environment(variables))
        account = {"name": "me", "uid": os.geteuid(), "gid": os.getegid(), "switch": False}
        spec = {"command": command, "directory": "/", "env_file": str(env), "account": account}
        path = self.folder / f"spec{self._made}.json"
        path.write_text(json.dumps(spec))
        return path


def _end(pid: int) -> None:
    if runs(pid):
        os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    made = Apps(tmp_path)
    with made.closing:
        yield made


# Ports


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "127.0.0.2", "::1", "::"])
def test_a_port_is_taken_on_whichever_address_somebody_listens(network: Network, host: str) -> None:
    """Both families, one address or all of them; and it is free again afterwards."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    port = listener.getsockname()[1]
    assert not network.is_port_free(port)
    assert network.holder_of(port) == f"{psutil.Process().name()} (process {os.getpid()})"
    listener.close()
    assert network.is_port_free(port)
    assert network.holder_of(port) == ""


def test_a_port_whose_connections_have_just_ended_is_free(network: Network) -> None:
    """What waits in TIME_WAIT is nobody that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            accepted.close()
    assert network.is_port_free(port)


# Whose processes they are


def test_processes_are_known_by_their_slot(network: Network, apps: Apps) -> None:
    """Those of another slot, of another app, and of an app whose name only begins alike are not among them."""
    pid, _ = apps.run("blog", Colour.BLUE)
    green, _ = apps.run("blog", Colour.GREEN)
    other, _ = apps.run("blog2", Colour.BLUE)
    assert network.processes_of(apps.tree("blog"), Colour.BLUE) == {pid}
    assert network.processes_of(apps.tree("blog"), Colour.GREEN) == {green}
    assert network.processes_of(apps.tree("blog2"), Colour.BLUE) == {other}
    assert network.processes_of(apps.tree("blo"), Colour.BLUE) == set()


def test_a_process_of_its_own_session_is_still_the_slots(network: Network, apps: Apps) -> None:
    """Also when its parent is gone: nothing but its mark tells whose it is."""
    pid, _ = apps.run("blog", Colour.BLUE, "orphan", "session")
    assert network.processes_of(apps.tree("blog"), Colour.BLUE) == {pid}
    assert network.end_processes(apps.tree("blog"), Colour.BLUE, 5) == set()
    wait_for(lambda: not runs(pid), "it has ended")


def test_a_process_that_writes_over_its_environment_is_known_by_its_family(network: Network, apps: Apps) -> None:
    """Programs that show a title in ps do so: Puma, PostgreSQL, gunicorn with setproctitle."""
    pid, port = apps.run("blog", Colour.BLUE, "title")
    assert network.processes_of(apps.tree("blog"), Colour.BLUE) == set()
    parent = psutil.Process(pid).ppid()
    assert pid in network.family_of(parent)
    assert network.family_of(pid) == {pid}
    assert network.listening(network.family_of(pid)) == [("127.0.0.1", port)]


def test_nobody_has_no_family(network: Network) -> None:
    """Neither the process number 0, which stands for none, nor one that is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert (network.family_of(0), network.family_of(gone.pid)) == (set(), set())


def test_listening_tells_addresses_and_ports(network: Network, apps: Apps) -> None:
    """Of these processes only, sorted; one that is gone listens nowhere."""
    first, first_port = apps.run("blog", Colour.BLUE)
    second, second_port = apps.run("blog", Colour.GREEN)
    ports = sorted([first_port, second_port])
    assert network.listening([first, second, first]) == [("127.0.0.1", port) for port in ports]
    assert network.listening([first]) == [("127.0.0.1", first_port)]
    _end(first)
    wait_for(lambda: not runs(first), "it is gone")
    assert network.listening([first]) == []


def test_listening_tells_both_families(network: Network) -> None:
    """As people write the addresses."""
    with ExitStack() as opened:
        here = network.listening([os.getpid()])
        four = opened.enter_context(socket.create_server(("127.0.0.2", 0)))
        all_four = opened.enter_context(socket.create_server(("0.0.0.0", 0)))
        six = opened.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        found = [where for where in network.listening([os.getpid()]) if where not in here]
        assert sorted(found) == sorted(one.getsockname()[:2] for one in (four, all_four, six))


# Ending them


def test_the_end_of_a_slot_leaves_the_others_alone(network: Network, apps: Apps) -> None:
    """Only what has both marks is told to end."""
    pid, _ = apps.run("blog", Colour.BLUE)
    others = [apps.run("blog", Colour.GREEN)[0], apps.run("blog2", Colour.BLUE)[0]]
    assert network.end_processes(apps.tree("blog"), Colour.BLUE, 5) == set()
    assert not runs(pid)
    assert all(map(runs, others))


def test_the_deaf_are_killed_after_their_grace(network: Network, apps: Apps) -> None:
    """Not before; a word from outside ends the wait."""
    tree = apps.tree("blog")
    for shortened in (False, True):
        pid, _ = apps.run("blog", Colour.BLUE, "deaf", "orphan", "session")
        until = time.monotonic() + 0.3
        grace, cut_short = (60.0, lambda until=until: time.monotonic() > until) if shortened else (0.3, lambda: False)
        assert network.end_processes(tree, Colour.BLUE, grace, cut_short) == set()
        assert until <= time.monotonic() < until + 5
        assert not runs(pid)


def test_ending_nothing_takes_no_time(network: Network, apps: Apps) -> None:
    """A slot without processes is ended already."""
    began = time.monotonic()
    assert network.end_processes(apps.tree("blog"), Colour.BLUE, 30) == set()
    assert time.monotonic() - began < 2


# Asking


class _Echo(BaseHTTPRequestHandler):
    """Answers with the status in the path, and remembers what it was asked."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "10000000")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    found = HTTPServer(("127.0.0.1", 0), _Echo)
    found.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, args=(0.02,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def test_an_answer_is_told_as_it_is(network: Network, server: HTTPServer) -> None:
    """No redirect is followed and no body is waited for."""
    for status in (200, 302, 404, 500):
        assert network.get(server.server_port, f"/{status}", "blog.localhost") == Answer(status)
    assert len(server.asked) == 4  # type: ignore[attr-defined]


def test_an_app_is_asked_as_the_proxy_asks(network: Network, server: HTTPServer) -> None:
    """By its name and as if over https, or an app that forces TLS would send the check away; each time anew."""
    network.get(server.server_port, "/health/200", "blog.localhost")
    path, headers = server.asked[0]  # type: ignore[attr-defined]
    assert path == "/health/200"
    assert (headers["Host"], headers["X-Forwarded-Proto"]) == ("blog.localhost", "https")
    assert headers["Connection"] == "close"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK", b"SSH-2.0-nonsense\r\n\r\n", b"HTTP/1.1 999999 ?\r\n\r\n"])
def test_nonsense_is_no_answer(network: Network, answer: bytes) -> None:
    """Whoever listens there, and whatever it says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(answer)
            connection.close()

        speaking = threading.Thread(target=speak)
        speaking.start()
        assert network.get(listener.getsockname()[1], "/", "blog.localhost") is None
        speaking.join()


def test_nobody_there_is_no_answer(network: Network) -> None:
    """A closed port is not an error: the app may still be starting."""
    assert network.get(free_port(), "/", "blog.localhost") is None
