"""Addresses of the dashboard: its own, and those of one-time links. `potions up` tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potions.cli.screen import say
from potions.cli.units import until
from potions.schema import InvitationLink, Role

if TYPE_CHECKING:
    from potions.client import Client


def welcome_address(dashboard: str, link: InvitationLink) -> str:
    """Where the page is at which a password is set."""
    return f"{dashboard}/welcome/{link.token}"


def find_dashboard(client: Client) -> tuple[str, InvitationLink | None]:
    """Where the dashboard is; while there is no owner, by a link that makes the first one."""
    dashboard = _address(client)
    if any(person.role is Role.OWNER for person in client.people()):
        return dashboard, None
    link = client.invite_first()
    return (welcome_address(dashboard, link) if link else dashboard), link


def _address(client: Client) -> str:
    found = client.status()
    # An agent of an earlier version does not tell it.
    return found.dashboard or f"http://potions.localhost:{found.http_port}"


def tell_dashboard(address: str, link: InvitationLink | None) -> None:
    """Say what `find_dashboard` found."""
    if link is None:
        say(f"The dashboard: {address}")
        return
    say("Open this to make the first user. It works once, until " + until(link.expires) + ":")
    say(f"  {address}", "bold")


def tell_link(client: Client, link: InvitationLink) -> None:
    """Print a one-time link, which is told only now."""
    say(f"  {welcome_address(_address(client), link)}", "bold")
    say(f"It works once, until {until(link.expires)}. Whoever has it sets the password: hand it over with care.")
