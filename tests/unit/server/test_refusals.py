"""What keeps a computer from being made a server: judged over looks, one for each reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from potions.errors import ServerRefused, UsageRefused
from potions.model.app import Ports
from potions.names import AppName, DomainName
from potions.server.computer import AppsFolder, Computer, ExistingUser, Taken
from potions.server.database import apps_in, domains_in
from potions.server.refusals import refuse, refuse_database, refuse_system, refuse_taken_names, warnings
from potions.settings import ServerSettings
from potions.store.records import TrashRecord
from support.bare_home import bare_home
from support.still_service import still_service

REFUSED = {
    "not root": (Computer(is_root=False), "sudo potions server install"),
    "another system": (Computer(system="fedora", system_version="40", system_name="Fedora 40"), "Fedora 40 cannot be"),
    "an older Debian": (
        Computer(system_version="11", system_name="Debian 11"),
        "Debian 12, Debian 13 and Ubuntu 24.04",
    ),
    "an older Ubuntu": (Computer(system="ubuntu", system_version="22.04", system_name="Ubuntu 22.04"), "Ubuntu 22.04"),
    "a Debian without a number": (Computer(system_version="", system_name="Debian sid"), "Debian sid cannot be"),
    "no name at all": (Computer(system="", system_version="", system_name="this system"), "this system cannot be"),
    "no systemd": (Computer(systemd=None), "potions up"),
    "an older systemd": (Computer(systemd=249), "systemd 249 is too old"),
    "a web server": (
        Computer(taken=(Taken(80, "nginx", 812, "nginx.service"),)),
        "nginx (pid 812, nginx.service) listens on it.\nPotions' proxy has to answer there.\n"
        "sudo systemctl disable --now nginx.service",
    ),
    "a web server of a person": (Computer(taken=(Taken(443, "node", 900),)), "sudo kill 900"),
    "an embedded Potions": (Computer(taken=(Taken(8480, "caddy", 77),)), "potions down"),
    "a link": (Computer(apps=AppsFolder("link")), "mount that at /opt/potions"),
    "a file": (Computer(apps=AppsFolder("other")), "/opt/potions is not a directory"),
    "no owners": (Computer(apps=AppsFolder("directory", filesystem="vfat")), "/opt/potions would be on vfat"),
    "files of others": (Computer(apps=AppsFolder("directory", ("letters", "x"))), "'letters', 'x'"),
    "another command": (Computer(command="a file"), "/usr/local/bin/potions is a file"),
    "no room": (Computer(free={Path("/opt"): 5 * 10**8}), "/opt: 500 MB are free"),
    "a login": (Computer(users={"deploy": ExistingUser("deploy", shell="/bin/bash")}), "--adopt-deploy"),
    "a password": (Computer(users={"deploy": ExistingUser("deploy", has_password=True)}), "it has a password"),
    "a group": (Computer(users={"deploy": ExistingUser("deploy", groups=("sudo",))}), "the group sudo"),
    "somebody's user": (Computer(users={"potions": ExistingUser("potions", home="/srv")}), "the home /srv"),
    "root twice": (Computer(users={"potions": ExistingUser("potions", uid=0)}), "root under another name"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_each_reason_is_told_with_what_to_do(reason: str) -> None:
    """By what it says: what is in the way, and a command or a choice that helps."""
    computer, said = REFUSED[reason]
    with pytest.raises(ServerRefused) as refused:
        refuse(computer)
    assert said in str(refused.value)
    assert refused.value.do


@pytest.mark.parametrize(
    "sign", [ExistingUser("deploy", processes=("12 (node)",)), ExistingUser("deploy", home="/home/d", files=("a",))]
)
def test_a_user_who_is_alive_is_not_taken_over(sign: ExistingUser) -> None:
    """Not even where that was asked for."""
    with pytest.raises(ServerRefused, match="usermod --login deploy-old deploy"):
        refuse(Computer(users={"deploy": sign}), adopt_deploy=True)


@pytest.mark.parametrize(
    "computer",
    [
        Computer(),
        Computer(system_version="13"),
        Computer(system="ubuntu", system_version="24.04", systemd=255),
        Computer(apps=AppsFolder("directory", filesystem="overlay")),
        Computer(users={"deploy": ExistingUser("deploy")}),
        Computer(is_installed=True, free={Path("/opt"): 1}),
        Computer(is_installed=True, users={"deploy": ExistingUser("deploy", processes=("1 (app)",))}),
    ],
)
def test_what_is_fine_is_not_refused(computer: Computer) -> None:
    """A fresh server, one that was one, and one that is."""
    refuse(computer)
    assert warnings(computer) == []


def test_a_harmless_user_is_taken_over_where_that_is_asked_for() -> None:
    """One that can log in, and has done nothing."""
    refuse(Computer(users={"deploy": ExistingUser("deploy", shell="/bin/bash", home="/home/d")}), adopt_deploy=True)


@pytest.mark.parametrize(("system", "version"), [("debian", "14"), ("ubuntu", "25.10"), ("ubuntu", "26.04")])
def test_a_newer_system_is_warned_of_and_not_refused(system: str, version: str) -> None:
    """It will most likely do."""
    computer = Computer(system=system, system_version=version, system_name="That")
    refuse(computer)
    assert warnings(computer) == [
        "Potions was not tried on That yet; it goes on as on Debian 12, Debian 13 and Ubuntu 24.04."
    ]


def test_the_system_alone_is_judged_from_elsewhere() -> None:
    """Without a program there nothing else is known."""
    for known in (Computer(system="fedora", system_version="40", system_name="Fedora 40"), Computer(systemd=None)):
        with pytest.raises(ServerRefused):
            refuse_system(known)
    refuse_system(Computer(is_root=False, command="a file"))


def test_a_version_that_does_not_know_the_database_is_refused() -> None:
    """None there, or a known one, is no reason."""
    known = frozenset({"0001", "0002"})
    refuse_database(None, "0.1.0", known)
    refuse_database("0002", "0.1.0", known)
    with pytest.raises(ServerRefused, match=r"0\.1\.0 cannot be installed here[\s\S]*revision 0003[\s\S]*up to 0002"):
        refuse_database("0003", "0.1.0", known)


BLOGS = {"shop.example.com": "blog", "www.example.org": "blog"}


@pytest.mark.parametrize(
    ("wildcard", "dashboard", "told"),
    [
        (
            "example.com",
            "",
            "the app shop would answer at shop.example.com[\\s\\S]*domains remove blog shop.example.com",
        ),
        ("", "www.example.org", "The app blog answers there."),
        ("apps.example.com", "shop.apps.example.com", "The app shop answers there."),
    ],
)
def test_a_name_at_which_two_would_answer_is_refused(wildcard: str, dashboard: str, told: str) -> None:
    """The wildcard and the dashboard, against what the apps have."""
    wanted = ServerSettings(address="203.0.113.7", wildcard=wildcard, dashboard=dashboard)
    with pytest.raises(UsageRefused, match=told):
        refuse_taken_names(wanted, ["blog", "shop"], BLOGS)


def test_names_of_one_app_and_of_nobody_are_free() -> None:
    """An app may have its own name below the wildcard as a domain; a domain there of an app to come is that app's."""
    for settings in (
        None,
        ServerSettings(address="203.0.113.7"),
        ServerSettings(address="203.0.113.7", wildcard="example.com", dashboard="potions.example.com"),
    ):
        refuse_taken_names(settings, ["blog"], {"blog.example.com": "blog", **BLOGS})


def test_the_names_that_are_taken_are_read_from_the_database(tmp_path: Path) -> None:
    """Of living apps alone; a file that is no database has none."""
    with bare_home() as home, still_service(home) as service:
        store = service.context.store
        for number, name in enumerate(("blog", "gone")):
            app = store.create_app(AppName(name), lambda _, number=number: Ports(4000 + 2 * number), {})
            store.add_domain(app.id, DomainName(f"{name}.example.com"), "", "ana")
        now = datetime.now(UTC)
        store.delete_app(app.id, TrashRecord(app.id, "gone", "gone.2", now, now, 0, 0))
        assert apps_in(home.database) == ["blog"]
        assert domains_in(home.database) == {"blog.example.com": "blog"}
    broken = tmp_path / "potions.db"
    assert (apps_in(broken), domains_in(broken)) == ([], {})
    broken.write_text("none")
    assert (apps_in(broken), domains_in(broken)) == ([], {})
