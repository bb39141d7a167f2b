"""`potions open`, `stop`, `start` and `restart`: an app that serves, or should."""

from __future__ import annotations

from potions.cli.apps import gone_words, state_text
from potions.cli.browser import open_where_it_can
from potions.cli.connection import connect
from potions.cli.options import AppWord, Json
from potions.cli.screen import print_json, sanitise, say, stderr, stdout
from potions.errors import NoDomain
from potions.schema import AppDetail


def open_app(app: AppWord, /, *, json: Json = False) -> int:
    """Print an app's address, and open it where it can.

    On a server that is its primary domain, by HTTPS. It opens where a browser has a screen to be shown on.

    For example:

        potions open blog
        curl "$(potions open blog)"
    """
    with connect() as client:
        detail = client.app(app)
    if json:
        print_json(detail)
        return 0
    if not detail.summary.address:
        raise NoDomain(detail.summary.name)
    say(sanitise(detail.summary.address))
    if detail.summary.state == "gone":
        for line in gone_words(detail):
            say(line, console=stderr())
    elif detail.summary.serves is None:
        say(f"Nothing serves there yet. Deploy: potions deploy PATH --app {app}", console=stderr())
    open_where_it_can(detail.summary.address)
    return 0


def stop(app: AppWord, /, *, json: Json = False) -> int:
    """Stop an app. Its files, releases and variables stay.

    For example:

        potions stop blog
    """
    with connect() as client:
        detail = client.stop(app)
    return _tell(detail, json=json, hint=f"Start it again: potions start {app}")


def start(app: AppWord, /, *, json: Json = False) -> int:
    """Start an app that was stopped.

    For example:

        potions start blog
    """
    with connect() as client:
        detail = client.start(app)
    return _tell(detail, json=json, hint=f"Look at it: potions open {app}")


def restart(app: AppWord, /, *, json: Json = False) -> int:
    """Stop and start an app's live slot. Requests wait or fail meanwhile.

    `potions redeploy` does the same without an interruption.

    For example:

        potions restart blog
    """
    with connect() as client:
        detail = client.restart(app)
    return _tell(detail, json=json, hint=f"See what it prints: potions logs {app} -f")


def _tell(detail: AppDetail, *, json: bool, hint: str) -> int:
    if json:
        print_json(detail)
        return 0
    stdout().print(f"{detail.summary.name}:", state_text(detail.summary.state), soft_wrap=True)
    say(hint)
    return 0
