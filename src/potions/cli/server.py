"""`potions server`: a group whose commands live in files of their own."""

from __future__ import annotations

from cyclopts import App

server = App(name="server", help="Add, list, choose and forget servers that SSH reaches.")
for _name, _function in (("add", "add"), ("list", "list_servers"), ("use", "use"), ("remove", "remove")):
    server.command(f"potions.cli.servers:{_function}", name=_name)
