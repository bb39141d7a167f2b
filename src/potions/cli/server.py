"""`potions server`: a group whose commands live in files of their own."""

from __future__ import annotations

from cyclopts import App

server = App(name="server", help="Make this computer a server that apps are deployed to.")
server.command("potions.cli.server_install:install", name="install")
server.command("potions.cli.server_install:uninstall", name="uninstall")
