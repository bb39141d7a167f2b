"""`potions env`: an app's variables. A file for what shows them, what changes them, and ``.env`` files."""

from __future__ import annotations

from cyclopts import App

from potions.cli.env.changing import set_variables, unset_variables
from potions.cli.env.files import export_variables, import_variables
from potions.cli.env.showing import get_variable, list_variables, show_history

env = App(name="env", help="Show, set, import and export an app's variables.")

env.command(list_variables, name="list")
env.command(get_variable, name="get")
env.command(set_variables, name="set")
env.command(unset_variables, name="unset")
env.command(import_variables, name="import")
env.command(export_variables, name="export")
env.command(show_history, name="history")
