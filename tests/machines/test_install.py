"""`potions server install` on a real Debian: what it makes, what it leaves alone, and that it lasts."""

from __future__ import annotations

import json
import re
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from potions.layout import SERVER
from support.installed import FIRST, POTIONS, ask, install, make_app, put_first
from support.machine import Machine, machine_of
from support.machine_base import SUITES
from support.platform import Outcome, wait_for

PARTS = ("potions-caddy", "potions-agent", "potions-dashboard")
#: Files that matter to who may do what: by path, whose they are and their mode.
FILES = {
    "/etc/potions/potions.json": "root:root 600",
    "/etc/potions/firewall.nft": "root:root 644",
    "/usr/local/lib/potions/launcher.py": "root:root 644",
    "/usr/local/lib/potions/caddy": "root:root 755",
    "/var/lib/potions/agent.db": "root:root 600",
    "/var/lib/potions/secret.key": "root:root 600",
    "/var/lib/potions-caddy/Caddyfile": "root:potions-caddy 640",
    "/var/lib/potions-dashboard/dashboard.key": "potions:potions 600",
    "/run/potions/agent.sock": "root:potions-admin 660",
    "/run/potions/web.sock": "potions:potions 600",
    "/run/potions/caddy/admin.sock": "potions-caddy:potions-caddy 200",
    "/run/potions/dashboard/dashboard.sock": "root:potions-caddy 660",
}
ASK_ALL_THE_TIME = """
while sleep 0.02; do
    curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}\\n' --header 'Host: shop.localhost' \
        http://127.0.0.1:8480/
done >/root/codes
"""
CADDY_CONFIG = "curl --silent --unix-socket /run/potions/caddy/admin.sock http://localhost/config/"
SLOW_BUILD = '[build]\ncommand = "until test -e /tmp/go-on; do sleep 0.1; done"\n'


class Installed:
    """A machine, and what the first install said."""

    def __init__(self, machine: Machine, first: Outcome) -> None:
        self.machine = machine
        self.first = first


@pytest.fixture(scope="module", params=SUITES)
def installed(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Installed]:
    with machine_of(request.param) as machine:
        put_first(machine, wheel)
        yield Installed(machine, install(machine))


def pids(machine: Machine) -> list[str]:
    """Of the parts' processes, in order."""
    return machine.do(["systemctl", "show", "--property=MainPID", "--value", *PARTS]).split()


def check(machine: Machine, program: str = POTIONS) -> tuple[int, list[str]]:
    """The exit status of `--check`, and all differences that it told."""
    done = install(machine, "--check", "--json", program=program)
    assert done.out, done.text
    return done.status, [text for step in json.loads(done.out)["steps"] for text in step["differences"]]


@pytest.mark.contract("P17")
def test_a_fresh_debian_becomes_a_server_with_one_command(installed: Installed) -> None:
    """Everything runs, nothing failed, the steps were shown, and the end says how to go on."""
    assert installed.first.status == 0, installed.first.text
    assert "there is no user deploy" in installed.first.out
    assert "http://potions.localhost:8480/welcome/" in installed.first.out
    machine = installed.machine
    assert machine.do("systemctl is-system-running") == "running\n", machine.report()
    status = json.loads(machine.do([POTIONS, "status", "--json"]))
    assert [(part["name"], part["running"]) for part in status["parts"]] == [
        ("caddy", True),
        ("agent", True),
        ("dashboard", True),
    ]
    assert status["app_user"] == "deploy"
    assert ask(machine, "potions.localhost").endswith(" 303")


def test_nobody_of_the_new_users_can_log_in(installed: Installed) -> None:
    """They have no shell, no home, no password and no group beside their own."""
    machine = installed.machine
    for name in ("deploy", "potions", "potions-caddy"):
        fields = machine.do(["getent", "passwd", name]).strip().split(":")
        assert fields[5:] == ["/nonexistent", "/usr/sbin/nologin"]
        assert machine.do(["id", "-Gn", name]) == f"{name}\n"
        assert machine.do(["getent", "shadow", name]).split(":")[1] in {"!", "!*", "*"}
    assert machine.do("getent group potions-admin").split(":")[3] == "\n"


@pytest.mark.contract("P17")
def test_every_directory_and_file_has_its_owner_and_mode(installed: Installed) -> None:
    """As the layout says, and nothing in the proxy's own folder belongs to root."""
    machine = installed.machine
    wanted = {str(one.path): f"{one.user}:{one.group} {one.mode:o}" for one in SERVER.directories()} | FILES
    found = machine.do(["stat", "--format=%n %U:%G %a", *wanted])
    assert dict(line.split(" ", 1) for line in found.splitlines()) == wanted
    assert machine.do("find /var/lib/potions-caddy/data ! -user potions-caddy") == ""
    assert machine.do("find /usr/local/lib/potions ! -user root -o -perm /022 ! -type l") == ""


def test_a_second_install_changes_nothing(installed: Installed) -> None:
    """Neither that of the first program nor that of the installed one finds anything to do; nothing is started anew."""
    machine = installed.machine
    before = pids(machine), machine.do("find /etc /usr/local /opt/potions -newer /etc/potions/potions.json | sort")
    for program in (FIRST, POTIONS):
        assert check(machine, program) == (0, [])
        done = install(machine, "--json", program=program)
        assert done.status == 0, done.text
        assert not any(step["differences"] for step in json.loads(done.out)["steps"])
    after = pids(machine), machine.do("find /etc /usr/local /opt/potions -newer /etc/potions/potions.json | sort")
    assert after == before


def test_what_was_changed_by_hand_is_found_and_put_right(installed: Installed) -> None:
    """Exactly that is told, by `--check` with exit status 1 too; the proxy runs on."""
    machine = installed.machine
    caddy = pids(machine)[0]
    machine.do("chmod 0777 /opt/potions && systemctl disable --now potions-dashboard.service")
    machine.do("nft delete table inet potions && rm /etc/apt/apt.conf.d/10potions /usr/local/lib/potions/launcher.py")
    wanted = [
        "/opt/potions is root:root 0777 and has to be root:root 0755",
        "/usr/local/lib/potions/launcher.py is of another version",
        "nftables has no table inet potions",
        "/etc/apt/apt.conf.d/10potions is not there",
        "potions-dashboard.service does not run",
        "potions-dashboard.service does not start with the computer",
    ]
    assert check(machine) == (1, wanted)
    assert install(machine, program=POTIONS).status == 0
    assert check(machine) == (0, [])
    assert pids(machine)[0] == caddy


@pytest.mark.contract("P17")
def test_the_firewall_lets_in_ssh_and_the_web_and_nobody_else(installed: Installed) -> None:
    """From outside 22, 80 and 443 are reached; another port is not, unless the firewall is off."""
    machine = installed.machine
    machine.do("nft add table inet of-somebody-else")
    for port in (80, 443, 9999):
        if not machine.do(f"ss --no-header --listening --tcp --numeric 'sport = :{port}'"):
            machine.do(f"systemd-run --quiet --unit=listen-{port} python3 -m http.server {port}")
            wait_for(lambda port=port: machine.run(f"curl --silent http://127.0.0.1:{port}/").status == 0, "it listens")
    assert [is_open(machine, port) for port in (22, 80, 443, 9999)] == [True, True, True, False]
    machine.do("systemctl restart nftables")
    wait_for(lambda: "inet potions" in machine.do("nft list tables"), "it is loaded again behind nftables' own rules")
    assert not is_open(machine, 9999)
    machine.do("systemctl stop potions-firewall")
    assert is_open(machine, 9999)
    machine.do("systemctl start potions-firewall")
    machine.do("systemctl stop listen-9999; systemctl stop listen-80 listen-443 || true")


def is_open(machine: Machine, port: int) -> bool:
    try:
        socket.create_connection((machine.address, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_security_updates_come_by_themselves(installed: Installed) -> None:
    """Daily and without a reboot; what an admin says counts more."""
    machine = installed.machine
    asked = "apt-config dump APT::Periodic::Unattended-Upgrade; apt-config dump Unattended-Upgrade::Automatic-Reboot"
    assert [line.split()[1] for line in machine.do(asked).splitlines()] == ['"1";', '"false";']
    machine.write("/etc/apt/apt.conf.d/90local", 'Unattended-Upgrade::Automatic-Reboot "true";\n')
    assert 'Reboot "true"' in machine.do(asked)
    assert check(machine) == (0, [])
    machine.do("rm /etc/apt/apt.conf.d/90local")


def test_what_is_named_is_set_and_what_is_not_stays(installed: Installed) -> None:
    """Options change the settings that they name; a later install without them leaves those."""
    machine = installed.machine
    token = json.loads(machine.read("/etc/potions/potions.json"))["probe_token"]
    assert (
        install(machine, "--dashboard", "potions.example.com", "--email", "a@example.com", program=POTIONS).status == 0
    )
    assert install(machine, "--wildcard", "apps.example.com", "--internal-certificates", program=POTIONS).status == 0
    settings = json.loads(machine.read("/etc/potions/potions.json"))
    assert (settings["probe_token"], settings["app_user"]) == (token, "deploy")
    server = settings["server"]
    assert "potions.example.com" in machine.do(CADDY_CONFIG), "the proxy that runs was told"
    assert (server["address"], server["wildcard"]) == (machine.address, "apps.example.com")
    assert (server["certificates"]["email"], server["certificates"]["internal"]) == ("a@example.com", True)
    assert "https://potions.example.com/welcome/" in machine.do([POTIONS, "dashboard"])
    done = install(
        machine, "--dashboard", "", "--email", "", "--wildcard", "", "--public-certificates", program=POTIONS
    )
    assert done.status == 0, done.text
    assert check(machine) == (0, [])
    assert "potions.example.com" not in machine.do(CADDY_CONFIG)


def test_bad_options_are_refused_and_change_nothing(installed: Installed) -> None:
    """Each says what it has to be."""
    machine = installed.machine
    for words in (["--address", "https://x"], ["--wildcard", "*.example.com"], ["--acme-root", "/nowhere"]):
        done = install(machine, *words, program=POTIONS)
        assert done.status == 2, done.text
        assert words[0] in done.err
    assert check(machine) == (0, [])


def test_the_agent_is_started_anew_only_when_no_deploy_runs(installed: Installed) -> None:
    """An install waits for the deploy, says so, and the deploy succeeds."""
    machine = installed.machine
    make_app(machine, "slow")
    machine.write("/root/slow/potions.toml", SLOW_BUILD.replace("/tmp/go-on", "../.home/go-on"))
    machine.do([POTIONS, "deploy", "/root/slow", "--app", "slow", "--detach"])
    wait_for(lambda: "build" in machine.run([POTIONS, "log", "slow"]).out, "it builds")
    machine.do(f"systemd-run --quiet --unit=install {POTIONS} server install --email b@example.com")
    wait_for(lambda: "waiting until this is over: deploy 2 of slow" in machine.journal("install"), "it waits")
    machine.do("touch /opt/potions/slow/.home/go-on")
    wait_for(lambda: machine.run("systemctl is-active install").out == "inactive\n", "the install is done", 120)
    assert "the agent is started anew" in machine.journal("install")
    assert json.loads(machine.do([POTIONS, "deployments", "slow", "--json"]))[0]["status"] == "succeeded"
    assert check(machine) == (0, [])
    machine.do([POTIONS, "apps", "delete", "slow", "--yes", "--purge"])


def test_a_new_version_comes_without_a_failed_request(installed: Installed, wheel: Path, tmp_path: Path) -> None:
    """The app's visitors notice nothing, the proxy is not started anew, and the version before is kept, none older."""
    machine = installed.machine
    make_app(machine, "shop")
    first, caddy = version_in_force(machine), pids(machine)[0]
    machine.do(["systemd-run", "--quiet", "--unit=visitors", "sh", "-c", ASK_ALL_THE_TIME])
    for number in (1, 2):
        newer = changed_wheel(wheel, tmp_path, number)
        machine.put(newer, f"/root/newer/{newer.name}")
        done = install(machine, "--wheel", f"/root/newer/{newer.name}", program=POTIONS)
        assert done.status == 0, done.text
    machine.do("systemctl stop visitors")
    codes = machine.read("/root/codes").split()
    assert len(codes) > 50
    assert set(codes) == {"200"}
    assert pids(machine)[0] == caddy
    kept = machine.do("ls -d /usr/local/lib/potions/0*").split()
    assert len(kept) == 2
    assert first not in "".join(kept)
    # Back to the first, by the program that it was installed from.
    assert install(machine, program=FIRST).status == 0
    assert version_in_force(machine) == first


def version_in_force(machine: Machine) -> str:
    return machine.do("readlink /usr/local/lib/potions/current").strip()


def changed_wheel(wheel: Path, folder: Path, number: int) -> Path:
    """The same version with another content."""
    target = folder / str(number) / wheel.name
    target.parent.mkdir()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".dist-info/RECORD"):
                data = b"".join(line for line in data.splitlines(keepends=True) if b"potions/turns.py" not in line)
                data += b"potions/turns.py,,\n"
            new.writestr(name, data + b"#\n" * number if name == "potions/turns.py" else data)
    return target


def test_a_new_caddy_is_started_and_the_gap_is_told(installed: Installed) -> None:
    """It is the one part whose visitors notice; how long is measured."""
    machine = installed.machine
    machine.do("touch /usr/local/lib/potions/caddy")
    assert check(machine) == (1, ["potions-caddy.service runs what was there before"])
    agent = pids(machine)[1]
    done = install(machine, program=POTIONS)
    assert re.search(r"Caddy was started anew; for \d+ ms nobody was answered", done.err), done.text
    assert pids(machine)[1] == agent
    assert check(machine) == (0, [])


def test_broken_settings_are_told_and_not_made_anew(installed: Installed) -> None:
    """The server's name and ports would be lost without a word."""
    machine = installed.machine
    before = machine.read("/etc/potions/potions.json")
    machine.write("/etc/potions/potions.json", "{", mode=0o600)
    done = install(machine, program=POTIONS)
    assert done.status == 2
    assert "/etc/potions/potions.json cannot be read." in done.err
    # The agent's socket is systemd's: whoever asks is connected, and told what keeps the agent from starting.
    machine.do("systemctl restart potions-agent.service")
    asked = machine.run([POTIONS, "status"])
    assert (asked.status, "The agent cannot start." in asked.err) == (1, True), asked.text
    assert "/etc/potions/potions.json cannot be read." in asked.err
    machine.write("/etc/potions/potions.json", before, mode=0o600)
    assert install(machine, program=POTIONS).status == 0


def test_an_agent_that_cannot_start_is_found_with_its_reason(installed: Installed) -> None:
    """By `--check`, and by an install, which waits no longer for it than it takes to hear the same reason again."""
    machine = installed.machine
    machine.do("mv /var/lib/potions/secret.key /root/secret.key && systemctl restart potions-agent")
    told = "potions-agent.service cannot start: secret.key is missing."
    wait_for(lambda: any(told in one for one in check(machine)[1]), "the check finds it", 30)
    done = install(machine, program=POTIONS)
    assert (done.status, "secret.key is missing." in done.err, "Put that file back." in done.err) == (1, True, True)
    machine.do("mv /root/secret.key /var/lib/potions/secret.key")
    assert install(machine, program=POTIONS).status == 0
    assert check(machine) == (0, [])


def test_lost_settings_are_made_anew_for_the_users_that_are_there(installed: Installed) -> None:
    """A server whose settings are gone stays one: its apps serve on, and an install mends it."""
    machine = installed.machine
    owner = machine.do("stat --format=%U:%G /opt/potions/shop/storage")
    machine.do("mv /etc/potions/potions.json /root/potions.json && systemctl restart potions-agent")
    asked = machine.run([POTIONS, "status"])
    assert (asked.status, "There is no /etc/potions/potions.json." in asked.err) == (1, True), asked.text
    assert "sudo potions server install" in asked.err
    done = install(machine, program=POTIONS)
    assert done.status == 0, done.text
    assert ask(machine, "shop.localhost").endswith(" 200")
    assert machine.do("stat --format=%U:%G /opt/potions/shop/storage") == owner
    machine.do("mv /root/potions.json /etc/potions/potions.json")
    assert install(machine, program=POTIONS).status == 0
    assert check(machine) == (0, [])


def test_the_words_of_embedded_commands_fit_a_server(installed: Installed) -> None:
    """`potions up` and `down` are refused; where the agent does not run, systemd's command is named."""
    machine = installed.machine
    for command in ("up", "down"):
        refused = machine.run([POTIONS, command])
        assert (refused.status, "is a Potions server already" in refused.err) == (2, True)
    assert "potions-admin" in machine.run([POTIONS, "status"], user="nobody").err
    machine.do("systemctl stop potions-agent.socket potions-agent-web.socket potions-agent.service")
    assert "sudo systemctl start potions-agent" in machine.run([POTIONS, "status"]).err
    assert install(machine, program=POTIONS).status == 0
    assert check(machine) == (0, [])


@pytest.mark.contract("P17")
def test_after_a_reboot_all_of_it_is_there_again(installed: Installed) -> None:
    """The parts, the firewall and the app."""
    machine = installed.machine
    machine.reboot()
    wait_for(lambda: ask(machine, "shop.localhost").endswith(" 200"), "the app serves")
    assert machine.do("systemctl is-system-running") == "running\n", machine.report()
    assert check(machine) == (0, [])
    assert is_open(machine, 22)
    assert "inet potions" in machine.do("nft list tables")


def test_uninstalled_and_installed_again_it_serves_what_it_served(installed: Installed) -> None:
    """Units, program and rules are gone and the apps' data are not; installed again, all of it is found again."""
    machine = installed.machine
    number = int(ask(machine, "shop.localhost").split()[0])
    refused = machine.run([POTIONS, "server", "uninstall"])
    assert (refused.status, "--yes" in refused.err) == (2, True)
    done = machine.run([POTIONS, "server", "uninstall", "--yes"])
    assert done.status == 0, done.text
    assert "/opt/potions: the apps, with their storage and releases" in done.out
    assert machine.do("find /etc /run /usr/local -name '*potions*' -o -name 'shop-*'") == ""
    assert machine.run("pgrep --list-full --exact 'caddy|potions'; pgrep --list-full --uid deploy").out == ""
    assert "inet potions" not in machine.do("nft list tables")
    assert machine.do("systemctl is-system-running") == "running\n", machine.report()
    assert machine.read("/opt/potions/shop/storage/count") == str(number)
    again = install(machine)
    assert again.status == 0, again.text
    assert int(ask(machine, "shop.localhost").split()[0]) > number


def test_uninstalled_with_its_data_nothing_is_left(installed: Installed) -> None:
    """No directory, no user, no group."""
    machine = installed.machine
    done = machine.run([POTIONS, "server", "uninstall", "--delete-data", "--yes"])
    assert done.status == 0, done.text
    assert machine.do("find /opt /var /etc /run /usr/local -name '*potions*'") == ""
    assert machine.run("getent passwd deploy potions potions-caddy").out == ""
    assert machine.run("getent group deploy potions potions-caddy potions-admin").out == ""
    refused = machine.run([FIRST, "server", "uninstall", "--yes"])
    assert (refused.status, "not installed" in refused.err) == (1, True)
