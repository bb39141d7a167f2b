"""Two apps of one server: what one can get of the other, tried by an app that tries everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.platform import wait_for
from support.server import InstalledServer

APPS = Path(__file__).parents[1] / "apps" / "isolation"
SECRET = "s3cret-of-victim"
START = '[run]\nstart = "exec /usr/bin/python3 victim.py"\n'
#: Files that only their owner and root may read.
PRIVATE = (
    "/opt/potions/victim/storage/letter.txt",
    "/opt/potions/victim/.env.blue",
    "/etc/potions/potions.json",
)
#: The attacker as each of the things that an app runs.
PAGES = '[run]\nstart = "exec python3 -m http.server $PORT --bind 127.0.0.1"\n'
AS = {
    "build": PAGES + '[build]\ncommand = "python3 attacker.py"\n',
    "migrate": PAGES + 'migrate = "python3 attacker.py"\n',
    "run": PAGES,
    "web": "[run]\nstart = \"trap '' USR1; python3 attacker.py everybody; exec python3 -m http.server $PORT\"\n",
}


@pytest.fixture(scope="module")
def victim(server: InstalledServer) -> InstalledServer:
    """A server with an app that has something to lose."""
    server.do("apps", "create", "victim")
    server.do("env", "set", "victim", "SECRET", stdin=SECRET)
    server.machine.put(APPS, "/srv/isolation")
    server.machine.write("/srv/isolation/potions.toml", START)
    server.do("deploy", "/srv/isolation", "--app", "victim")
    server.serves_text("victim", "victim")
    return server


@pytest.mark.contract("P16")
@pytest.mark.parametrize("way", AS)
def test_an_app_gets_nothing_of_another_app(victim: InstalledServer, way: str) -> None:
    """No file, variable, memory, socket or terminal of it, none of the platform's, and no signal reaches it."""
    attacker = f"attacker-{way}"
    server = victim
    server.do("apps", "create", attacker)
    pids = server.machine.do("cat /sys/fs/cgroup/system.slice/victim-blue.service/cgroup.procs").split()
    assert pids
    server.do("env", "set", attacker, "VICTIM_PIDS", stdin=" ".join(pids))
    server.machine.write("/srv/isolation/potions.toml", AS[way])
    server.do("deploy", "/srv/isolation", "--app", attacker)
    if way == "run":
        server.do("run", attacker, "--", "python3", "attacker.py")
    got_file = f"/opt/potions/{attacker}/storage/got.json"
    wait_for(lambda: server.machine.run(["test", "-s", got_file]).status == 0, "the attack is over")
    got = json.loads(server.machine.read(got_file))
    assert len(got) > 25
    assert {name: text for name, text in got.items() if text} == {}
    assert server.machine.do("cat /sys/fs/cgroup/system.slice/victim-blue.service/cgroup.procs").split() == pids
    assert server.machine.run("test -e /opt/potions/victim/storage/hit").status != 0
    server.do("apps", "delete", attacker, "--yes", "--purge")


@pytest.mark.contract("P16")
def test_the_attacks_would_be_seen(victim: InstalledServer) -> None:
    """Without the walls the same program gets at nearly everything: so each attempt above is one that can succeed."""
    server = victim
    pids = server.machine.do("cat /sys/fs/cgroup/system.slice/victim-blue.service/cgroup.procs").split()
    server.machine.do("mkdir -p /srv/naked/own/blue && chmod 777 /srv/naked /srv/naked/own/blue")
    attack = "cd /srv/naked/own/blue && exec runuser -u deploy -m -- python3 /srv/isolation/attacker.py"
    server.machine.do(["env", f"VICTIM_PIDS={' '.join(pids)}", "STORAGE_DIR=/srv/naked", "sh", "-c", attack])
    got = json.loads(server.machine.read("/srv/naked/got.json"))
    leaks = {name for name, text in got.items() if text}
    assert {"its storage by its path", "its directory", "signals", "its abstract socket", "all apps"} <= leaks
    assert "its environment file" not in leaks


@pytest.mark.contract("P16")
def test_what_is_put_for_an_app_never_leaves_its_storage(victim: InstalledServer) -> None:
    """An app that swaps a folder for a link to another app's gets the platform to write nowhere else."""
    server = victim
    server.do("apps", "create", "swapper")
    server.machine.do("runuser --user deploy -- ln -s /opt/potions/victim/storage /opt/potions/swapper/storage/folder")
    server.machine.write("/root/letter.txt", "overwritten")
    done = server.potions("storage", "put", "swapper", "/root/letter.txt", "folder/letter.txt")
    assert done.status != 0
    assert server.machine.read("/opt/potions/victim/storage/letter.txt") == SECRET
    shown = server.potions("storage", "get", "swapper", "folder/letter.txt", "-")
    assert SECRET not in shown.text


@pytest.mark.contract("P16")
@pytest.mark.contract("P8")
def test_no_secret_is_seen_from_outside(victim: InstalledServer) -> None:
    """Not in a list of processes, a unit, the journal, nor in anything that another user of the computer may read."""
    server = victim
    shown = server.machine.do("ps auxwwe; systemctl show victim-blue; systemctl cat victim-blue; journalctl --no-pager")
    own = "\n".join(line for line in shown.splitlines() if "victim.py" not in line)
    assert SECRET not in own
    assert (
        server.machine.run(
            ["grep", "-rlF", SECRET, "--exclude-dir=credentials", "/etc", "/var/lib", "/run", "/usr/local"]
        ).out
        == ""
    )
    server.machine.do("useradd somebody")
    for path in PRIVATE:
        assert server.machine.run(["cat", path], user="somebody").status != 0
    assert server.machine.run("potions status", user="somebody").status != 0
    assert server.machine.run("potions status", user="deploy").status != 0
