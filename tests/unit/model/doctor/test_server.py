"""Judging what only a server has: its units, the computer, its users, its certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.model.doctor import certificates, computer, home, parts, ports, room, units
from potions.model.doctor.cures import EMBEDDED, SERVER
from potions.model.doctor.finding import Finding, Severity
from potions.model.doctor.units import AppUnitSeen, UnitSeen
from potions.model.domain_dns import DnsAnswer, check_dns
from potions.model.service import Phase

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
UNIT = UnitSeen("potions-dashboard.service")
SLOT = UnitSeen("shop-green.service")


def codes(found: object) -> list[str]:
    return [one.code for one in list(found)]  # type: ignore[call-overload]


# Units


@pytest.mark.parametrize(
    ("seen", "expected", "mended"),
    [
        (UNIT, [], []),
        (UnitSeen(UNIT.name, is_there=False), ["unit-missing"], [False]),
        (UnitSeen(UNIT.name, active="inactive", sub="dead"), ["unit-down"], [True]),
        (UnitSeen(UNIT.name, active="failed", sub="failed"), ["unit-down"], [True]),
        (UnitSeen(UNIT.name, active="activating", sub="auto-restart"), ["unit-down"], [False]),
        (UnitSeen(UNIT.name, is_enabled=False), ["unit-not-enabled"], [True]),
        (UnitSeen(UNIT.name, has_changed=True), ["unit-not-read"], [True]),
        (UnitSeen(UNIT.name, drop_ins=("/etc/systemd/system/x.d/own.conf",)), ["unit-drop-in"], [False]),
    ],
)
def test_a_unit_of_the_platform(seen: UnitSeen, expected: list[str], mended: list[bool]) -> None:
    """Starting again what ends again and again would help nobody; what a person added is left alone."""
    found = list(units.judge_platform_unit(seen))
    assert ([one.code for one in found], [bool(one.fix) for one in found]) == (expected, mended)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (AppUnitSeen(SLOT, as_written=True, has_spec=True, is_live=True), []),
        (AppUnitSeen(SLOT, as_written=False, has_spec=True, is_live=True), ["app-unit-wrong"]),
        (AppUnitSeen(SLOT, as_written=None, has_spec=True, is_live=True), ["app-unit-missing"]),
        (AppUnitSeen(SLOT, as_written=None, has_spec=False, is_live=False), []),
        (AppUnitSeen(SLOT, as_written=True, has_spec=False, is_live=True), ["spec-missing"]),
        (AppUnitSeen(SLOT, as_written=True, has_spec=False, is_live=False), []),
        (AppUnitSeen(UnitSeen(SLOT.name, is_enabled=False), True, True, is_live=False), ["unit-not-enabled"]),
    ],
)
def test_a_unit_of_an_app(seen: AppUnitSeen, expected: list[str]) -> None:
    """What the idle slot lacks is written by whatever deploys to it."""
    assert codes(units.judge_app_unit("shop", seen)) == expected


def test_what_starts_with_the_computer() -> None:
    """As it is now, so it is after a reboot; a file that lets an idle slot start is left of a crash."""
    assert codes(units.judge_stopped("shop", stopped=True, stays_down=True)) == []
    assert codes(units.judge_stopped("shop", stopped=False, stays_down=False)) == []
    for stopped in (True, False):
        (found,) = units.judge_stopped("shop", stopped=stopped, stays_down=not stopped)
        assert (found.code, found.app, bool(found.fix)) == ("stopped-wrong", "shop", True)
    assert codes(units.judge_starting([("/run/potions/starting/shop-blue", "shop-blue.service")])) == ["starting-left"]
    assert units.judge_starting([]) == []


def test_a_unit_that_is_otherwise_than_written() -> None:
    """Named with what is otherwise."""
    found = units.judge_written("potions-agent.service", "/etc/x has another text.")
    assert (found.code, found.place, found.what) == ("unit-wrong", "potions-agent.service", "/etc/x has another text.")


# The computer


def seen(**changes: object) -> computer.ComputerSeen:
    fields: dict[str, object] = {"kernel": "6.12.1", "landlock": 6, "updates": True}
    return computer.ComputerSeen(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("looked", "expected"),
    [
        (seen(), []),
        (seen(landlock=7), []),
        (seen(landlock=5), ["signals-open"]),
        (seen(landlock=0), ["signals-open"]),
        (seen(updates=False), ["updates-off"]),
        (seen(reboot_for=()), ["reboot-pending"]),
        (seen(reboot_for=("libc6",)), ["reboot-pending"]),
        (seen(clock_is_kept=False), ["clock-astray"]),
        (seen(journal_is_kept=False), ["journal-passing"]),
    ],
)
def test_the_computer(looked: computer.ComputerSeen, expected: list[str]) -> None:
    """Each is a warning: what runs runs on."""
    found = list(computer.judge_computer(looked))
    assert codes(found) == expected
    assert {one.severity for one in found} <= {Severity.WARNING}


def test_who_waits_for_a_reboot() -> None:
    """The packages are named, where it is known which."""
    (named,) = computer.judge_computer(seen(reboot_for=("libc6", "linux-image-amd64")))
    (unnamed,) = computer.judge_computer(seen(reboot_for=()))
    assert named.what == "An update of libc6, linux-image-amd64 waits for a reboot."
    assert unnamed.what == "An update waits for a reboot."


def test_what_the_install_says_of_users_and_firewall() -> None:
    """A finding for each difference, in a sentence; two of them are two."""
    found = computer.judge_users(["deploy can log in, with /bin/bash", "there is no user potions"])
    assert [one.what for one in found] == ["Deploy can log in, with /bin/bash.", "There is no user potions."]
    assert len({one.key for one in found}) == 2
    (closed,) = computer.judge_firewall(["/etc/potions/firewall.nft is not there"])
    assert (closed.code, closed.what) == ("firewall-wrong", "/etc/potions/firewall.nft is not there.")


# Certificates


@pytest.mark.parametrize(
    ("lives", "left", "expected"),
    [
        (timedelta(days=90), timedelta(days=60), []),
        (timedelta(days=90), timedelta(days=25), []),
        (timedelta(days=90), timedelta(days=14), ["certificate-late"]),
        (timedelta(days=90), timedelta(0), ["certificate-expired"]),
        (timedelta(days=90), timedelta(days=-3), ["certificate-expired"]),
        (timedelta(hours=12), timedelta(hours=5), []),
        (timedelta(hours=12), timedelta(hours=1), ["certificate-late"]),
    ],
)
def test_a_certificate(lives: timedelta, left: timedelta, expected: list[str]) -> None:
    """Renewed in the last third of its life, late in the last sixth: those that Caddy makes itself live for hours."""
    one = certificates.CertificateSeen("shop.example.com", NOW + left - lives, NOW + left)
    found = list(certificates.judge_certificates([one], NOW, {one.name: "no luck"}, [one.name]))
    assert codes(found) == expected
    assert {finding.why for finding in found} <= {"no luck"}


def test_a_certificate_that_cannot_be_got() -> None:
    """With the authority's own words; one that is on its way is no finding."""
    failures = {"shop.example.com": "the authority said no", "gone.example.com": "nobody asks for it any more"}
    names = ["shop.example.com", "new.example.com"]
    (found,) = certificates.judge_certificates([], NOW, failures, names)
    assert (found.code, found.place, found.why) == ("certificate-failed", "shop.example.com", "the authority said no")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (DnsAnswer(a=("203.0.113.7",)), []),
        (DnsAnswer(a=("198.51.100.1",)), ["domain-elsewhere"]),
        (DnsAnswer(exists=False), ["domain-elsewhere"]),
        (DnsAnswer(failure="timeout"), ["domain-unknown"]),
    ],
)
def test_where_a_domain_leads(answer: DnsAnswer, expected: list[str]) -> None:
    """Here, elsewhere, nowhere; that DNS does not answer says nothing about the domain."""
    check = check_dns("shop.example.com", answer, ["203.0.113.7"])
    assert codes(certificates.judge_domain("shop", "shop.example.com", answer, check)) == expected


# What a person runs


def worst(cures: object) -> list[Finding]:
    """Findings that say what to run, of an embedded home or of a server."""
    down = parts.PartSeen(Phase.STOPPED, False, "log", cures=cures)  # type: ignore[arg-type]
    old = parts.PartSeen(Phase.RUNNING, True, "log", replaced=True, cures=cures)  # type: ignore[arg-type]
    few = home.LimitsSeen(open_files=100, file_bytes=100)
    disk = room.DiskSeen("/opt/potions", 10**12, 10**12, 10**6, 10**6, kind="tmpfs")
    return [
        *parts.judge_proxy(down),
        *parts.judge_proxy(old),
        *parts.judge_agent(down),
        *home.judge_limits(few, cures),  # type: ignore[arg-type]
        *home.judge_search_path("/bin", cures),  # type: ignore[arg-type]
        *ports.judge_http_port(80, ["nginx"], cures),  # type: ignore[arg-type]
        *room.judge_room(disk, 1, cures),  # type: ignore[arg-type]
    ]


def test_a_server_is_not_told_of_potions_up() -> None:
    """There it would start a second, embedded Potions; in an embedded home it is the cure for most."""
    on_server, embedded = worst(SERVER), worst(EMBEDDED)
    assert codes(on_server) == codes(embedded)
    assert [one.code for one in on_server if "potions up" in one.do or "potions down" in one.do] == []
    assert [one.code for one in embedded if "potions up" not in one.do] == []
