"""What serves after the computer was switched off and on again, in whatever moment that came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.machine import machine_of
from support.platform import wait_for
from support.server import InstalledServer

APP = "blog"
SLOW_BUILD = '[run]\nstart = "python3 behave.py"\n[build]\ncommand = "touch $STORAGE_DIR/building; sleep 300"\n'
HANDOVER = '[run]\nstart = "python3 behave.py"\n[deploy]\nstrategy = "handover"\n'
STANDBY = '[run]\nstart = "python3 behave.py"\n[deploy]\nstandby = "1h"\n'


@pytest.fixture
def blog(fresh_server: InstalledServer) -> InstalledServer:
    """A server with an app that two releases were deployed to, and a file in its storage."""
    server = fresh_server
    server.do("apps", "create", APP)
    server.deploy(APP, "one")
    server.settled(APP)
    server.deploy(APP, "two")
    server.settled(APP)
    server.put(APP, "storage/letter.txt", "dear customer")
    return server


def serves_alone(server: InstalledServer, version: str) -> None:
    """Exactly one slot runs, it is the live one, it answers as that release, and the file is there."""
    server.serves(APP, version)
    wait_for(lambda: server.running_slots(APP) == [server.live(APP)], f"only the live slot runs\n{server.report()}", 60)
    assert server.file(APP, "storage/letter.txt").text == "dear customer"


@pytest.mark.contract("B11")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_what_served_serves_again_without_the_agent(blog: InstalledServer) -> None:
    """systemd starts the live slot by itself, after a reboot and after a power cut, and only that one."""
    blog.keep_agent_off()
    for go_down in (blog.machine.reboot, lambda: (blog.machine.power_cut(), blog.machine.boot())):
        go_down()
        serves_alone(blog, "two")
        assert not blog.is_active("potions-agent.service")
    blog.let_agent_run()
    blog.machine.reboot()
    serves_alone(blog, "two")
    blog.do("rollback", APP)
    serves_alone(blog, "one")


@pytest.mark.contract("B11")
@pytest.mark.contract("P4")
def test_a_power_cut_in_the_middle_of_a_deploy_leaves_the_old_release_serving(blog: InstalledServer) -> None:
    """The deployment has failed and says why; the next one succeeds."""
    blog.do("deploy", blog.release("three", manifest=SLOW_BUILD, procfile=None), "--app", APP, "--detach")
    building = f"{blog.tree(APP).storage}/building"
    wait_for(lambda: blog.machine.run(["test", "-e", building]).status == 0, "it builds", 60)
    blog.machine.power_cut()
    blog.machine.boot()
    serves_alone(blog, "two")
    blog.settled(APP)
    newest = blog.json("deployments", APP)[0]
    assert newest["status"] == "failed"
    blog.deploy(APP, "four")
    blog.settled(APP)
    serves_alone(blog, "four")


@pytest.mark.contract("B11")
def test_a_power_cut_in_the_middle_of_a_handover_leaves_one_release_serving(blog: InstalledServer) -> None:
    """The old one is started again, and the two never run at once."""
    blog.deploy(APP, "three", manifest=HANDOVER, procfile=None)
    blog.settled(APP)
    blog.do(
        "deploy",
        blog.release("four", manifest=HANDOVER, procfile=None, ready_after=300),
        "--app",
        APP,
        "--detach",
    )
    before = blog.live(APP)
    wait_for(lambda: blog.running_slots(APP) == [before.other], "the new one runs and the old one does not", 90)
    blog.machine.power_cut()
    blog.machine.boot()
    serves_alone(blog, "three")
    blog.settled(APP)
    assert blog.json("deployments", APP)[0]["status"] == "failed"


@pytest.mark.contract("B11")
@pytest.mark.contract("B3")
def test_what_stood_by_does_not_run_after_a_reboot(blog: InstalledServer) -> None:
    """It was kept for a rollback without a start; that is over, and the rollback starts it."""
    blog.deploy(APP, "three", manifest=STANDBY, procfile=None)
    blog.settled(APP)
    assert len(blog.running_slots(APP)) == 2
    blog.machine.reboot()
    serves_alone(blog, "three")
    blog.do("rollback", APP)
    blog.serves(APP, "two")


@pytest.mark.contract("B11")
def test_a_stopped_app_stays_stopped_over_a_reboot(blog: InstalledServer) -> None:
    """Also where the agent does not come up; started again, it comes up with the computer as before."""
    blog.do("stop", APP)
    blog.keep_agent_off()
    blog.machine.reboot()
    assert blog.running_slots(APP) == []
    blog.let_agent_run()
    blog.machine.do("systemctl start potions-agent.service")
    assert blog.running_slots(APP) == []
    blog.do("start", APP)
    blog.machine.reboot()
    serves_alone(blog, "two")


@pytest.mark.contract("B11")
def test_apps_serve_while_the_agent_is_down_and_caddy_comes_back_by_itself(blog: InstalledServer) -> None:
    """Each part may be killed; what visitors need goes on, or is there again at once."""
    blog.machine.do("systemctl kill --signal=KILL potions-agent.service")
    assert blog.version(APP) == "two"
    wait_for(lambda: blog.potions("status").status == 0, "the agent is back", 60)
    blog.machine.do("systemctl kill --signal=KILL potions-caddy.service")
    blog.serves(APP, "two")
    blog.machine.do(f"systemctl kill --signal=KILL {APP}-{blog.live(APP).value}.service")
    serves_alone(blog, "two")
    blog.deploy(APP, "three")
    blog.settled(APP)
    serves_alone(blog, "three")


@pytest.mark.contract("B11")
def test_a_server_without_room_loses_nothing(installed: Callable[[str], Path], tmp_path: Path) -> None:
    """What does not fit is refused, everything serves on, an app can be stopped; with room again, all goes on."""
    with machine_of("bookworm", over=installed("bookworm"), disk_megabytes=500) as machine:
        server = InstalledServer(machine, tmp_path / "releases")
        server.do("apps", "create", APP)
        server.deploy(APP, "one")
        server.settled(APP)
        server.put(APP, "storage/letter.txt", "dear customer")
        release = server.release("two")
        machine.run("dd if=/dev/zero of=/opt/fill bs=1M; dd if=/dev/zero of=/opt/fill.rest bs=1")
        refused = server.potions("deploy", release, "--app", APP)
        assert refused.status != 0
        assert "room" in refused.text or "full" in refused.text, refused.text
        serves_alone(server, "one")
        server.potions("stop", APP)
        wait_for(lambda: server.running_slots(APP) == [], "it is stopped", 60)
        machine.power_cut()
        machine.boot()
        machine.do("rm /opt/fill /opt/fill.rest")
        server.do("start", APP)
        serves_alone(server, "one")
        server.do("deploy", release, "--app", APP)
        server.settled(APP)
        serves_alone(server, "two")
