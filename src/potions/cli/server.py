"""``potions server``: what makes this computer one, and what is done about those elsewhere."""

from __future__ import annotations

from cyclopts import App

server = App(name="server", help="Make a computer a server, and know those that SSH reaches.")
for _name, _target in (
    ("install", "server_install:install"),
    ("uninstall", "server_install:uninstall"),
    ("add", "server_add:add"),
    ("list", "servers:list_servers"),
    ("use", "servers:use"),
    ("remove", "servers:remove"),
):
    server.command(f"potions.cli.{_target}", name=_name)
