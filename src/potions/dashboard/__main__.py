"""The dashboard in the foreground, as the supervisor starts it.

``python -m potions.dashboard HOME`` for an embedded home, ``python -m potions.dashboard --server ADDRESS`` on a server:
its user may read neither the settings nor anything else of the platform's.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from potions.dashboard.app import serve
from potions.dashboard.place import Place
from potions.layout import SECRET_KEY_MODE, SERVER, Home
from potions.settings import read_settings


def run(home: Home) -> None:
    """Serve the dashboard of an embedded home until a signal ends it."""
    settings = read_settings(home.settings.read_bytes())
    if settings is None:
        sys.exit(f"{home.settings} cannot be read.")
    serve(
        Place(
            agent=home.web_socket,
            listens=home.dashboard_socket,
            address=settings.dashboard_address,
            key=home.dashboard_key.read_bytes(),
        )
    )


def run_on_server(address: str) -> None:
    """Serve a server's dashboard, as a user of its own, at ``address`` until a signal ends it."""
    os.umask(0o077)
    serve(
        Place(
            agent=SERVER.web_socket,
            listens=SERVER.dashboard_socket,
            address=address,
            key=_own_key(SERVER.dashboard_key),
        )
    )


def _own_key(path: Path) -> bytes:
    """The key of its cookies, made at the first start."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SECRET_KEY_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


if __name__ == "__main__":
    if sys.argv[1] == "--server":
        run_on_server(sys.argv[2])
    else:
        run(Home(Path(sys.argv[1])))
