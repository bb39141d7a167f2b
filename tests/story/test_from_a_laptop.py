"""A laptop, an sshd, a Potions: everything through SSH, and connections that break."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.laptop import Laptop
from support.platform import Platform, wait_for
from support.sshd import Sshd, running_sshd

_MEGABYTE = 1_000_000


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


@pytest.fixture
def laptop(potions: Platform, sshd: Sshd) -> Laptop:
    """One that knows the server under the name `shop`, which is not what commands mean by themselves."""
    found = Laptop(potions.folder / f"laptop-{os.urandom(4).hex()}")
    found.may_enter(sshd)
    found.do("server", "add", sshd.address, "--name", "shop", "--socket", str(potions.home.agent_socket))
    found.do("server", "use", "here")
    return found


def _incoming(potions: Platform, app: str) -> list[int]:
    """How much there is of each release that is being received."""
    return [path.stat().st_size for path in potions.tree(app).releases.glob(".incoming-*")]


def _large(folder: Path) -> Path:
    """A release that takes a few seconds to send."""
    (folder / "large").write_bytes(os.urandom(60 * _MEGABYTE))
    return folder


def test_a_day_with_a_server(potions: Platform, laptop: Laptop, release: Callable[..., Path], tmp_path: Path) -> None:
    """Create, deploy, files, logs, roll back, delete: the same commands, each for the server."""
    shop = ("--server", "shop")
    assert "potions --server shop deploy PATH --app blog" in laptop.do(*shop, "apps", "create", "blog").out
    laptop.do("deploy", str(release("1")), "--app", "blog", *shop)
    assert potions.version("blog") == "1"
    laptop.do(*shop, "env", "set", "blog", "COLOUR", stdin="blue")
    (tmp_path / "a.txt").write_text("kept")
    laptop.do(*shop, "storage", "put", "blog", str(tmp_path / "a.txt"), "notes/")
    laptop.do(*shop, "deploy", str(release("2")), "--app", "blog")
    assert potions.version("blog") == "2"
    assert laptop.do(*shop, "env", "get", "blog", "COLOUR").out == "blue\n"
    assert laptop.do(*shop, "storage", "get", "blog", "notes/a.txt", "-").out == "kept"
    assert (
        "potions --server shop log blog"
        in laptop.do(*shop, "deploy", str(release("3")), "--app", "blog", "--detach").out
    )
    laptop.do(*shop, "log", "blog", "-f")
    laptop.do(*shop, "rollback", "blog")
    assert potions.version("blog") == "2"
    laptop.do(*shop, "doctor")
    laptop.do(*shop, "apps", "delete", "blog", "--yes")
    assert "No app yet" in laptop.do(*shop, "apps", "list").out
    assert "Potions does not run here." in laptop.refused("apps", "list").err
    assert laptop.left() == []


def test_a_log_comes_live(potions: Platform, laptop: Laptop, release: Callable[..., Path]) -> None:
    """Each line as it is printed."""
    laptop.do("--server", "shop", "apps", "create", "blog")
    laptop.do("--server", "shop", "deploy", str(release("1")), "--app", "blog")
    with laptop.terminal("--server", "shop", "logs", "blog", "-f") as following:
        following.until("version 1 listens")
        potions.do("deploy", str(release("2")), "--app", "blog")
        following.until("version 2 listens")
        following.interrupt()
        assert following.status() == 130
    assert laptop.left() == []


def test_a_connection_lost_in_the_middle_of_an_upload(
    potions: Platform, laptop: Laptop, sshd: Sshd, release: Callable[..., Path]
) -> None:
    """Nothing half is there, the app serves on, and the next try works."""
    shop = ("--server", "shop")
    laptop.do(*shop, "apps", "create", "blog")
    laptop.do(*shop, "deploy", str(release("1")), "--app", "blog")
    kept = sorted(path.name for path in potions.tree("blog").releases.iterdir())
    second = _large(release("2"))
    with laptop.start(*shop, "deploy", str(second), "--app", "blog") as deploying:
        wait_for(lambda: any(size > _MEGABYTE for size in _incoming(potions, "blog")), "some of it has arrived")
        sshd.cut()
        told, _ = deploying.communicate(timeout=60)
    assert deploying.returncode == 1
    assert "The connection to shop broke" in told
    assert "nothing is deployed" in told
    assert "Traceback" not in told
    wait_for(lambda: _incoming(potions, "blog") == [], "what had arrived is gone")
    assert sorted(path.name for path in potions.tree("blog").releases.iterdir()) == kept
    assert potions.statuses("blog") == ["succeeded"]
    assert potions.version("blog") == "1"
    laptop.do(*shop, "deploy", str(second), "--app", "blog")
    assert potions.version("blog") == "2"
    assert laptop.left() == []


def test_a_connection_lost_in_the_middle_of_a_deploy(
    potions: Platform, laptop: Laptop, sshd: Sshd, release: Callable[..., Path]
) -> None:
    """What was received whole is deployed there, and what is told to look at it works."""
    laptop.do("--server", "shop", "apps", "create", "blog")
    with laptop.start("--server", "shop", "deploy", str(release("1", ready_after=3)), "--app", "blog") as deploying:
        wait_for(lambda: potions.json("deployments", "blog"), "the deploy has begun")
        sshd.cut()
        told, _ = deploying.communicate(timeout=60)
    assert deploying.returncode == 1
    assert "The deploy goes on there." in told
    assert "Look again with: potions --server shop log blog 1 -f" in told
    assert laptop.do("--server", "shop", "log", "blog", "1", "-f").status == 0
    assert potions.statuses("blog") == ["succeeded"]
    assert potions.version("blog") == "1"


def test_ctrl_c_leaves_the_deploy_running(potions: Platform, laptop: Laptop, release: Callable[..., Path]) -> None:
    """And says how to look again, and how to end it."""
    laptop.do("--server", "shop", "apps", "create", "blog")
    with laptop.start("--server", "shop", "deploy", str(release("1", ready_after=3)), "--app", "blog") as deploying:
        wait_for(lambda: potions.json("deployments", "blog"), "the deploy has begun")
        deploying.send_signal(signal.SIGINT)
        told, _ = deploying.communicate(timeout=60)
    assert deploying.returncode == 130
    assert "goes on without you" in told
    assert "potions --server shop log blog 1 -f" in told
    assert "potions --server shop cancel blog 1" in told
    wait_for(lambda: potions.statuses("blog") == ["succeeded"], "the deploy ends by itself")
    assert laptop.left() == []


def test_a_file_that_is_half_put(potions: Platform, laptop: Laptop, sshd: Sshd) -> None:
    """A connection lost in the middle of one leaves the storage as it was."""
    laptop.do("--server", "shop", "apps", "create", "blog")
    words = ("--server", "shop", "storage", "put", "blog", "-", "dump.sql")
    with laptop.start(*words, stdin=subprocess.PIPE) as putting:
        assert putting.stdin
        # More than all pipes and windows on the way hold together, so that some of it has arrived.
        putting.stdin.write("x" * (8 * _MEGABYTE))
        putting.stdin.flush()
        sshd.cut()
        told, _ = putting.communicate(timeout=60)
    assert putting.returncode == 1, told
    assert "The connection to shop broke" in told
    wait_for(lambda: not list(potions.tree("blog").storage.iterdir()), "nothing of it is left")
