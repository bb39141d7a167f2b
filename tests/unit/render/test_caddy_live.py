"""A real Caddy with the rendered files, in front of two slots: the link alone decides who answers."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from potions.host.programs import caddy_program
from potions.layout import AppTree, Colour, Home
from potions.render.caddy import Site, render_site
from potions.render.caddyfile import render_caddyfile
from support.bare_home import bare_settings

_TOKEN = "a-one-time-token"
_HOST = "gallery.localhost"


class _Answers(BaseHTTPRequestHandler):
    """An app that tells its colour and what it was asked, and echoes lines once a stream is open."""

    protocol_version = "HTTP/1.1"
    server: _Slot

    def do_GET(self) -> None:
        if self.headers["Upgrade"]:
            self._echo()
            return
        body = f"{self.server.colour.value}\n{self.headers}".encode()
        self.send_response(502 if self.path == "/502" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Potions-Slot", "a lie")
        if self.headers["Send-Location"]:
            self.send_header("Location", self.headers["Send-Location"])
        self.end_headers()
        self.wfile.write(body)

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        for line in self.rfile:
            self.wfile.write(self.server.colour.value.encode() + b" " + line)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Slot(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, colour: Colour) -> None:
        self.colour = colour
        super().__init__(("127.0.0.1", 0), _Answers)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Proxy:
    """Caddy in front of the app ``gallery``, in a home of its own."""

    def __init__(self, root: Path, slots: dict[Colour, _Slot]) -> None:
        self.home = Home(root)
        self.slots = slots
        self.tree: AppTree = self.home.app("gallery")
        self.port = _free_port()
        self._make_tree()
        self._write_files()
        words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(self.home.caddyfile)]
        self.process = subprocess.Popen(words, env=self._environment(), stderr=subprocess.DEVNULL)
        self._wait()

    def point(self, colour: Colour) -> None:
        """The switch: one rename."""
        self.tree.live_new.symlink_to(self.tree.marker(colour).relative_to(self.tree.root))
        self.tree.live_new.rename(self.tree.live)

    def reload(self) -> None:
        words = ["reload", "--force", "--adapter", "caddyfile", "--config", str(self.home.caddyfile)]
        address = ["--address", f"unix/{self.home.caddy_socket}"]
        subprocess.run([caddy_program(), *words, *address], env=self._environment(), check=True, capture_output=True)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def get(
        self,
        path: str = "/",
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> tuple[http.client.HTTPResponse, str]:
        """Ask the app, on a fresh connection if none is given."""
        asked = connection or self.connect()
        asked.request("GET", path, headers={"Host": _HOST, **(headers or {})})
        answer = asked.getresponse()
        body = answer.read().decode()
        if connection is None:
            asked.close()
        return answer, body

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.home.caddy), "PATH": os.defpath}

    def _make_tree(self) -> None:
        for folder in (self.home.sites, self.home.run, *map(self.tree.marker, Colour)):
            folder.mkdir(parents=True)
        for colour in Colour:
            self.tree.marker_name(colour).touch()
        self.point(Colour.GREEN)

    def _write_files(self) -> None:
        site = Site(
            app="gallery",
            hosts=[_HOST],
            http_port=self.port,
            ports=(self.slots[Colour.BLUE].server_port, self.slots[Colour.GREEN].server_port),
            live_root=self.tree.live,
            probe_token=_TOKEN,
        )
        self.home.site("gallery").write_text(render_site(site))
        self.home.caddyfile.write_text(render_caddyfile(self.home, bare_settings(self.port)))

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("Caddy did not come up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def proxy() -> Iterator[_Proxy]:
    """A Caddy whose live slot is green; the path is short because a socket's is limited, and has a space in it."""
    root = Path(tempfile.mkdtemp(prefix="a home "))
    slots = {colour: _Slot(colour) for colour in Colour}
    proxy = _Proxy(root, slots)
    yield proxy
    proxy.close()
    for slot in slots.values():
        slot.close()
    shutil.rmtree(root)


def test_the_first_request_after_a_switch_is_answered_by_the_new_slot(proxy: _Proxy) -> None:
    """On a connection that is kept and on a fresh one, every time."""
    with closing(proxy.connect()) as kept:
        for colour in [Colour.BLUE, Colour.GREEN] * 25:
            proxy.point(colour)
            for connection in (kept, None):
                answer, body = proxy.get(connection=connection)
                assert (answer.status, body.split("\n")[0]) == (200, colour.value)


def test_an_open_stream_goes_on_in_its_slot_through_switches_and_reloads(proxy: _Proxy) -> None:
    """Neither the rename nor a reload for another app cuts a WebSocket."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as stream, stream.makefile("rwb") as file:
        file.write(f"GET /ws HTTP/1.1\r\nHost: {_HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode())
        file.flush()
        assert b"101" in file.readline()
        while file.readline().strip():
            pass
        for act in (lambda: proxy.point(Colour.BLUE), proxy.reload, lambda: proxy.point(Colour.GREEN), proxy.reload):
            act()
            file.write(b"still here\n")
            file.flush()
            assert file.readline() == b"green still here\n"


def test_only_who_knows_the_token_is_told_which_slot_answered(proxy: _Proxy) -> None:
    """An app cannot pretend to be the other slot, and never sees the token."""
    for colour in Colour:
        proxy.point(colour)
        answer, body = proxy.get(headers={"Potions-Probe": _TOKEN})
        assert answer.headers.get_all("Potions-Slot") == [colour.value]
        assert _TOKEN not in body
    answer, _ = proxy.get(headers={"Potions-Probe": "guessed"})
    assert answer.headers["Potions-Slot"] not in [colour.value for colour in Colour]


def test_the_app_believes_that_it_was_asked_over_https(proxy: _Proxy) -> None:
    """An app that forces TLS would redirect for ever; what a visitor claims does not count."""
    _, body = proxy.get(headers={"X-Forwarded-Proto": "http"})
    assert [line for line in body.split("\n") if line.startswith("X-Forwarded-Proto")] == ["X-Forwarded-Proto: https"]
    assert f"Host: {_HOST}" in body


def test_the_apps_own_pages_are_an_https_origin_too(proxy: _Proxy) -> None:
    """Else Django and Rails would refuse every form of their own; any other origin is told as it is."""
    own = f"{_HOST}:{proxy.port}"
    for given, told in (
        (f"http://{own}", f"https://{own}"),
        ("http://other.localhost", "http://other.localhost"),
        (f"http://{own}.example.com", f"http://{own}.example.com"),
        (f"http://x{own}", f"http://x{own}"),
        ("null", "null"),
    ):
        _, body = proxy.get(headers={"Origin": given})
        assert [line for line in body.split("\n") if line.startswith("Origin")] == [f"Origin: {told}"]


def test_a_visitor_is_sent_to_where_the_proxy_is(proxy: _Proxy) -> None:
    """An app that believes in HTTPS redirects to it, and nothing answers there; other addresses stay as they are."""
    own = f"{_HOST}:{proxy.port}"
    for sent, arrives in (
        (f"https://{own}", f"http://{own}"),
        (f"https://{own}/a?b=https://{own}/", f"http://{own}/a?b=https://{own}/"),
        (f"https://{own}0/", f"https://{own}0/"),
        (f"https://{_HOST}/", f"https://{_HOST}/"),
        (f"https://example.com/?https://{own}/", f"https://example.com/?https://{own}/"),
        ("/a", "/a"),
    ):
        answer, _ = proxy.get(headers={"Send-Location": sent})
        assert answer.headers["Location"] == arrives


def test_an_error_of_the_apps_own_passes_through(proxy: _Proxy) -> None:
    """A 502 that the app answers is its own, with its own words."""
    answer, body = proxy.get("/502")
    assert (answer.status, body.split("\n")[0]) == (502, "green")


def test_an_empty_slot_and_a_stopped_app_are_told_apart(proxy: _Proxy) -> None:
    """Both answer 503, in words a visitor understands."""
    proxy.slots[Colour.GREEN].close()
    answer, body = proxy.get()
    assert (answer.status, body) == (503, "nothing is deployed here yet")
    assert answer.headers["Retry-After"] == "5"
    proxy.tree.holds(Colour.GREEN).touch()
    answer, body = proxy.get(headers={"Potions-Probe": _TOKEN})
    assert (answer.status, body) == (503, "this app is not running")
    assert "Potions-Slot" not in answer.headers


def test_a_name_that_no_app_has_is_told_so(proxy: _Proxy) -> None:
    """The answer is Potions' own and never another app's."""
    for host in ("other.localhost", "gallery.localhost.example.com", "127.0.0.1"):
        answer, body = proxy.get(headers={"Host": host})
        assert (answer.status, body) == (404, "no app of that name here")
