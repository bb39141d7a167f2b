"""A process supervisor with services to run in it: each has a directory, variables and a log of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil

from potions.flows.ports import Supervisor
from potions.layout import Home
from potions.model.service import Account, Phase, Service, ServiceState
from potions.render.envfile import render_environment
from support.bare_home import app_account, bare_home, running_supervisord
from support.inside import IS_MACHINE, printed_to_journal, server_of_systemd
from support.platform import wait_for

#: Waits for ever without starting anything: a shell that is just starting a program may miss a signal.
_WAIT = "mkfifo never; touch ready; while :; do read -r _ <> never; done"
#: Ends on SIGTERM only after a while, and says how often it was told to.
SLOW_END = f"trap 'echo told >> told; sleep 0.4; touch clean; exit' TERM; {_WAIT}"
DEAF = f"trap '' TERM; {_WAIT}"


@dataclass
class Stage:
    """A supervisor, and what services need around them: a working directory, variables, a log."""

    supervisor: Supervisor
    home: Home
    account: Account
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    printed: Callable[[Service], str] = lambda service: _read(service)
    """What a service that is kept running has printed."""

    def service(self, command: str, *, restart: bool = True, name: str = "", **variables: str) -> Service:
        """A service of its own directory, which its user may write to."""
        number = next(self.numbers)
        name = name or f"app{number}.blue"
        app = self.home.app(name.partition(".")[0])
        app.logs.mkdir(parents=True, exist_ok=True)
        folder = app.root / "work" / str(number)
        folder.mkdir(parents=True)
        os.chown(folder, self.account.uid, self.account.gid)
        variables = {"PATH": os.defpath, **variables}
        (folder / "env").write_bytes(render_environment(variables))
        (folder / "env").chmod(0o600)
        return Service(
            name=name,
            command=command,
            directory=folder,
            env_file=folder / "env",
            log_file=app.logs / f"{number}.log",
            account=self.account,
            stop_timeout=20.0,
            restart=restart,
            app_directory=app.root,
        )

    def started(self, command: str, *, restart: bool = True, name: str = "") -> Service:
        """A service that was installed and started, and says by a file ``ready`` that it is up."""
        service = self.service(command, restart=restart, name=name)
        self.supervisor.install(service)
        self.supervisor.start(service.name)
        wait_for((service.directory / "ready").exists, f"{command} is ready\n{self.output(service)}")
        return service

    def ended(self, service: Service) -> ServiceState:
        """Run a one-shot to its end."""
        self.supervisor.install(service)
        self.supervisor.start(service.name)
        wait_for(lambda: self.phase(service) is not Phase.RUNNING, f"{service.command} ends")
        return self.supervisor.state(service.name)

    def phase(self, service: Service) -> Phase:
        return self.supervisor.state(service.name).phase

    def output(self, service: Service) -> str:
        return self.printed(service) if service.restart else _read(service)

    def running(self, service: Service) -> list[psutil.Process]:
        """Every process that works in the service's directory, however it got there."""
        return [process for process in psutil.process_iter() if _works_in(process, service.directory)]


def _read(service: Service) -> str:
    return service.log_file.read_text() if service.log_file.exists() else ""


@contextmanager
def _over_supervisord() -> Iterator[Stage]:
    with bare_home() as home, running_supervisord(home) as supervisor:
        yield Stage(supervisor, home, app_account())


@contextmanager
def _over_systemd() -> Iterator[Stage]:
    with server_of_systemd() as (server, supervisor, account):
        began = time.time()
        yield Stage(supervisor, server, account, printed=lambda service: printed_to_journal(service, began))


#: Every implementation of the port, by name. systemd is there where the tests run inside a machine of their own.
IMPLEMENTATIONS: dict[str, Callable[[], AbstractContextManager[Stage]]] = {
    **({"systemd": _over_systemd} if IS_MACHINE else {"supervisord": _over_supervisord}),
}


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except psutil.Error:
        return False
