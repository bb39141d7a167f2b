"""A real Mix release: found by itself, migrated, one Erlang node a slot, one epmd of the platform's own for all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from potions.host.account import account_of
from potions.host.processes import home_processes
from potions.launcher import read_environment
from potions.layout import Colour
from support.mix import MixReleases, build_releases
from support.platform import Platform, wait_for
from support.terminal import in_terminal

OLD, NEW = "0.1.0", "0.2.0"
BLUE, GREEN = "blog_blue", "blog_green"


@pytest.fixture(scope="session")
def mix(tmp_path_factory: pytest.TempPathFactory) -> MixReleases:
    """The built releases."""
    return build_releases(tmp_path_factory)


@pytest.mark.contract("P1")
@pytest.mark.contract("S5")
@pytest.mark.contract("S7")
@pytest.mark.contract("S9")
def test_a_mix_release_is_deployed_twice_and_rolled_back(potions: Platform, mix: MixReleases) -> None:
    """No Procfile is needed; ``bin/migrate`` runs while the old one serves; both nodes run during the switch."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(mix.archive(OLD)), "--app", "blog")
    tree = potions.tree("blog")
    first = _about(potions, "blog")
    assert (first["version"], first["release"], first["node"]) == (OLD, OLD, f"{BLUE}@127.0.0.1")
    assert (first["storage"], first["cwd"]) == (str(tree.storage), str(tree.slot(Colour.BLUE)))
    assert potions.request("PUT", "blog", f"/file?path={tree.storage}/a/absolute", content=b"one").is_success
    assert potions.request("PUT", "blog", "/file?path=storage/relative", content=b"two").is_success

    _deploy_while_it_migrates(potions, mix)
    second = _about(potions, "blog")
    assert (second["version"], second["release"], second["node"]) == (NEW, NEW, f"{GREEN}@127.0.0.1")
    assert _files(potions) == (b"one", b"two")

    wait_for(lambda: not potions.json("deployments", "blog")[0]["draining"], "the old slot is retired")
    assert _nodes(potions) == {GREEN}
    assert (tree.storage / "ended").read_text() == f"{BLUE}@127.0.0.1\n"
    potions.do("rollback", "blog")
    back = _about(potions, "blog")
    assert (back["version"], back["release"], back["node"]) == (OLD, OLD, f"{BLUE}@127.0.0.1")
    assert _files(potions) == (b"one", b"two")
    assert (tree.storage / "migrations").read_text() == f"{OLD}\n{NEW}\n"


def _deploy_while_it_migrates(potions: Platform, mix: MixReleases) -> None:
    """Deploy the new version; the old one serves while the migration waits, and finishes what it has begun after it."""
    storage = potions.tree("blog").storage
    (storage / "hold").touch()
    deploy = potions.start("deploy", str(mix.archive(NEW, enclosed=True)), "--app", "blog")
    try:
        wait_for(lambda: NEW in (storage / "migrations").read_text(), "the migration begins")
        assert potions.version("blog") == OLD
        assert potions.json("deployments", "blog")[0]["status"] == "migrating"
        with _slow_upload(potions, "storage/slow") as upload:
            (storage / "hold").unlink()
            output, _ = deploy.communicate(timeout=120)
            assert deploy.returncode == 0, output + potions.report()
            assert potions.version("blog") == NEW
            assert _nodes(potions) == {BLUE, GREEN}
            upload.sendall(b"four")
            assert upload.recv(12) == b"HTTP/1.1 201"
    finally:
        deploy.kill()
        deploy.communicate()
    assert (storage / "slow").read_bytes() == b"four"


def test_all_erlang_apps_of_a_home_share_its_own_epmd(mix: MixReleases) -> None:
    """It outlives the app that came first, and a killed supervisor; no slot has one, and nothing listens outside."""
    potions = Platform()
    # A shell inside some other release: its RELEASE_VSN would name a version that these do not have.
    potions.environment |= {"RELEASE_VSN": "9.9.9", "RELEASE_ROOT": "/nowhere", "ERL_AFLAGS": "-broken"}
    try:
        potions.up()
        potions.do("apps", "create", "blog")
        potions.do("apps", "create", "blog2")
        _refused_while_its_port_is_taken(potions, mix)
        for app in ("blog", "blog2"):
            potions.do("deploy", str(mix.archive(OLD)), "--app", app)
            assert _about(potions, app)["node"] == f"{app}_blue@127.0.0.1"
        epmd = _only_epmd(potions)
        potions.do("apps", "delete", "blog", "--purge", "--yes")
        assert _only_epmd(potions) == epmd
        assert _nodes(potions) == {"blog2_blue"}
        assert _rpc(potions, "blog2", "IO.puts node()") == "blog2_blue@127.0.0.1\n"

        os.kill(int(potions.home.supervisor_pid.read_text()), signal.SIGKILL)
        potions.up()
        wait_for(lambda: potions.version("blog2") == OLD, "blog2 serves again")
        assert _only_epmd(potions) != epmd
        assert _nodes(potions) == {"blog2_blue"}
    finally:
        potions.close()


def _refused_while_its_port_is_taken(potions: Platform, mix: MixReleases) -> None:
    """A stranger on the port is named; nodes do not register there."""
    port = json.loads(potions.home.settings.read_text())["epmd_port"]
    with socket.create_server(("127.0.0.1", port)):
        outcome = potions.refused("deploy", str(mix.archive(OLD)), "--app", "blog")
    assert f"Port {port}, which the Erlang port mapper (epmd) of this home needs, is taken." in outcome.text
    assert f"(process {os.getpid()}) listens on it" in outcome.text


def _only_epmd(potions: Platform) -> psutil.Process:
    """The one epmd of this home: of the apps' user, of no app, and to be reached from this computer only."""
    (epmd,) = _epmds(potions)
    port = _epmd_port(potions)
    assert epmd.exe() == str(potions.home.epmd / "epmd")
    assert epmd.username() == account_of("nobody").name
    assert not [name for name in epmd.environ() if name.startswith(("POTIONS_", "RELEASE_"))]
    assert {("127.0.0.1", port)} <= _listening(epmd) <= {("127.0.0.1", port), ("::1", port)}
    nodes = [psutil.Process(pid) for pid in home_processes(potions.home.apps)]
    assert {address for node in nodes for address, _ in _listening(node)} == {"127.0.0.1"}
    return epmd


def _listening(process: psutil.Process) -> set[tuple[str, int]]:
    connections = process.net_connections(kind="tcp")
    return {(one.laddr.ip, one.laddr.port) for one in connections if one.status == psutil.CONN_LISTEN}


def _epmds(potions: Platform) -> Iterator[psutil.Process]:
    """Every epmd of this home: the platform's, and one that an app would have started."""
    ours = home_processes(potions.home.apps)
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "epmd" and (process.pid in ours or str(potions.home.root) in " ".join(words)):
            yield process


def test_a_mix_release_that_cannot_boot_leaves_its_crash_dump(potions: Platform, mix: MixReleases) -> None:
    """The dump lies in the app's HOME and not in the slot, the reason is shown, and the old release serves on."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(mix.archive(OLD)), "--app", "blog")
    broken = mix.archive(NEW, files={"potions.toml": '[env]\nMIX_APP_BOOT = "crash"\n'})
    outcome = potions.refused("deploy", str(broken), "--app", "blog")
    tree = potions.tree("blog")
    assert "this release was told to crash" in outcome.text
    assert (tree.home / "erl_crash.dump").read_text().startswith("=erl_crash_dump:")
    assert [*tree.root.rglob("erl_crash.dump")] == [tree.home / "erl_crash.dump"]
    assert potions.version("blog") == OLD
    assert _nodes(potions) == {BLUE}


def test_a_releases_own_commands_work_with_the_slots_variables(potions: Platform, mix: MixReleases) -> None:
    """``rpc`` reaches the node that serves; the platform sets no ``RELEASE_`` variable beyond the node's name."""
    potions.do("apps", "create", "blog")
    potions.do("env", "set", "blog", "GREETING=hello")
    potions.do("deploy", str(mix.archive(OLD)), "--app", "blog")
    environment = read_environment(str(potions.tree("blog").env_file(Colour.BLUE)))
    releases = {name for name in environment if name.startswith(b"RELEASE_")}
    assert releases == {b"RELEASE_NODE", b"RELEASE_DISTRIBUTION"}
    assert _rpc(potions, "blog", 'IO.puts System.get_env("GREETING")') == "hello\n"
    assert _rpc(potions, "blog", "IO.puts System.pid()") == _about(potions, "blog")["pid"] + "\n"


@pytest.mark.contract("P15")
def test_the_console_is_in_the_running_node(potions: Platform, mix: MixReleases) -> None:
    """`remote`, through the platform's own epmd; a command of the release reaches it too, and the node runs on."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(mix.archive(OLD)), "--app", "blog")
    pid = _about(potions, "blog")["pid"]
    with in_terminal("potions", "console", "blog", environment=potions.environment, term="xterm") as console:
        console.until("Mix release: bin/mix_app remote, in blue (r1).")
        console.until("iex(blog_blue@127.0.0.1)")
        console.type('IO.puts("in " <> System.pid())\r')
        console.until(f"in {pid}")
        console.until("iex(blog_blue@127.0.0.1)")
        console.type("\x07")
        console.until("-->")
        console.type("q\r")
        console.rest()
        assert console.status() == 0
    told = potions.do("run", "blog", "--", "bin/mix_app", "rpc", "IO.puts System.pid()")
    assert told.out == f"{pid}\n"
    assert _about(potions, "blog")["pid"] == pid


def _about(potions: Platform, app: str) -> Any:
    return potions.get(app).json()


def _files(potions: Platform) -> tuple[bytes, bytes]:
    """What the live release reads by the other of the two paths that each file was written by."""
    storage = potions.tree("blog").storage
    relative, absolute = "/file?path=storage/a/absolute", f"/file?path={storage}/relative"
    return potions.get("blog", relative).content, potions.get("blog", absolute).content


def _slow_upload(potions: Platform, path: str) -> socket.socket:
    """A request of four bytes that has arrived at the app, but for those bytes."""
    upload = socket.create_connection(("127.0.0.1", potions.http_port))
    upload.sendall(f"PUT /file?path={path} HTTP/1.1\r\nHost: blog.localhost\r\nContent-Length: 4\r\n\r\n".encode())
    old = potions.live("blog")

    def in_flight() -> int:
        slots = {slot["colour"]: slot for slot in potions.json("apps", "show", "blog")["slots"]}
        return int(slots[old]["in_flight"])

    wait_for(in_flight, "the upload has reached the app")
    return upload


def _epmd_port(potions: Platform) -> int:
    return int(read_environment(str(_live_environment(potions)))[b"ERL_EPMD_PORT"])


def _live_environment(potions: Platform) -> Path:
    """The variables of an Erlang app that serves; which one does not matter here."""
    return next(path for path in potions.home.apps.glob("*/.env.*") if b"ERL_EPMD_PORT" in path.read_bytes())


def _nodes(potions: Platform) -> set[str]:
    """The nodes that the home's own epmd knows."""
    names = subprocess.run(
        [str(potions.home.epmd / "epmd"), "-port", str(_epmd_port(potions)), "-names"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split()[1] for line in names.stdout.splitlines() if line.startswith("name ")}


def _rpc(potions: Platform, app: str, expression: str) -> str:
    """Run the release's own ``rpc`` in the live slot, as the app's user and with its variables."""
    tree, colour = potions.tree(app), potions.live(app)
    account = account_of("nobody")
    # A user's number may only be given by one who can change it.
    become: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switch else {}
    done = subprocess.run(
        [str(tree.slot(colour) / "bin" / "mix_app"), "rpc", expression],
        cwd="/",
        env=read_environment(str(tree.env_file(colour))),
        capture_output=True,
        text=True,
        check=False,
        **become,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
