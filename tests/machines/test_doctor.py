"""`potions doctor` on a real server: nothing to say of a fresh one; then each damage is found, named, and mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.installed import APP, POTIONS, server_of
from support.machine import Machine
from support.platform import wait_for

UNITS = "/etc/systemd/system"
STATE = "/var/lib/potions"
SITE = "/var/lib/potions-caddy/sites/shop.caddy"
STORAGE = "/opt/potions/shop/storage"
#: SD_MESSAGE_UNIT_RESTART_SCHEDULED.
STARTED_AGAIN = "5eb03494b6584870a536b337290809b3"
WITHOUT_AGENT = ("home", "programs", "room", "parts", "units", "server")


@pytest.fixture(scope="module")
def server(wheel: Path) -> Iterator[Machine]:
    """A server with an app that has a worker; its live slot is green, and blue holds what was there before."""
    with server_of("bookworm", wheel) as machine:
        machine.do("useradd --create-home ann")
        for name, text in {**APP, "Procfile": APP["Procfile"] + "mail: exec sleep 600\n"}.items():
            machine.do("mkdir -p /root/shop")
            machine.write(f"/root/shop/{name}", text)
        machine.do([POTIONS, "apps", "create", "shop"])
        for _ in range(2):
            machine.do([POTIONS, "deploy", "/root/shop", "--app", "shop"])
        wait_for(lambda: codes(machine) == [], "nothing is to be told of a fresh server")
        yield machine


def look(machine: Machine, *words: str) -> dict[str, Any]:
    """The answer of `potions doctor --json`."""
    done = machine.run([POTIONS, "doctor", *words, "--json"])
    found = json.loads(done.out)
    worst = {one["severity"] for one in found["findings"]}
    assert done.status == (1 if worst & {"error", "warning"} else 0), done.text
    answer: dict[str, Any] = found
    return answer


def codes(machine: Machine, *words: str) -> list[str]:
    return sorted(one["code"] for one in look(machine, *words)["findings"])


def test_a_fresh_server_is_well(server: Machine) -> None:
    """Nothing is found, of the platform and of its app; everything that only a server has was looked at."""
    found = look(server)
    assert found["findings"] == []
    assert {"units", "server", "certificates", "domains", "starts", "units of apps"} <= {
        one["name"] for one in found["looked_at"]
    }
    assert codes(server, "shop") == []


#: What is done by hand, and what has to be found then; ``--fix`` mends all of it.
MENDED = {
    "state_is_open": (f"chmod 0755 {STATE}", ["open-to-others"]),
    "settings_are_an_apps": ("chown deploy /etc/potions/potions.json", ["owner-wrong"]),
    "site_is_out_of_caddys_reach": (f"chgrp root {SITE}", ["owner-wrong", "sites-not-loaded"]),
    "site_is_open": (f"chmod 0644 {SITE}", ["open-to-others"]),
    "storage_is_roots": (f"chown root:root {STORAGE}", ["owner-wrong"]),
    "dashboard_is_down": ("systemctl stop potions-dashboard.service", ["unit-down"]),
    "dashboards_socket_is_down": (
        "systemctl stop potions-dashboard.socket potions-dashboard.service",
        ["unit-down", "unit-down"],
    ),
    "caddy_is_down": ("systemctl stop potions-caddy", ["proxy-down"]),
    "caddy_does_not_start_with_the_computer": ("systemctl --quiet disable potions-caddy", ["unit-not-enabled"]),
    "slot_does_not_start_with_the_computer": ("systemctl --quiet disable shop-green", ["unit-not-enabled"]),
    "unit_of_an_app_was_changed": (f"echo '# mine' >>{UNITS}/shop-green.service", ["app-unit-wrong", "unit-not-read"]),
    "unit_of_an_app_is_gone": (f"rm {UNITS}/shop-green.worker.mail.service", ["app-unit-missing"]),
    "unit_of_no_app": (f"cp {UNITS}/shop-blue.service {UNITS}/gone-blue.service", ["program-stray"]),
    "idle_slot_may_start": ("touch /run/potions/starting/shop-blue", ["starting-left"]),
    "slot_of_no_app_may_start": ("touch /run/potions/starting/gone-green", ["starting-left"]),
    "app_would_stay_down": (f"touch {STATE}/stopped/shop", ["stopped-wrong"]),
    "journal_is_lost_at_a_reboot": ("rm -r /var/log/journal", ["journal-passing"]),
}


@pytest.mark.parametrize(("damage", "expected"), MENDED.values(), ids=MENDED)
def test_what_fix_mends(server: Machine, damage: str, expected: list[str]) -> None:
    """Found under its code, and gone after `potions doctor --fix`; visitors and storage notice nothing."""
    server.do(f"echo precious >{STORAGE}/precious")
    server.do(damage)
    found = codes(server)
    server.do(f"{POTIONS} doctor --fix --yes")
    assert (found, codes(server)) == (expected, [])
    assert server.read(f"{STORAGE}/precious") == "precious\n"


#: What is done by hand, what has to be found then, and what a person does about it.
LEFT_TO_A_PERSON = {
    "firewall_is_gone": (
        "nft delete table inet potions",
        ["firewall-wrong"],
        "systemctl restart potions-firewall",
    ),
    "unit_of_the_platform_was_changed": (
        f"echo '# mine' >>{UNITS}/potions-dashboard.service && systemctl daemon-reload",
        ["unit-wrong"],
        f"{POTIONS} server install",
    ),
    "apps_user_is_in_a_group": ("usermod --append --groups adm deploy", ["user-wrong"], f"{POTIONS} server install"),
    "no_security_updates": (
        "echo 'APT::Periodic::Unattended-Upgrade \"0\";' >/etc/apt/apt.conf.d/90local",
        ["updates-off"],
        "rm /etc/apt/apt.conf.d/90local",
    ),
    "update_waits_for_a_reboot": (
        "touch /run/reboot-required; echo linux-image-amd64 >/run/reboot-required.pkgs",
        ["reboot-pending"],
        "rm /run/reboot-required /run/reboot-required.pkgs",
    ),
    "nobody_knows_how_a_slot_is_run": (
        f"rm {STATE}/programs/shop.green.json",
        ["spec-missing"],
        "potions restart shop",
    ),
    "launcher_is_gone": (
        "rm /usr/local/lib/potions/launcher.py",
        ["file-missing"],
        f"{POTIONS} server install",
    ),
}


@pytest.mark.parametrize(("damage", "expected", "cure"), LEFT_TO_A_PERSON.values(), ids=LEFT_TO_A_PERSON)
def test_what_a_person_mends(server: Machine, damage: str, expected: list[str], cure: str) -> None:
    """Found under its code, left alone by `--fix`, and gone after what the finding says to do."""
    server.do(damage)
    found = codes(server)
    server.run(f"{POTIONS} doctor --fix --yes")
    left = codes(server)
    server.do(cure)
    assert (found, left, codes(server)) == (expected, expected, [])


def test_a_stranger_where_visitors_come(server: Machine) -> None:
    """Named, beside Caddy, which cannot start as long as that program is there."""
    server.do("systemctl stop potions-caddy && systemd-run --quiet --unit=stranger python3 -m http.server 80")
    wait_for(lambda: server.run("curl --silent http://127.0.0.1/").status == 0, "the stranger answers")
    found = {one["code"]: one["what"] for one in look(server)["findings"]}
    server.do("systemctl stop stranger && systemctl start potions-caddy")
    assert sorted(found) == ["http-port-taken", "proxy-down"]
    assert "python3" in found["http-port-taken"]
    assert codes(server) == []


def test_what_a_person_added_to_a_unit(server: Machine) -> None:
    """Named, and nothing to worry about."""
    server.do(f"mkdir {UNITS}/shop-green.service.d && echo '[Service]' >{UNITS}/shop-green.service.d/own.conf")
    server.do("systemctl daemon-reload")
    (found,) = look(server)["findings"]
    assert (found["code"], found["severity"]) == ("unit-drop-in", "info")
    assert "own.conf" in found["what"]
    server.do(f"rm -r {UNITS}/shop-green.service.d && systemctl daemon-reload")


def test_an_agent_that_was_stopped(server: Machine) -> None:
    """Root sees why nothing answers, and --fix starts it; who is not root is told who may look."""
    server.do("systemctl stop potions-agent.socket potions-agent-web.socket potions-agent.service")
    found = look(server)
    assert [one["name"] for one in found["looked_at"]] == list(WITHOUT_AGENT)
    assert [one["code"] for one in found["findings"]] == ["agent-down", "unit-down", "unit-down"]
    refused = server.run([POTIONS, "doctor"], user="ann")
    assert (refused.status, "sudo" in refused.err) == (1, True), refused.text
    server.do(f"{POTIONS} doctor --fix --yes")
    assert codes(server) == []


def test_an_agent_that_ends_again_and_again(server: Machine) -> None:
    """Told with its last words and without waiting for it, and not started once more."""
    folder = f"{UNITS}/potions-agent.service.d"
    server.do(f"mkdir {folder}")
    server.write(f"{folder}/own.conf", "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo no luck; exit 3'\n")
    server.do("systemctl daemon-reload")
    server.run("systemctl restart potions-agent")
    wait_for(lambda: "auto-restart" in server.do("systemctl show -P SubState potions-agent"), "it ends")
    (found,) = [one for one in look(server)["findings"] if one["code"] == "agent-down"]
    assert ("no luck" in found["why"], found.get("fix", "")) == (True, "")
    server.do(f"rm -r {folder} && systemctl daemon-reload && systemctl restart potions-agent")
    wait_for(lambda: server.run([POTIONS, "status"]).status == 0, "the agent answers again")


def test_a_program_that_ends_often(server: Machine) -> None:
    """Counted from what systemd wrote down."""
    for _ in range(3):
        pid = server.do("systemctl show -P MainPID shop-green").strip()
        server.do(["kill", "-KILL", pid])
        wait_for(
            lambda pid=pid: server.do("systemctl show -P MainPID shop-green").strip() not in {"0", pid}, "it is back"
        )
    found = [one for one in look(server)["findings"] if one["code"] == "unsteady" and one["app"] == "shop"]
    assert [one["place"] for one in found] == ["shop.green"]


def test_an_app_cannot_have_another_one_seem_to_end_often(server: Machine) -> None:
    """Any program may write into the journal what systemd writes of an end; only systemd's own entries count."""
    forged = f"MESSAGE_ID={STARTED_AGAIN}\\nUNIT=shop-green.worker.mail.service\\nMESSAGE=it ended\\n"
    server.do(f"for n in 1 2 3 4 5; do printf '{forged}' | runuser -u deploy -- logger --journald; done")
    there = ["journalctl", "--output=cat", f"MESSAGE_ID={STARTED_AGAIN}", "UNIT=shop-green.worker.mail.service"]
    wait_for(lambda: server.do(there).count("it ended") == 5, "the journal has them")
    assert "shop.green.mail" not in [one["place"] for one in look(server)["findings"]]


def test_who_may_ask(server: Machine) -> None:
    """A member of the group may; its members are named."""
    server.do("usermod --append --groups potions-admin ann")
    done = server.run([POTIONS, "doctor", "--json"], user="ann")
    looked = {one["name"]: one["words"] for one in json.loads(done.out)["looked_at"]}
    assert looked["server"].endswith("potions-admin: ann")


def test_who_may_ask_hears_why_the_agent_cannot_start(server: Machine) -> None:
    """What root's files say they may not read; the agent itself says it."""
    server.do("mv /var/lib/potions/secret.key /root/secret.key && systemctl restart potions-agent")
    done = server.run([POTIONS, "doctor"], user="ann")
    server.do("mv /root/secret.key /var/lib/potions/secret.key")
    assert (done.status, "The agent cannot start." in done.err, "secret.key is missing." in done.err) == (1, True, True)
    wait_for(lambda: server.run([POTIONS, "status"]).status == 0, "the agent answers again", 30)
