"""Another version of Potions on a server that serves: newer, older, and one that is too old for what is there."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions import __version__
from potions.layout import SERVER
from support.laptop import Laptop
from support.platform import wait_for
from support.server import SLOW, InstalledServer

NEWER = "99.0"
#: Kept-alive and fresh connections through the proxy, until it is stopped; then it says what came of them.
LOAD = (
    "cd /srv/tests && exec python3 -m support.load --port 8480 --host-header blog.localhost --seconds 900 >/root/load"
)
ASK = (
    "curl --silent --max-time 120 --output {body} --write-out '%{{http_code}}\\n'"
    " --unix-socket /run/potions/agent.sock http://potions/status"
)
#: Requests to the agent one after the other, each patient enough for a new agent to start.
ASKS = f"""
while true; do
    {ASK.format(body="/root/answer")} >/root/code
    cat /root/code >>/root/asked
    grep -q 200 /root/code || cat /root/answer >>/root/refusals
    sleep 0.05
done
"""
#: Instead of systemctl: one that says when it is asked what runs, and answers when it may.
SLOW_SYSTEMCTL = """\
#!/bin/sh
case "$*" in *" show "*)
    touch /root/looks
    until test -e /root/go-on; do sleep 0.05; done
esac
exec /usr/bin/systemctl.real "$@"
"""
#: As an older version of Potions would have written them.
AGE_UNITS = """
for unit in /etc/systemd/system/blog-*.service; do echo '# of an older version' >>"$unit"; done
systemctl daemon-reload
"""
REVISION = f"python3 -c 'import sqlite3; c = sqlite3.connect(\"{SERVER.database}\"); %s'"


def of_version(wheel: Path, folder: Path, version: str) -> Path:
    """The same wheel, as another version."""
    target = folder / f"potions-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "potions/__init__.py":
                data = data.replace(f'"{__version__}"'.encode(), f'"{version}"'.encode())
            elif name.endswith(".dist-info/METADATA"):
                data = data.replace(f"\nVersion: {__version__}\n".encode(), f"\nVersion: {version}\n".encode())
            elif name.endswith(".dist-info/RECORD"):
                lines = data.decode().replace(f"potions-{__version__}.dist-info", f"potions-{version}.dist-info")
                kept = [line.split(",")[0] + ",,\n" for line in lines.splitlines()]
                data = "".join(kept).encode()
            new.writestr(name.replace(f"potions-{__version__}.dist-info", f"potions-{version}.dist-info"), data)
    return target


@pytest.fixture(scope="module")
def laptop(server: InstalledServer, tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """One that may sign in as root, and knows the server's key."""
    made = Laptop(tmp_path_factory.mktemp("laptop"))
    key = made.key.with_name(f"{made.key.name}.pub").read_text()
    server.machine.do("cat >>/root/.ssh/authorized_keys", stdin=key)
    (made.ssh / "known_hosts").write_bytes(server.machine.known_hosts.read_bytes())
    return made


@pytest.fixture(scope="module")
def blog(server: InstalledServer) -> Iterator[InstalledServer]:
    """With an app, a file in its storage and a variable; asked all the time, through the proxy and the agent."""
    server.do("apps", "create", "blog")
    server.do("env", "set", "blog", "COLOUR", stdin="blue")
    server.deploy("blog", "one")
    server.settled("blog")
    server.put("blog", "storage/letter.txt", "dear customer")
    yield server


def begin_asking(server: InstalledServer) -> None:
    machine = server.machine
    machine.put(Path(__file__).parents[1] / "support", "/srv/tests/support")
    machine.do(["systemd-run", "--quiet", "--unit=load", "sh", "-c", LOAD])
    machine.do(["systemd-run", "--quiet", "--unit=asks", "sh", "-c", ASKS])
    wait_for(lambda: "began" in machine.read("/root/load"), f"the load is at work\n{machine.journal('load')}")


def end_asking(server: InstalledServer) -> None:
    """No request failed, neither of a visitor nor of who asks the agent."""
    machine = server.machine
    machine.do("systemctl stop asks; systemctl kill --kill-whom=main load || true")
    wait_for(lambda: len(machine.read("/root/load").splitlines()) > 1, "the load has told what it saw")
    machine.do("systemctl stop load || true")
    told = json.loads(machine.read("/root/load").splitlines()[-1])
    assert told["failed"] == 0, told
    codes = machine.read("/root/asked").split()
    assert len(codes) > 20
    assert set(codes) == {"200"}, machine.read("/root/refusals")


def caddy(server: InstalledServer) -> str:
    return server.machine.do(["systemctl", "show", "--property=MainPID", "--value", "potions-caddy"])


def in_force(server: InstalledServer) -> str:
    return server.machine.do(["readlink", str(SERVER.current)]).strip()


def test_what_is_being_answered_is_answered_when_the_agent_is_told_to_end(blog: InstalledServer) -> None:
    """Whatever the agent waits for meanwhile: the signal that ends it does not end its helpers."""
    machine = blog.machine
    machine.do("mv /usr/bin/systemctl /usr/bin/systemctl.real && rm -f /root/looks /root/go-on")
    machine.write("/usr/bin/systemctl", SLOW_SYSTEMCTL)
    machine.do("chmod 755 /usr/bin/systemctl")
    try:
        machine.do(f"{ASK.format(body='/root/answer')} >/root/code 2>&1 &")
        wait_for(lambda: machine.run("test -e /root/looks").status == 0, "the agent asks what runs")
        machine.do("systemctl.real restart --no-block potions-agent")
        state = "systemctl.real show --property=ActiveState --value potions-agent"
        wait_for(lambda: machine.do(state).strip() == "deactivating", "the agent is told to end")
        machine.do("touch /root/go-on")
        wait_for(lambda: machine.read("/root/code").strip(), "it answers")
        assert (machine.read("/root/code").strip(), machine.read("/root/answer")[:1]) == ("200", "{")
    finally:
        machine.do("touch /root/go-on; mv /usr/bin/systemctl.real /usr/bin/systemctl")
    blog.serves("blog", "one")


def test_options_change_the_settings_of_what_is_there(server: InstalledServer, laptop: Laptop) -> None:
    """By the program that is there: nothing is sent, and the version stays. A bad one is refused as it is there."""
    address, before = f"root@{server.machine.address}", in_force(server)
    done = laptop.do("server", "add", address, "--name", "shop", "--email", "a@example.com")
    assert "installed there already" in done.err
    assert json.loads(server.machine.read(str(SERVER.settings)))["server"]["certificates"]["email"] == "a@example.com"
    assert in_force(server) == before
    refused = laptop.refused("server", "add", address, "--name", "shop", "--wildcard", "*.example.com")
    assert (refused.status, "--wildcard" in refused.err) == (2, True)


def test_a_newer_version_comes_under_running_apps(
    blog: InstalledServer, laptop: Laptop, wheel: Path, tmp_path: Path
) -> None:
    """Visitors and who asks the agent notice nothing, a deploy is waited for, and everything is there as before."""
    address = f"root@{blog.machine.address}"
    laptop.do("server", "add", address, "--name", "shop")
    before, proxy = in_force(blog), caddy(blog)
    settings = blog.machine.read(str(SERVER.settings))
    newer = of_version(wheel, tmp_path, NEWER)
    blog.machine.do(AGE_UNITS)
    begin_asking(blog)
    blog.do("deploy", blog.release("two", manifest=SLOW), "--app", "blog", "--detach")
    wait_for(lambda: blog.json("deployments", "blog")[0]["status"] == "building", "it builds")
    with laptop.adding(address, "--name", "shop", "--wheel", str(newer)) as adding:
        adding.until("pip gets what Potions needs")
        adding.until("is installed into")
        adding.until("waiting until this is over: deploy 2 of blog")
        blog.machine.do("touch /opt/potions/blog/.home/go-on")
        told = adding.rest()
        assert adding.status() == 0, told
    assert f"This is a Potions {NEWER} server." in told
    assert blog.json("deployments", "blog")[0]["status"] == "succeeded"
    blog.serves("blog", "two")
    blog.settled("blog")
    end_asking(blog)
    assert laptop.json("--server", "shop", "status")["version"] == NEWER
    assert in_force(blog).startswith(f"{NEWER}-")
    assert blog.machine.do(["readlink", str(SERVER.previous)]).strip() == before
    # Green was deployed into meanwhile; blue's unit was written anew by the agent, and systemd knows it.
    assert "older version" not in blog.machine.do("cat /etc/systemd/system/blog-*.service")
    reload = "--property=NeedDaemonReload"
    assert blog.machine.do(["systemctl", "show", "--value", reload, "blog-blue", "blog-green"]).split() == ["no", "no"]
    assert caddy(blog) == proxy, "its program is the same, so it was left alone"
    assert blog.machine.read(str(SERVER.settings)) == settings
    assert blog.file("blog", "storage/letter.txt").text == "dear customer"
    assert laptop.do("--server", "shop", "env", "get", "blog", "COLOUR").out == "blue\n"


def test_an_older_one_only_comes_when_asked_for(blog: InstalledServer, laptop: Laptop, wheel: Path) -> None:
    """A server that is newer is remembered as it is; `--downgrade` goes back, under running apps too."""
    address = f"root@{blog.machine.address}"
    told = laptop.do("server", "add", address, "--name", "shop")
    assert f"Potions {NEWER} is there, which is newer" in told.err
    refused = laptop.refused("server", "add", address, "--name", "shop", "--wheel", str(wheel))
    assert "--downgrade" in refused.err
    assert in_force(blog).startswith(f"{NEWER}-")
    begin_asking(blog)
    with laptop.adding(address, "--name", "shop", "--wheel", str(wheel), "--downgrade") as adding:
        adding.until("is not the version in force")
        told = adding.rest()
        assert adding.status() == 0, told
    end_asking(blog)
    assert in_force(blog).startswith(f"{__version__}-")
    blog.serves("blog", "two")
    assert laptop.do("--server", "shop", "env", "get", "blog", "COLOUR").out == "blue\n"


def test_a_version_that_does_not_know_the_database_is_refused(blog: InstalledServer, wheel: Path) -> None:
    """Before anything is touched; and an agent that meets a newer database says so and leaves it as it is."""
    machine = blog.machine
    read = REVISION % 'print(*c.execute("SELECT version_num FROM alembic_version").fetchone())'
    revision = machine.do(read).strip()
    write = REVISION % 'c.execute("UPDATE alembic_version SET version_num = ?", ("{}",)); c.commit()'
    machine.do("systemctl stop potions-agent.socket potions-agent-web.socket potions-agent")
    machine.do(write.format("9999"))
    target = f"/root/{wheel.name}"
    machine.put(wheel, target)
    refused = blog.potions("server", "install", "--wheel", target)
    assert refused.status == 1
    assert "it is older than what this server remembers" in refused.err
    assert "revision 9999" in refused.err
    machine.run("systemctl start potions-agent")
    wait_for(lambda: "made by a newer version of Potions" in machine.journal("potions-agent"), "the agent says so")
    assert machine.do(read) == "9999\n"
    blog.serves("blog", "two")
    machine.do("systemctl stop potions-agent.socket potions-agent-web.socket potions-agent")
    machine.do(write.format(revision))
    assert blog.potions("server", "install", "--wheel", target).status == 0
    assert [one["name"] for one in blog.json("apps", "list")] == ["blog"]
