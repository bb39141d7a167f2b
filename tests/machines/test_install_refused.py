"""What keeps `potions server install` from beginning, on a real Debian; nothing is touched before it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installed import FIRST, install, put_first
from support.machine import Machine, machine_of

WEB_SERVER = """
[Service]
ExecStart=/usr/bin/python3 -m http.server 80
"""


@pytest.fixture(scope="module")
def bare(wheel: Path) -> Iterator[Machine]:
    """A machine with the program to install from, and nothing else of Potions."""
    with machine_of("bookworm") as machine:
        put_first(machine, wheel)
        yield machine


@pytest.fixture(autouse=True)
def _nothing_was_touched(bare: Machine) -> Iterator[None]:
    yield
    assert bare.run("getent passwd potions-caddy potions").out == ""
    assert bare.run("ls -d /etc/potions /var/lib/potions /usr/local/lib/potions").out == ""


def refused(machine: Machine, *words: str) -> str:
    """What is said to an install, and to a `--check`, that is refused."""
    done = install(machine, *words)
    assert done.status == 1, done.text
    assert install(machine, *words, "--check").err == done.err
    return done.err


def test_it_is_refused_to_everybody_but_root(bare: Machine) -> None:
    """With the command that would do."""
    bare.do("chmod 0755 /root")
    done = bare.run([FIRST, "server", "install"], user="nobody")
    assert done.status == 1
    assert "sudo potions server install" in done.err


def test_a_port_that_is_taken_is_told_with_the_program_and_its_unit(bare: Machine) -> None:
    """And with the command that frees it."""
    bare.write("/etc/systemd/system/nginx.service", WEB_SERVER)
    bare.do("systemctl daemon-reload && systemctl start nginx")
    said = refused(bare)
    assert "Port 80 is taken: python3 (pid " in said
    assert "sudo systemctl disable --now nginx.service" in said
    bare.do("systemctl stop nginx")


def test_a_place_of_the_apps_that_is_a_link_is_refused(bare: Machine) -> None:
    """The link stays as it is."""
    bare.do("mkdir /srv/apps && ln -s /srv/apps /opt/potions")
    assert "/opt/potions is a link." in refused(bare)
    assert bare.do("readlink /opt/potions") == "/srv/apps\n"
    bare.do("rm /opt/potions")


def test_a_place_of_the_apps_with_something_else_in_it_is_refused(bare: Machine) -> None:
    """By name; what is there stays."""
    bare.do("mkdir -p /opt/potions/letters && touch /opt/potions/letters/one")
    assert "what is no app of Potions: 'letters'" in refused(bare)
    bare.do("rm -r /opt/potions")


def test_a_user_deploy_with_files_or_processes_is_never_taken_over(bare: Machine) -> None:
    """Not even where that is asked for; the answer says how to rename it."""
    bare.do("useradd --create-home --shell /bin/bash deploy && touch /home/deploy/site.tar")
    for words in ([], ["--adopt-deploy"]):
        said = refused(bare, *words)
        assert "files in /home/deploy: site.tar" in said
        assert "sudo usermod --login deploy-old deploy" in said
    bare.do("rm /home/deploy/site.tar && systemd-run --quiet --uid=deploy --unit=work sleep 1000")
    assert "running processes: " in refused(bare, "--adopt-deploy")
    bare.do("systemctl stop work")
    assert "the login shell /bin/bash" in refused(bare)
    assert "--adopt-deploy" in refused(bare)
    assert bare.do("getent passwd deploy").endswith(":/home/deploy:/bin/bash\n")
    bare.do("userdel --remove deploy")


def test_a_user_of_the_platforms_that_is_somebody_elses_is_refused(bare: Machine) -> None:
    """With what it has that Potions' own would not have."""
    bare.do("useradd --system --shell /bin/sh potions-caddy")
    done = install(bare)
    bare.do("userdel potions-caddy")
    assert done.status == 1
    assert "There is a user potions-caddy already, who is somebody else's." in done.err


def test_a_command_of_that_name_that_is_not_ours_is_refused(bare: Machine) -> None:
    """It is neither overwritten nor left to hide the installed one."""
    bare.do("touch /usr/local/bin/potions")
    assert "/usr/local/bin/potions is a file, and not Potions' own." in refused(bare)
    bare.do("rm /usr/local/bin/potions")


def test_a_file_that_is_no_wheel_of_potions_is_refused(bare: Machine) -> None:
    """Before anything is made."""
    done = install(bare, "--wheel", "/etc/hostname")
    assert (done.status, "/etc/hostname is not a wheel" in done.err) == (2, True)


def test_a_server_without_room_is_refused(wheel: Path) -> None:
    """With how much there is, and how to make more."""
    with machine_of("bookworm", disk_megabytes=700) as small:
        put_first(small, wheel)
        assert "There is not enough room in /usr/local: " in refused(small)


def test_a_harmless_user_deploy_is_taken_over_where_that_is_asked_for(wheel: Path) -> None:
    """It can log in no more, and is in no group."""
    with machine_of("bookworm") as machine:
        put_first(machine, wheel)
        machine.do("useradd --create-home --shell /bin/bash --groups sudo deploy && echo deploy:secret | chpasswd")
        done = install(machine, "--adopt-deploy")
        assert done.status == 0, done.text
        assert "deploy can log in, with /bin/bash" in done.out
        assert machine.do("getent passwd deploy").endswith(":/nonexistent:/usr/sbin/nologin\n")
        assert machine.do("id -Gn deploy") == "deploy\n"
        assert machine.do("getent shadow deploy").split(":")[1].startswith("!")


def test_packages_that_cannot_be_got_are_told_and_the_next_try_goes_on(wheel: Path) -> None:
    """With apt's own last lines; once the network is back, the same command does the rest."""
    with machine_of("bookworm") as machine:
        put_first(machine, wheel)
        machine.do("apt-get clean; ip route save default >/root/route && ip route del default")
        done = install(machine)
        assert (done.status, "apt cannot" in done.err) == (1, True)
        assert "sudo potions server install" in done.err
        machine.do("ip route restore </root/route")
        assert install(machine).status == 0
