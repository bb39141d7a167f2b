"""`potions server install` and `uninstall`: this computer as a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from potions.cli.confirm import confirm_by_name
from potions.cli.links import find_dashboard, tell_dashboard
from potions.cli.options import Json, Yes
from potions.cli.screen import print_json, sanitise, say, sign, stderr, warn
from potions.cli.server_options import (
    AcmeDirectory,
    AcmeRoot,
    Address,
    AdoptDeploy,
    Dashboard,
    Email,
    Firewall,
    InternalCertificates,
    Wildcard,
)
from potions.server.configuration import Wishes
from potions.server.installing import Order
from potions.server.step import InstallReport, StepReport


def install(
    *,
    address: Address = None,
    wildcard: Wildcard = None,
    dashboard: Dashboard = None,
    email: Email = None,
    internal_certificates: InternalCertificates = None,
    acme_directory: AcmeDirectory = None,
    acme_root: AcmeRoot = None,
    firewall: Firewall = None,
    wheel: Annotated[
        Path | None, Parameter(name="--wheel", help="The wheel to install; left out, the Potions that runs here.")
    ] = None,
    adopt_deploy: AdoptDeploy = False,
    check: Annotated[
        bool, Parameter(name="--check", help="Only say what differs; exit status 1 if anything does.")
    ] = False,
    json: Json = False,
) -> int:
    """Make this computer a Potions server, or bring the one it is up to date.

    For Debian 12 and 13 and Ubuntu 24.04, as root. Run it again at any time:
    only what differs is changed. What is not named stays as it was; an empty
    text ("") takes it away.

    For example:

        sudo potions server install
        sudo potions server install --dashboard potions.example.com
        sudo potions server install --check
    """
    from potions.server.installing import differences
    from potions.server.installing import install as install_here

    order = Order(
        wishes=Wishes(
            address=address,
            wildcard=wildcard,
            dashboard=dashboard,
            email=email,
            internal_certificates=internal_certificates,
            acme_directory=acme_directory,
            acme_root=acme_root,
            firewall=firewall,
        ),
        wheel=wheel,
        adopt_deploy=adopt_deploy,
    )
    if check:
        report = differences(order, _teller(json, checks=True), _say)
        if json:
            print_json(report)
        elif not report.differs:
            say("Nothing differs.")
        return 1 if report.differs else 0
    report = install_here(order, _teller(json, checks=False), _say)
    if json:
        print_json(report)
    else:
        _tell_end(report)
    return 0


def uninstall(
    *,
    delete_data: Annotated[
        bool, Parameter(name="--delete-data", help="Delete all apps with their storage, and the certificates.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Take Potions off this computer. The apps' data stay, unless told otherwise.

    All apps stop. Their files, releases and variables are found again when
    Potions is installed again. The computer's name is asked for before.

    For example:

        sudo potions server uninstall
        sudo potions server uninstall --delete-data
    """
    from potions.server.uninstalling import refuse_unless_server, remove_program
    from potions.server.uninstalling import uninstall as uninstall_here

    refuse_unless_server()
    if not yes:
        _confirm(delete_data)
    report = uninstall_here(_say, delete_data=delete_data)
    if json:
        print_json(report)
    else:
        say("Potions is taken off this computer.", "bold")
        for line in report.kept:
            say(f"Still there: {sanitise(line)}")
    # Last, because it may be what runs here.
    remove_program()
    return 0


def _confirm(delete_data: bool) -> None:
    from socket import gethostname

    what = "All apps stop, and everything they stored is deleted." if delete_data else "All apps stop. Their data stay."
    say(what, "bold red" if delete_data else "", console=stderr())
    confirm_by_name(gethostname(), "Taking Potions off this computer")


def _say(line: str) -> None:
    say(f"  {sanitise(line)}", "dim", console=stderr())


def _teller(json: bool, *, checks: bool) -> Callable[[StepReport], None]:
    """Says of each step what differs, as it goes; on standard error where the answer is JSON."""
    console = stderr() if json else None

    def tell(step: StepReport) -> None:
        if not step.differences:
            say(f"{sign('✓', 'ok')} {step.name}", "green", console=console)
            return
        say(f"{sign('•', '-')} {step.name}", "bold", console=console)
        for difference in step.differences:
            say(f"    {sanitise(difference)}", "yellow" if checks else "", console=console)

    return tell


def _tell_end(report: InstallReport) -> None:
    from potions.cli.connection import connect

    with connect() as client:
        found = client.status()
        say()
        changed = any(step.differences for step in report.steps)
        say(f"This is a Potions {found.version} server." if changed else "Nothing differed.", "bold")
        tell_dashboard(*find_dashboard(client))
    warn(report.warnings)
    if not found.apps:
        say("Make the first app here: sudo potions apps create NAME")
        say("or from your own computer: potions server add USER@HOST")
