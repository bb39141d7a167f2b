"""``python -m potions.dashboard HOME``: the dashboard in the foreground, as the supervisor starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from potions.dashboard.app import serve
from potions.dashboard.place import Place
from potions.layout import Home
from potions.model.app import DASHBOARD_HOST
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
            address=f"http://{DASHBOARD_HOST}:{settings.http_port}",
            key=home.dashboard_key.read_bytes(),
        )
    )


if __name__ == "__main__":
    run(Home(Path(sys.argv[1])))
