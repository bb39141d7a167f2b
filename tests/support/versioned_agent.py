"""A real agent that is of another version: ``python -m support.versioned_agent HOME VERSION LEVEL``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.bare_home import bare_home
from support.platform import wait_for


@contextmanager
def agent_of_version(version: str, level: int) -> Iterator[Path]:
    """Its socket. It has every route, and no app runs behind it."""
    with bare_home() as home:
        command = [sys.executable, "-m", "support.versioned_agent", str(home.root), version, str(level)]
        environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen(command, env=environment) as agent:
            try:
                wait_for(home.agent_socket.exists, "the agent listens")
                yield home.agent_socket
            finally:
                agent.terminate()


def main(home: str, version: str, level: str) -> None:
    """Say another version than the code has; before anything else of it is imported."""
    import potions

    potions.__version__, potions.API_LEVEL = version, int(level)
    from potions.agent.app import listen, make_server
    from potions.layout import Home
    from support.still_service import still_service

    with still_service(Home(Path(home))) as service:
        make_server(service).run(sockets=listen(Home(Path(home))))


if __name__ == "__main__":
    main(*sys.argv[1:])
