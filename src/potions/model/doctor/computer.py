"""The computer that was made a server: its kernel, users, firewall, updates, clock and journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity

_INSTALL = "sudo potions server install"

USER_WRONG = Kind(
    "user-wrong",
    Severity.ERROR,
    "A user of Potions can log in, is in another group, or is not there; apps run as one of them.",
    _INSTALL,
)
FIREWALL_WRONG = Kind(
    "firewall-wrong",
    Severity.ERROR,
    "The firewall is not loaded, or not as the install writes it: visitors may be kept out, or others let in.",
    f"{_INSTALL}; to have none: {_INSTALL} --no-firewall",
)
UPDATES_OFF = Kind(
    "updates-off",
    Severity.WARNING,
    "Security updates do not come by themselves.",
    f"{_INSTALL}; see who says so: apt-config dump APT::Periodic",
)
REBOOT_PENDING = Kind(
    "reboot-pending",
    Severity.WARNING,
    "An update takes effect only after the computer was restarted. Every app that serves now serves again then.",
    "When visitors can wait for a minute: sudo systemctl reboot",
)
CLOCK_ASTRAY = Kind(
    "clock-astray",
    Severity.WARNING,
    "Nothing keeps the clock right: certificates, sign-ins and times in logs depend on it.",
    "sudo apt install systemd-timesyncd; sudo timedatectl set-ntp true",
)
JOURNAL_PASSING = Kind(
    "journal-passing",
    Severity.WARNING,
    "The journal lies in memory: what apps printed is gone after a reboot.",
    "sudo mkdir -p /var/log/journal; sudo systemctl restart systemd-journald",
    "has the journal kept on the disk",
)
SIGNALS_OPEN = Kind(
    "signals-open",
    Severity.WARNING,
    "Apps of one server can end each other's processes: a kernel before Linux 6.12 cannot keep them apart.",
    "Take a newer kernel: on Debian 12 that of bookworm-backports, on Ubuntu 24.04 linux-generic-hwe-24.04; "
    "or give apps that do not trust each other servers of their own",
)

KINDS = (USER_WRONG, FIREWALL_WRONG, UPDATES_OFF, REBOOT_PENDING, CLOCK_ASTRAY, JOURNAL_PASSING, SIGNALS_OPEN)

#: The version of Landlock that knows scopes for signals and abstract sockets, of Linux 6.12.
WITH_SCOPES = 6


class ComputerSeen(msgspec.Struct, frozen=True):
    """What a look at the computer gave."""

    kernel: str
    landlock: int
    """The version of Landlock that the kernel knows; 0 for none."""
    updates: bool
    """Whether security updates come by themselves."""
    reboot_for: tuple[str, ...] | None = None
    """The packages that wait for a reboot; None where none is needed."""
    clock_is_kept: bool = True
    """Whether the kernel's clock is synchronised. In a container it is not the container's own, and counts as kept."""
    journal_is_kept: bool = True
    """Whether the journal lies on the disk."""


def judge_computer(seen: ComputerSeen) -> Iterator[Finding]:
    """Everything that has nothing to do with one app."""
    if seen.landlock < WITH_SCOPES:
        yield SIGNALS_OPEN.found(
            f"Linux {seen.kernel} cannot keep the signals of apps apart: one can end the processes of another.",
            place="kernel",
            expected="Linux 6.12 or newer, with Landlock.",
        )
    if not seen.updates:
        yield UPDATES_OFF.found("Security updates do not come by themselves.", place="apt")
    if seen.reboot_for is not None:
        of = f" of {', '.join(seen.reboot_for)}" if seen.reboot_for else ""
        yield REBOOT_PENDING.found(f"An update{of} waits for a reboot.", place="/run/reboot-required")
    if not seen.clock_is_kept:
        yield CLOCK_ASTRAY.found("The clock is not synchronised.", place="clock")
    if not seen.journal_is_kept:
        yield JOURNAL_PASSING.found("The journal is not kept on the disk.", place="/var/log/journal")


def judge_users(differences: Iterable[str]) -> list[Finding]:
    """``differences``: how the users are otherwise than the install makes them."""
    return [USER_WRONG.found(f"{_sentence(text)}.", place=text) for text in differences]


def judge_firewall(differences: Iterable[str]) -> list[Finding]:
    """``differences``: how the firewall is otherwise than the install makes it."""
    return [FIREWALL_WRONG.found(f"{_sentence(text)}.", place=text) for text in differences]


def _sentence(text: str) -> str:
    return text if text.startswith("/") else f"{text[:1].upper()}{text[1:]}"
