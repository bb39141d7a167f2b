"""Homes: where Potions can live, how it starts and stops there, and how it comes back after a blow."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from potions.host.processes import listener_on
from potions.host.supervisord import Supervisord
from potions.layout import Home
from support.platform import Platform, free_port, wait_for
from support.side_by_side import SideBySide

NAMES = ("blog", "blog2")


@pytest.fixture
def no_potions() -> Iterator[Platform]:
    """A home in which nothing was started yet."""
    platform = Platform()
    try:
        yield platform
    finally:
        platform.close()


@contextlib.contextmanager
def another_potions() -> Iterator[Platform]:
    platform = Platform()
    try:
        yield platform
    finally:
        platform.close()


def live_at(potions: Platform, root: str | Path) -> Platform:
    potions.home = Home(Path(root))
    potions.environment["POTIONS_HOME"] = str(root)
    return potions


def both_serve(potions: Platform) -> bool:
    return [potions.version(app) for app in NAMES] == ["1", "1"]


def deploy_both(potions: Platform) -> SideBySide:
    both = SideBySide(potions)
    for app in NAMES:
        both.client.create_app(app)
        both.works(both.release("1"), app)
    return both


def pid_of(potions: Platform, part: str) -> int:
    return next(one.pid for one in potions.client.status().parts if one.name == part)


# Which homes


def test_a_place_where_no_app_would_work_is_refused(no_potions: Platform) -> None:
    """What Caddy reads as a pattern, a line feed, a path too long for a socket, a file: each with its reason."""
    folder = no_potions.folder
    (folder / "file").write_text("as it was")
    before = sorted(os.listdir(folder))
    for root, reason in (
        (folder / "a[b]", "Caddy takes '[' ']' in a path for a pattern"),
        (folder / "a*b", "Caddy takes '*'"),
        (folder / "a{b", "Caddy takes '{'"),
        (folder / "a\nb", "Caddy takes '\\n'"),
        (folder / ("x" * 120), "is too long"),
        (folder / "y" / ("x" * 300), "is too long"),
        (folder / "file", f"{folder}/file is no directory."),
        (folder / "file" / "below", f"{folder}/file is no directory."),
        (Path("/dev/null"), "/dev/null is no directory."),
        (Path("/proc/potions"), "/proc/potions cannot be made Potions' home."),
    ):
        outcome = live_at(no_potions, root).refused("up")
        assert outcome.status == 2, f"{root}: {outcome.text}"
        assert reason in outcome.err, outcome.err
        assert "POTIONS_HOME=" in outcome.err
    assert sorted(os.listdir(folder)) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's apps run as another user")
def test_a_place_that_apps_cannot_reach_is_refused(no_potions: Platform) -> None:
    """It names the directory that the apps' user may not enter, and makes nothing there."""
    closed = no_potions.folder / "closed"
    closed.mkdir(mode=0o700)
    outcome = live_at(no_potions, closed / "home").refused("up")
    assert outcome.status == 2
    assert f"may not enter {closed}." in outcome.err
    assert not os.listdir(closed)


def test_an_odd_place_that_is_allowed_works(no_potions: Platform) -> None:
    """Spaces, percent signs, comment signs, quotes, letters beyond ASCII, and folders that are not there yet."""
    potions = live_at(no_potions, no_potions.folder / "not" / "yet" / "ü %(x)s;# 'q\" $H").up()
    deploy_both(potions)
    assert both_serve(potions)
    assert potions.get("blog", "/env").is_success
    potions.do("down")
    assert both_serve(potions.up())


def test_two_homes_side_by_side(own_potions: Platform) -> None:
    """The same names in both: each answers for its own, and taking one down leaves the other alone."""
    deploy_both(own_potions)
    with another_potions() as second:
        deploy_both(second.up())
        second.client.delete_app("blog2", purge=True)
        assert both_serve(own_potions)
        assert [app.name for app in second.client.apps()] == ["blog"]
        pids = {process.pid for process in own_potions.processes()}
        second.do("down")
        assert not second.processes()
        assert {process.pid for process in own_potions.processes()} == pids
        assert both_serve(own_potions)


# Up and down


def test_up_and_down_can_be_said_twice(own_potions: Platform) -> None:
    """A second `up` changes nothing that runs; a second `down` says so; what was stored is there afterwards."""
    deploy_both(own_potions)
    pids = {process.pid for process in own_potions.processes()}
    outcome = own_potions.do("up")
    assert "Potions runs already" in outcome.err
    assert {process.pid for process in own_potions.processes()} == pids
    outcome = own_potions.do("down")
    assert "Potions is stopped. Start it again: potions up" in outcome.out
    assert own_potions.processes() == []
    for port in (own_potions.http_port, own_potions.first_port, own_potions.first_port + 2):
        assert listener_on(port) is None
    assert "Potions did not run here." in own_potions.do("down").out
    assert both_serve(own_potions.up())


def test_two_ups_at_once_start_one_potions(no_potions: Platform) -> None:
    """Whoever comes second finds it running, with the same settings."""
    starting = [no_potions.start("up") for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in starting]
    assert [process.returncode for process in starting] == [0, 0], outputs
    agents = [process for process in no_potions.processes() if "potions.agent" in process.cmdline()]
    assert len(agents) == 1
    deploy_both(no_potions)
    assert both_serve(no_potions)


def test_a_port_is_changed_while_it_is_down(own_potions: Platform) -> None:
    """While it runs another port is refused, and how to change it is said; then every app answers on the new one."""
    deploy_both(own_potions)
    other = free_port()
    for option, known in (("--http-port", own_potions.http_port), ("--first-port", own_potions.first_port)):
        outcome = own_potions.refused("up", option, str(other))
        assert outcome.status == 2
        assert f"Potions runs already, with {option} {known}." in outcome.err
        assert f"potions down, then potions up {option} {other}" in outcome.err
    assert both_serve(own_potions)
    own_potions.do("down")
    own_potions.do("up", "--http-port", str(other))
    own_potions.http_port = other
    wait_for(lambda: both_serve(own_potions), "the apps answer on the new port")
    assert own_potions.client.app("blog").summary.address.endswith(f":{other}")
    for bad in ("80", "0", "70000", "-1", "many"):
        assert own_potions.refused("up", "--http-port", bad).status == 2


def test_a_taken_port_is_named_with_who_has_it(no_potions: Platform) -> None:
    """By name and process id, with what to do; nothing is left running, and with another port it starts."""
    with socket.create_server(("127.0.0.1", no_potions.http_port)):
        outcome = no_potions.refused("up")
    assert f"Port {no_potions.http_port}, on which Potions was to answer, is taken." in outcome.err
    assert f"{psutil.Process().name()} (process {os.getpid()}) listens on it." in outcome.err
    assert "potions up --http-port" in outcome.err
    assert no_potions.processes() == []
    no_potions.up()
    assert no_potions.get("nobody").status_code == 404


def test_commands_say_that_it_does_not_run(no_potions: Platform) -> None:
    """Before the first start and after a stop: what to type, and an exit status that a script notices."""
    release = SideBySide(no_potions).release("1")
    words = [
        ("status",),
        ("apps", "list"),
        ("apps", "create", "blog"),
        ("apps", "delete", "blog", "--yes"),
        ("deploy", str(release), "--app", "blog"),
        ("env", "set", "blog", "A=1"),
        ("rollback", "blog"),
    ]
    for one in words:
        outcome = no_potions.refused(*one)
        assert outcome.status == 1, one
        assert "Potions does not run here." in outcome.err and "potions up" in outcome.err
    assert '"agent-unreachable"' in no_potions.refused("status", "--json").err
    assert "Start it: potions up" in no_potions.do().out
    assert not no_potions.home.root.exists()
    no_potions.up().do("down")
    assert "potions up" in no_potions.refused("apps", "list").err


# Blows


def kill(potions: Platform, find: Callable[[psutil.Process], bool]) -> int:
    """SIGKILL to one process of this home; its id."""
    [pid] = [process.pid for process in potions.processes() if find(process)]
    os.kill(pid, signal.SIGKILL)
    return pid


def is_supervisord(process: psutil.Process) -> bool:
    return any("supervisord" in word for word in process.cmdline()[:3])


def test_a_supervisord_that_was_killed_is_no_obstacle(own_potions: Platform) -> None:
    """`up` ends what it left behind, Caddy, agent and apps, and everything serves again, with its files."""
    both = deploy_both(own_potions)
    assert own_potions.request("PUT", "blog", "/file?path=storage/kept.txt", content=b"kept").is_success
    with another_potions() as second:
        deploy_both(second.up())
        before = {process.pid for process in second.processes()}
        kill(own_potions, is_supervisord)
        left = {process.pid for process in own_potions.processes()}
        assert len(left) >= 4, "Caddy, the agent and two apps run on"
        outcome = own_potions.do("up")
        assert "that an earlier Potions had left behind" in outcome.err
        assert not left & {process.pid for process in own_potions.processes()}
        wait_for(lambda: both_serve(own_potions), "everything serves again")
        assert {process.pid for process in second.processes()} == before
    assert own_potions.get("blog", "/file?path=storage/kept.txt").content == b"kept"
    both.works(both.release("2"))


def test_down_after_supervisord_was_killed_leaves_nothing(own_potions: Platform) -> None:
    """`down` alone ends the leftovers too."""
    deploy_both(own_potions)
    kill(own_potions, is_supervisord)
    assert "Potions is stopped." in own_potions.do("down").out
    assert own_potions.processes() == []


def test_a_supervisord_that_lost_its_socket_is_ended_too(own_potions: Platform) -> None:
    """It lives and cannot be spoken to: `down` leaves nothing of it, and `up` replaces it."""
    deploy_both(own_potions)
    before = {process.pid for process in own_potions.processes()}
    own_potions.home.supervisor_socket.unlink()
    own_potions.up()
    assert not before & {process.pid for process in own_potions.processes()}
    wait_for(lambda: both_serve(own_potions), "everything serves again")
    own_potions.home.supervisor_socket.unlink()
    assert "Potions is stopped." in own_potions.do("down").out
    assert own_potions.processes() == []


def test_caddy_and_the_agent_come_back_by_themselves(potions: Platform) -> None:
    """Killed, each is there again without anybody's help; the apps never stop."""
    deploy_both(potions)
    apps = [potions.get(app).json()["pid"] for app in NAMES]
    for part in ("caddy", "agent"):
        killed = pid_of(potions, part)
        os.kill(killed, signal.SIGKILL)
        wait_for(partial(is_back, potions, part, killed), f"{part} is back")
        wait_for(lambda: both_serve_now(potions), "both apps answer")
    assert [potions.get(app).json()["pid"] for app in NAMES] == apps
    assert all(part.running for part in potions.client.status().parts)


def is_back(potions: Platform, part: str, killed: int) -> bool:
    outcome = potions.run("status", "--json")
    parts = {one["name"]: one for one in outcome.json()["parts"]} if outcome.status == 0 else {}
    return bool(parts) and parts[part]["running"] and parts[part]["pid"] != killed


def both_serve_now(potions: Platform) -> bool:
    try:
        return both_serve(potions)
    except httpx.HTTPError:
        return False


def test_up_mends_a_part_that_does_not_run(own_potions: Platform) -> None:
    """A Caddy or an agent that somebody stopped is started again by `up`, which says so."""
    deploy_both(own_potions)
    for part in ("caddy", "agent"):
        Supervisord(own_potions.home).stop([part], grace=30)
        assert f"{part} was down; starting it" in own_potions.do("up").err
        wait_for(lambda: both_serve_now(own_potions), "both apps answer")
