"""Addresses: of the dashboard, of one-time links, and what is said of an app that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potions.cli.screen import sanitise, say
from potions.cli.units import until
from potions.schema import InvitationLink, PlatformStatus, Role

if TYPE_CHECKING:
    from potions.client import Client


def welcome_address(status: PlatformStatus, link: InvitationLink) -> str:
    """Where the page is at which a password is set."""
    return f"{status.dashboard}/welcome/{link.token}"


def find_dashboard(client: Client) -> tuple[PlatformStatus, str, InvitationLink | None]:
    """The platform, and where its dashboard is; while there is no owner, by a link that makes the first one."""
    status = client.status()
    if any(person.role is Role.OWNER for person in client.people()):
        return status, status.dashboard, None
    link = client.invite_first()
    return status, (welcome_address(status, link) if link else status.dashboard), link


def tell_dashboard(status: PlatformStatus, address: str, link: InvitationLink | None) -> None:
    """Say what `find_dashboard` found."""
    if link is None:
        say(f"The dashboard: {sanitise(address)}")
    else:
        say("Open this to make the first user. It works once, until " + until(link.expires) + ":")
        say(f"  {sanitise(address)}", "bold")
    _tell_way(status)


def tell_link(client: Client, link: InvitationLink) -> None:
    """Print a one-time link, which is told only now."""
    status = client.status()
    say(f"  {sanitise(welcome_address(status, link))}", "bold")
    say(f"It works once, until {until(link.expires)}. Whoever has it sets the password: hand it over with care.")
    _tell_way(status)


def no_domain_words(app: str) -> str:
    """What stands where an app's address would, on a server while it has none."""
    return f"none yet; give it one: potions domains add {sanitise(app)} DOMAIN"


def _tell_way(status: PlatformStatus) -> None:
    """How to come to a dashboard that a server shows to itself alone."""
    if not status.host or not status.dashboard.startswith("http:"):
        return
    port = status.http_port
    say("This server's dashboard has no domain, so that is for the server itself. To open it from your computer:")
    say(f"  ssh -L {port}:127.0.0.1:{port} USER@{sanitise(status.host)}", "bold")
    say("and leave that running; or give it one: potions server install --dashboard DOMAIN")
