"""The main job on a real server: deploy, switch, keep the files over everything that comes and goes."""

from __future__ import annotations

import pytest

from support.server import SLOW, InstalledServer

MANIFEST = """
[run]
start = "python3 behave.py"
migrate = "echo migrated by $(id -un) >> storage/migrations.txt"
[build]
command = "echo built > built.txt"
"""


@pytest.mark.contract("S4")
@pytest.mark.contract("S5")
@pytest.mark.contract("S8")
@pytest.mark.contract("S9")
@pytest.mark.contract("S10")
@pytest.mark.contract("S12")
@pytest.mark.contract("P1")
@pytest.mark.contract("P13")
def test_a_customers_file_outlives_everything(server: InstalledServer) -> None:
    """It is there after deploys, rollbacks, a reboot, a delete and its undo, at the very path of the contract."""
    server.do("apps", "create", "blog")
    assert server.owners("/opt/potions/blog/storage") == {"/opt/potions/blog/storage": "deploy:deploy 750"}
    server.deploy("blog", "one", manifest=MANIFEST, procfile=None)
    server.put("blog", "/opt/potions/blog/storage/a/letter.txt", "dear customer")
    server.put("blog", "storage/b/relative.txt", "by a relative path")
    inode = server.ask("blog", "/stat?path=storage/.").json()["ino"]
    server.machine.write("/root/picture.png", "not really")
    server.do("storage", "put", "blog", "/root/picture.png", "put/picture.png")

    def keeps() -> None:
        assert server.file("blog", "storage/a/letter.txt").text == "dear customer"
        assert server.file("blog", "/opt/potions/blog/storage/b/relative.txt").text == "by a relative path"
        assert server.file("blog", "storage/put/picture.png").text == "not really"
        assert server.ask("blog", "/stat?path=storage/.").json()["ino"] == inode

    keeps()
    below = server.owners("/opt/potions/blog/storage", "-mindepth", "1")
    assert {owner.split()[0] for owner in below.values()} == {"deploy:deploy"}, below
    server.deploy("blog", "two", manifest=MANIFEST, procfile=None)
    assert server.version("blog") == "two"
    keeps()
    server.settled("blog")
    server.machine.reboot()
    server.serves("blog", "two")
    keeps()
    server.do("rollback", "blog")
    assert server.version("blog") == "one"
    keeps()
    server.do("apps", "delete", "blog", "--yes")
    assert server.machine.run("ls /opt/potions/blog").status != 0
    assert server.ask("blog").status == 404
    server.do("apps", "restore", "blog")
    server.serves("blog", "one")
    keeps()
    migrated = server.file("blog", "storage/migrations.txt").text
    assert set(migrated.splitlines()) == {"migrated by deploy"}
    server.do("apps", "delete", "blog", "--yes", "--purge")
    assert server.machine.do("find /opt/potions -mindepth 1 -not -name .trash") == ""
    assert server.machine.do("ls /etc/systemd/system | grep -c blog || true").strip() == "0"


@pytest.mark.contract("S10")
def test_an_app_whose_directory_was_removed_by_hand_is_made_anew(server: InstalledServer) -> None:
    """It is said plainly, the other apps serve on, and the name can be used again."""
    for app in ("gone", "other"):
        server.do("apps", "create", app)
        server.deploy(app, "one")
    server.machine.do("rm -rf /opt/potions/gone")
    assert server.version("other") == "one"
    told = server.potions("deploy", server.release("two"), "--app", "gone")
    assert told.status != 0
    assert "/opt/potions/gone" in told.text
    server.do("apps", "create", "gone")
    server.deploy("gone", "three")
    assert server.version("gone") == "three"
    assert server.version("other") == "one"


@pytest.mark.contract("P4")
@pytest.mark.contract("P13")
@pytest.mark.parametrize("broken", ["boot", "build", "migrate"])
def test_a_deploy_that_fails_leaves_the_old_release_serving(server: InstalledServer, broken: str) -> None:
    """It says why, with the last lines that the app itself printed."""
    app = f"fails-{broken}"
    server.do("apps", "create", app)
    server.deploy(app, "one", manifest=MANIFEST, procfile=None)
    words = {"boot": "python3 behave.py", "migrate": "true", "build": "true"}
    words[broken] = "echo the reason is here; exit 7"
    manifest = f"""
[run]
start = "{words["boot"]}"
migrate = "{words["migrate"]}"
[build]
command = "{words["build"]}"
"""
    done = server.potions("deploy", server.release("two", manifest=manifest, procfile=None), "--app", app)
    assert done.status != 0
    assert "the reason is here" in done.text
    assert server.version(app) == "one"
    assert server.running_slots(app) == [server.live(app)]


@pytest.mark.contract("P3")
def test_deploys_of_a_server_go_one_after_another(server: InstalledServer) -> None:
    """The second waits in the queue and can be cancelled, the third goes on."""
    for app in ("first", "second", "third"):
        server.do("apps", "create", app)
    slow = server.release("one", manifest=SLOW)
    plain = server.release("one")
    server.do("deploy", slow, "--app", "first", "--detach")
    server.do("deploy", plain, "--app", "second", "--detach")
    server.do("deploy", plain, "--app", "third", "--detach")
    assert server.json("deployments", "second")[0]["status"] == "queued"
    server.do("cancel", "second")
    server.machine.do("touch /opt/potions/first/.home/go-on")
    server.settled("first")
    server.serves("third", "one")
    assert server.json("deployments", "second")[0]["status"] == "cancelled"


@pytest.mark.contract("P1")
def test_slots_have_what_is_their_own_and_nobody_else_may_read_it(server: InstalledServer) -> None:
    """Ports in pairs, environment files of root alone, units for both colours, and modes whatever the umask."""
    server.do("apps", "create", "pairs")
    server.deploy("pairs", "one")
    server.settled("pairs")
    server.deploy("pairs", "two")
    server.settled("pairs")
    seen = server.owners("/opt/potions/pairs", "-maxdepth", "1")
    assert seen == {
        "/opt/potions/pairs": "root:root 755",
        "/opt/potions/pairs/storage": "deploy:deploy 750",
        "/opt/potions/pairs/blue": "deploy:deploy 750",
        "/opt/potions/pairs/green": "deploy:deploy 750",
        "/opt/potions/pairs/current": "root:root 777",
        "/opt/potions/pairs/.live": "root:root 777",
        "/opt/potions/pairs/.slots": "root:root 755",
        "/opt/potions/pairs/.env.blue": "root:root 600",
        "/opt/potions/pairs/.env.green": "root:root 600",
        "/opt/potions/pairs/.home": "deploy:deploy 750",
        "/opt/potions/pairs/releases": "root:root 700",
        "/opt/potions/pairs/logs": "root:root 750",
        "/opt/potions/pairs/.puts": "root:root 755",
    }
    ports = [
        server.machine.do(f"tr '\\0' '\\n' < /opt/potions/pairs/.env.{c} | grep ^PORT=") for c in ("blue", "green")
    ]
    first, second = (int(text.strip().removeprefix("PORT=")) for text in ports)
    assert first >= 4000
    assert first % 2 == 0
    assert second == first + 1
    units = server.machine.do("systemctl list-unit-files 'pairs-*' --no-legend")
    assert [line.split()[:2] for line in units.splitlines()] == [
        ["pairs-blue.service", "enabled"],
        ["pairs-green.service", "enabled"],
    ]
