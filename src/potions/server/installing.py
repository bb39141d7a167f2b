"""The install as a whole: what may keep it from beginning, then its steps in order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from potions.host.dns import Dns
from potions.layout import SERVER
from potions.server.accounts import accounts_step
from potions.server.alone import alone
from potions.server.computer import look_at_computer
from potions.server.configuration import Wishes, known_settings, settings_step, wanted_settings
from potions.server.database import apps_in, domains_in, revision_of
from potions.server.firewall import firewall_step
from potions.server.packages import packages_step
from potions.server.program import finished_step, old_versions_step, program_step
from potions.server.public_names import names_elsewhere
from potions.server.refusals import refuse, refuse_database, refuse_taken_names, warnings
from potions.server.services import proxy_step, services_step
from potions.server.step import InstallReport, Say, Step, StepReport, carry_out, check
from potions.server.tree import tree_step
from potions.server.units import units_step, upgrades_step
from potions.server.wheel import open_wheel, wheel_of_this_program
from potions.settings import HTTP_PORT, Settings

Tell = Callable[[StepReport], None]


@dataclass(frozen=True)
class Order:
    """What is to be installed, and how."""

    wishes: Wishes
    wheel: Path | None = None
    """None: of the Potions that runs here."""
    adopt_deploy: bool = False


def install(order: Order, tell: Tell, say: Say) -> InstallReport:
    """Make this computer a server, or bring the one it is up to date; only what differs is changed.

    Raises ServerRefused, WheelRefused or UsageRefused before anything is touched, HomeBusy while another install runs,
    InstallFailed where a step fails.
    """
    with _steps(order, say) as (steps, warned), alone():
        done = carry_out(steps, tell, say)
    settings = known_settings()
    return InstallReport(done, [*warned, *names_elsewhere(settings.server if settings else None, Dns())])


def differences(order: Order, tell: Tell, say: Say) -> InstallReport:
    """What `install` would change. Raises what it would refuse with."""
    with _steps(order, say) as (steps, warned):
        return InstallReport(check(steps, tell), warned)


@contextmanager
def _steps(order: Order, say: Say) -> Iterator[tuple[list[Step], list[str]]]:
    """The steps, whose wheel is there until the end; and what a person should know."""
    computer = look_at_computer(_own_ports())
    refuse(computer, adopt_deploy=order.adopt_deploy)
    warned = warnings(computer)
    for warning in warned:
        say(warning)
    settings = wanted_settings(order.wishes, known_settings())
    # What this process makes may be read by other users, whatever the shell that it was started from says.
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="potions-install-") as scratch:
        wheel = open_wheel(order.wheel) if order.wheel else wheel_of_this_program(Path(scratch))
        refuse_database(revision_of(SERVER.database), wheel.version, wheel.revisions)
        refuse_taken_names(settings.server, apps_in(SERVER.database), domains_in(SERVER.database))
        yield (
            [
                packages_step(),
                accounts_step(),
                tree_step(),
                program_step(wheel),
                settings_step(settings, order.wishes.acme_root),
                units_step(wheel, settings),
                firewall_step(wanted=settings.server is None or settings.server.firewall),
                upgrades_step(),
                proxy_step(settings),
                services_step(settings),
                old_versions_step(wheel),
                finished_step(wheel),
            ],
            warned,
        )


def _own_ports() -> tuple[int, ...]:
    known: Settings | None = known_settings() if SERVER.settings.exists() and os.geteuid() == 0 else None
    return (80, 443, known.http_port if known else HTTP_PORT)
