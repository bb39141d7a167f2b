"""`potions dashboard`: where the dashboard is."""

from __future__ import annotations

from potions.cli.browser import open_where_it_can
from potions.cli.connection import connect
from potions.cli.links import find_dashboard, tell_dashboard
from potions.cli.options import Json
from potions.cli.screen import print_json


def dashboard(*, json: Json = False) -> int:
    """Print the dashboard's address, and open it where it can.

    While there is no owner, it is a one-time link that makes the first user.

    For example:

        potions dashboard
    """
    with connect() as client:
        status, address, link = find_dashboard(client)
    if json:
        print_json({"address": address, "first_user_until": link.expires if link else None})
        return 0
    tell_dashboard(status, address, link)
    if address.startswith("https:") or not status.host:
        open_where_it_can(address)
    return 0
