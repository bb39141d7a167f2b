"""Releases that start as they should not: none of them gets a visitor, and each is told apart from the others."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

from potions.schema import EventKind, SlotDetail
from support.platform import Platform, free_port, wait_for
from support.side_by_side import BLOG, BLOG2, SideBySide


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


#: Seconds in which a release opens its port also on a busy machine.
ENOUGH = 5


def _within(seconds: float) -> str:
    return f"[health]\ntimeout = {seconds}\n"


# What is not healthy


def test_an_app_that_exits_at_once(blogs: SideBySide) -> None:
    """The deploy ends with it, long before any timeout, and the log has its last lines."""
    lines = ["Traceback (most recent call last):", "ValueError: no database"]
    ended = blogs.fails(blogs.release("3", exit_at_once={"status": 3, "lines": lines}), "app-exited")
    assert ended.failure is not None
    assert "python3 behave.py" in ended.failure.why
    assert blogs.output(ended) == lines


def test_only_the_last_lines_of_this_deploy_are_shown(blogs: SideBySide) -> None:
    """Not what an earlier release printed in that slot, and not thousands of lines."""
    talkative = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done; exit 1"
    for _ in range(2):
        ended = blogs.fails(blogs.release("3", procfile=f"web: {talkative}"), "app-exited")
        assert blogs.output(ended) == [f"line {number}" for number in range(171, 201)]


def test_a_command_that_does_not_exist(blogs: SideBySide) -> None:
    """The shell's own words are the last lines."""
    ended = blogs.fails(blogs.release("3", procfile="web: potions-no-such-command"), "app-exited")
    assert "potions-no-such-command" in blogs.output(ended)[-1]


def test_an_app_that_never_listens(blogs: SideBySide) -> None:
    """It is told which port it should have listened on; all of it ends, whatever it does with SIGTERM."""
    stubborn = blogs.release(
        "3", never_listen=True, ignore_sigterm=True, spawn_child_setsid=True, manifest=_within(1.5)
    )
    ended = blogs.fails(stubborn, "not-listening")
    assert ended.failure is not None
    assert f"port {blogs.port(BLOG, blogs.idle())} within 1.5 s" in ended.failure.what


def test_an_app_that_listens_elsewhere(blogs: SideBySide) -> None:
    """It is told where it listens and where it should."""
    port = free_port()
    release = blogs.release("3", listen_port=port, listen_host="0.0.0.0", manifest=_within(ENOUGH))
    ended = blogs.fails(release, "listens-elsewhere")
    assert ended.failure is not None
    assert f"0.0.0.0:{port}" in ended.failure.what
    assert f"not on 127.0.0.1:{blogs.port(BLOG, blogs.idle())}" in ended.failure.what
    assert "$PORT" in ended.failure.do


def test_an_app_that_listens_where_the_proxy_does_not_ask(blogs: SideBySide) -> None:
    """The right port on the IPv6 loopback alone is the wrong place, and is named."""
    ended = blogs.fails(blogs.release("3", listen_host="::1", manifest=_within(ENOUGH)), "listens-elsewhere")
    assert ended.failure is not None
    assert f"[::1]:{blogs.port(BLOG, blogs.idle())}" in ended.failure.what
    assert "127.0.0.1" in ended.failure.do


def test_an_app_that_always_answers_500(blogs: SideBySide) -> None:
    """The answer is named, and what was wanted."""
    ended = blogs.fails(blogs.release("3", always_500=True, manifest=_within(ENOUGH)), "unhealthy")
    assert ended.failure is not None
    assert ended.failure.why == "GET / gave 500; wanted is below 500."
    assert any("listens on" in line for line in blogs.output(ended))


def test_an_app_whose_health_path_is_missing(blogs: SideBySide) -> None:
    """With a path only the wanted statuses are good."""
    manifest = _within(ENOUGH) + 'path = "/nowhere"\nstatus = "200-299"\n'
    ended = blogs.fails(blogs.release("3", manifest=manifest), "unhealthy")
    assert ended.failure is not None
    assert ended.failure.why == "GET /nowhere gave 404; wanted is 200 to 299."


TWICE = """\
import os, pathlib
if pathlib.Path("ended").exists():
    raise SystemExit("not again")
from http.server import HTTPServer, SimpleHTTPRequestHandler
server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler)
server.handle_request()
server.handle_request()
pathlib.Path("ended").touch()
raise SystemExit("two are enough")
"""


def test_an_app_that_ends_right_after_it_was_healthy(blogs: SideBySide) -> None:
    """Its end is told as its end, and not taken for a stranger on its port."""
    release = blogs.release("3", procfile="web: python3 twice.py", files={"twice.py": TWICE})
    ended = blogs.fails(release, "app-exited", "not-listening")
    assert "two are enough" in blogs.output(ended)


# Strangers


class _Stranger(BaseHTTPRequestHandler):
    """Answers every request as a healthy app would."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_stranger_on_the_port(blogs: SideBySide, host: str) -> None:
    """The release is not even started, and who is in the way is named."""
    port = blogs.port(BLOG, blogs.idle())
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        ended = blogs.fails(blogs.release("3"), "port-busy")
    assert ended.failure is not None
    assert f"Port {port}" in ended.failure.what
    assert f"(process {os.getpid()})" in ended.failure.why
    blogs.works(blogs.release("after the stranger"))


def test_a_stranger_who_comes_later(blogs: SideBySide) -> None:
    """Somebody else's good answers do not make a release healthy that does not listen itself."""
    port, colour = blogs.port(BLOG, blogs.idle()), blogs.idle()
    before = blogs.look(BLOG)
    deployment = blogs.send(blogs.release("3", never_listen=True))
    wait_for(lambda: blogs.processes(BLOG, colour), "the release starts")
    with HTTPServer(("127.0.0.1", port), _Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, args=(0.05,), daemon=True).start()
        ended = blogs.end_of(deployment)
        stranger.shutdown()
    assert ended.failure is not None
    assert ended.failure.code == "port-busy"
    assert f"(process {os.getpid()})" in ended.failure.why
    assert blogs.look(BLOG)._replace(archives=before.archives) == before


# What takes its time, or has its ways, and works


@pytest.mark.parametrize(
    "behaviour",
    [
        {"ready_after": 6},
        {"fail_first_n": 5},
        {"redirect_to_https": True},
        {"listen_host": "0.0.0.0"},
        {"listen_host": ""},
        {"always_500": True, "health_path": "/up", "manifest": '[health]\npath = "/up"\n'},
    ],
    ids=["late", "500 at first", "https only", "0.0.0.0", "every address", "health path"],
)
def test_an_app_with_its_own_ways_is_deployed(blogs: SideBySide, behaviour: dict[str, object]) -> None:
    """Slow to open its port, a bad answer or some, all addresses, TLS demanded: it serves in the end."""
    with blogs.unchanged(BLOG2):
        ended = blogs.works(blogs.release("new", **behaviour))
    slot = blogs.potions.tree(BLOG).slot(blogs.potions.live(BLOG))
    assert ended.slot is blogs.potions.live(BLOG)
    assert blogs.processes(BLOG, blogs.potions.live(BLOG))
    if not behaviour.get("always_500"):
        assert blogs.potions.get(BLOG, "/cwd").text == str(slot)


def test_an_app_on_ipv6_that_takes_ipv4_too(blogs: SideBySide) -> None:
    """``::`` is where Node and others listen by themselves."""
    release = blogs.release("3", procfile="web: python3 -m http.server --bind :: $PORT", files={"here.txt": "both"})
    with blogs.unchanged(BLOG2):
        blogs.works(release)
    assert blogs.potions.get(BLOG, "/here.txt").text == "both"


# What does not want to end


def test_a_release_that_ignores_sigterm_ends(blogs: SideBySide) -> None:
    """After its stop_timeout nothing of it is left: not its shell, not a child in a session of its own."""
    manifest = '[deploy]\nstop_timeout = "1s"\n'
    release = blogs.release(
        "stubborn",
        procfile="web: sleep 300 & python3 behave.py; wait",
        ignore_sigterm=True,
        spawn_child_setsid=True,
        manifest=manifest,
    )
    blogs.works(release)
    colour = blogs.potions.live(BLOG)
    child = blogs.potions.get(BLOG).json()["child"]
    group = blogs.processes(BLOG, colour)
    assert child in group
    assert len(group) == 4
    with blogs.unchanged(BLOG2):
        ended = blogs.works(blogs.release("polite"))
    assert not blogs.processes(BLOG, colour)
    assert not [pid for pid in group if _runs(pid)]
    assert blogs.potions.version(BLOG) == "polite"
    assert [event.step for event in blogs.log(ended) if event.kind is EventKind.ENDED][-1] == "retire"


def _runs(pid: int) -> bool:
    """Whether a process is there and has not ended; who has to collect it is not the platform's affair."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_release_that_ends_again_and_again_is_counted(blogs: SideBySide) -> None:
    """It is started anew each time and so looks well in between: what it did before says more. Others do not count."""
    blogs.works(blogs.release("ends"))
    for number in (1, 2):
        slot = _live_slot(blogs)
        os.kill(slot.pid, signal.SIGKILL)
        wait_for(lambda: _live_slot(blogs).exits == number, f"end {number} is counted")  # noqa: B023 - called at once
        wait_for(lambda: _live_slot(blogs).pid not in (0, slot.pid), "it is started anew")  # noqa: B023
    assert [slot.exits for slot in blogs.client.app(BLOG2).slots] == [0, 0]
    blogs.works(blogs.release("stays"))
    assert _live_slot(blogs).exits == 0


def _live_slot(blogs: SideBySide) -> SlotDetail:
    return next(slot for slot in blogs.client.app(BLOG).slots if slot.live)
