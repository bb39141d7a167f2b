"""The behave app does what its behaviour says, and its releases are packed as archives that hold the same."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.releases import as_archive, behave_release
from support.websocket_watch import WebSocketWatch

SECONDS = 20


class Running:
    """A running behave app."""

    def __init__(self, release: Path, **environment: str) -> None:
        command = [sys.executable, "behave.py"]
        env = {**os.environ, "PORT": "0", **environment}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=release, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def line(self) -> str:
        """The next line it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def listens(self) -> int:
        """Wait until it says so; its port."""
        while (said := self.line()) and "listens" not in said:
            pass
        return int(said.rpartition(":")[2])

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(SECONDS)


@contextmanager
def behaving(tmp_path: Path, version: str = "1", **behaviour: Any) -> Iterator[Running]:
    """A release that behaves so, started."""
    running = Running(behave_release(tmp_path / "release", version, **behaviour))
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


def get(port: int, path: str = "/", **headers: str) -> Any:
    """The JSON at a path."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.loads(answer.read())


def status(port: int, path: str = "/", **headers: str) -> int:
    """The status of a path, redirects not followed."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_it_says_who_it_is(tmp_path: Path) -> None:
    """Version, pid and port are in the body, and SIGTERM ends it with 0."""
    with behaving(tmp_path, "seven") as running:
        port = running.listens()
        said = get(port)
        assert (said["version"], said["pid"], said["port"]) == ("seven", running.process.pid, port)
        assert running.stop() == 0


def test_any_bytes_of_the_environment_can_be_read(tmp_path: Path) -> None:
    """Values come back in base64, so that even what is no text survives."""
    value = os.fsdecode(b"a\n\xff\"'$%")
    running = Running(behave_release(tmp_path / "release", "1"), ODD=value)
    assert base64.b64decode(get(running.listens(), "/env")["ODD"]) == os.fsencode(value)
    running.stop()
    running.process.communicate()


def test_files_go_where_the_path_says(tmp_path: Path) -> None:
    """A relative path starts at the working directory; status and listing tell of it."""
    with behaving(tmp_path) as running:
        port = running.listens()
        address = f"http://127.0.0.1:{port}/file?path=storage/a.bin"
        put = urllib.request.Request(address, data=b"\0content", method="PUT")
        with urllib.request.urlopen(put, timeout=SECONDS) as answer:
            assert json.loads(answer.read()) == {"bytes": 8}
        stored = tmp_path / "release/storage/a.bin"
        assert stored.read_bytes() == b"\0content"
        assert get(port, "/stat?path=storage/a.bin")["ino"] == stored.stat().st_ino
        assert get(port, "/ls?path=storage") == ["a.bin"]
        assert status(port, "/file?path=missing") == 404


def test_what_is_in_flight_is_finished(tmp_path: Path) -> None:
    """SIGTERM in the middle of a chunked answer lets it end."""
    with behaving(tmp_path) as running:
        address = f"http://127.0.0.1:{running.listens()}/chunked?chunks=5&every=0.05"
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            first = answer.readline()
            running.process.terminate()
            assert first + answer.read() == b"0 1\n1 1\n2 1\n3 1\n4 1\n"
        assert running.process.wait(SECONDS) == 0


def test_a_websocket_ticks_echoes_and_is_closed_with_1001(tmp_path: Path) -> None:
    """SIGTERM closes a WebSocket with a close frame that says: going away."""
    with behaving(tmp_path, "3") as running:
        with WebSocketWatch(("127.0.0.1", running.listens()), "app.localhost", "/ws?every=0.01") as watch:
            assert watch.wait_for(3)
            watch.send("hello ü" * 100)
            while not watch.echoes and watch.wait_for_more():
                pass
            assert watch.is_open
            running.process.terminate()
            assert watch.wait_ended()
            assert (watch.close_code, watch.close_reason) == (1001, "going away")
            assert (watch.echoes, watch.messages[0]) == (["hello ü" * 100], "tick 0 3")
        assert running.process.wait(SECONDS) == 0


def test_a_cut_websocket_is_seen_as_cut(tmp_path: Path) -> None:
    """Without a close frame the watch reports 1006."""
    with (
        behaving(tmp_path) as running,
        WebSocketWatch(("127.0.0.1", running.listens()), "app.localhost", "/ws") as watch,
    ):
        assert watch.wait_for(1)
        running.process.kill()
        assert watch.wait_ended()
        assert watch.close_code == 1006


def test_exit_at_once(tmp_path: Path) -> None:
    """It prints its lines and exits with its status."""
    with behaving(tmp_path, exit_at_once={"status": 3, "lines": ["no database", "giving up"]}) as running:
        assert (running.line(), running.line()) == ("no database\n", "giving up\n")
        assert running.process.wait(SECONDS) == 3


def test_failures(tmp_path: Path) -> None:
    """The first answers are 500, the later ones good."""
    with behaving(tmp_path, fail_first_n=2) as running:
        port = running.listens()
        assert [status(port, "/health") for _ in range(3)] == [500, 500, 200]


def test_always_500_spares_a_named_health_path(tmp_path: Path) -> None:
    """Only a health path that was named stays good."""
    with behaving(tmp_path, always_500=True, health_path="/up") as running:
        port = running.listens()
        assert [status(port, path) for path in ("/", "/health", "/up")] == [500, 500, 200]


def test_redirect_to_https(tmp_path: Path) -> None:
    """Only who says that it came by https gets an answer."""
    with behaving(tmp_path, redirect_to_https=True) as running:
        port = running.listens()
        assert (status(port), status(port, **{"X-Forwarded-Proto": "https"})) == (301, 200)


def test_crash_after(tmp_path: Path) -> None:
    """It ends by itself with 1 and a last line."""
    with behaving(tmp_path, crash_after=0.05) as running:
        running.listens()
        assert running.line().startswith("RuntimeError")
        assert running.process.wait(SECONDS) == 1


def test_ignore_sigterm(tmp_path: Path) -> None:
    """SIGTERM changes nothing."""
    with behaving(tmp_path, ignore_sigterm=True) as running:
        port = running.listens()
        running.process.terminate()
        assert (status(port), running.process.poll()) == (200, None)


def test_stop_takes(tmp_path: Path) -> None:
    """It does not listen any more, but still lives."""
    with behaving(tmp_path, stop_takes=30) as running:
        port = running.listens()
        with WebSocketWatch(("127.0.0.1", port), "x", "/ws") as watch:
            running.process.terminate()
            assert watch.wait_ended()
        with pytest.raises(urllib.error.URLError):
            get(port)
        assert running.process.poll() is None


def test_never_listen(tmp_path: Path) -> None:
    """It says much, but never that it listens, and exits with 0 on SIGTERM."""
    with behaving(tmp_path, never_listen=True, big_output=3) as running:
        assert [len(running.line()) for _ in range(3)] == [100, 100, 100]
        running.process.terminate()
        assert running.line() == ""
        assert running.process.wait(SECONDS) == 0


def test_ready_after(tmp_path: Path) -> None:
    """It listens late, and then answers well."""
    began = time.monotonic()
    with behaving(tmp_path, ready_after=0.2) as running:
        port = running.listens()
        assert time.monotonic() - began >= 0.2
        assert status(port) == 200


def test_a_child_survives_in_its_own_session(tmp_path: Path) -> None:
    """The child lives on when the app has ended, and is in no group of the app."""
    with behaving(tmp_path, spawn_child_setsid=True, write_relative="started.txt") as running:
        child = get(running.listens())["child"]
        assert running.stop() == 0
        try:
            assert os.getpgid(child) == child
        finally:
            os.kill(child, signal.SIGKILL)
    assert re.fullmatch(r"1 .*\n", (tmp_path / "release/started.txt").read_text())


def test_an_unknown_behaviour_is_refused(tmp_path: Path) -> None:
    """A misspelt key does not go unnoticed."""
    with behaving(tmp_path, alway_500=True) as running:
        assert running.process.wait(SECONDS) == 1


def test_releases_are_packed_whole(tmp_path: Path) -> None:
    """An archive holds every file of the directory, without an enclosing one."""
    files: dict[str, str | bytes] = {"static/a.bin": b"\xff", "README": "hello"}
    release = behave_release(tmp_path / "r", "1", procfile=None, manifest='app = "x"\n', files=files)
    expected = {str(path.relative_to(release)) for path in release.rglob("*") if path.is_file()}
    assert {"potions.toml", "static/a.bin", "behaviour.json"} < expected
    assert "Procfile" not in expected
    for suffix in ("tar", "tar.gz", "tar.xz", "tar.bz2"):
        with tarfile.open(as_archive(release, suffix)) as archive:
            assert {member.name for member in archive if member.isfile()} == expected
    with zipfile.ZipFile(as_archive(release, "zip")) as zipped:
        assert {name for name in zipped.namelist() if not name.endswith("/")} == expected
