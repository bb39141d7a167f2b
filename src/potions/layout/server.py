"""The tree of a server: the same apps as in an embedded home, and everything else where Debian would look for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from potions.layout.app_tree import Entry
from potions.layout.home import AGENT_SOCKET, Home

_ETC = Path("/etc/potions")
_STATE = Path("/var/lib/potions")
_CADDY = Path("/var/lib/potions-caddy")
_LOGS = Path("/var/log/potions")
_RUN = Path("/run/potions")
_PROGRAM = Path("/usr/local/lib/potions")

#: What Caddy's user may read, and nobody may who is not in its group.
SITE_MODE = 0o640


@dataclass(frozen=True)
class Server(Home):
    """A server: ``root`` is where the apps are. There is one a computer, so nothing else follows from it."""

    root: Path = Path("/opt/potions")

    @property
    def apps(self) -> Path:
        return self.root

    @property
    def state(self) -> Path:
        return _STATE

    @property
    def settings(self) -> Path:
        return _ETC / "potions.json"

    @property
    def caddy(self) -> Path:
        return _CADDY

    @property
    def run(self) -> Path:
        return _RUN

    @property
    def agent_socket(self) -> Path:
        """For root and the group ``potions-admin``: whoever connects has all rights."""
        return _RUN / AGENT_SOCKET

    @property
    def dashboard_socket(self) -> Path:
        """In a folder of its own, which Caddy's user may enter."""
        return _RUN / "dashboard" / "dashboard.sock"

    @property
    def caddy_socket(self) -> Path:
        """In a folder of Caddy's own."""
        return _RUN / "caddy" / "admin.sock"

    @property
    def dashboard_key(self) -> Path:
        """Below a directory of the dashboard's own user, who may not enter the platform's."""
        return Path("/var/lib/potions-dashboard/dashboard.key")

    @property
    def programs(self) -> Path:
        """What the launcher of each service reads, beside nothing else: it has to be there after a reboot."""
        return self.state / "programs"

    def spec(self, service: str) -> Path:
        return self.programs / f"{service}.json"

    @property
    def units(self) -> Path:
        """The units that are there after a reboot: slots and their workers."""
        return Path("/etc/systemd/system")

    @property
    def passing_units(self) -> Path:
        """Those that are gone after one: a build, a migration."""
        return Path("/run/systemd/system")

    @property
    def starting(self) -> Path:
        """A file in here has a slot run that is not the live one, until the next reboot."""
        return _RUN / "starting"

    @property
    def stopped(self) -> Path:
        """A file in here keeps a person's app stopped, also over a reboot."""
        return self.state / "stopped"

    @property
    def epmd(self) -> Path:
        return self.program_folder / "epmd"

    @property
    def logs(self) -> Path:
        return _LOGS

    @property
    def program_folder(self) -> Path:
        """Where Potions itself is installed."""
        return _PROGRAM

    @property
    def python(self) -> Path:
        """The interpreter of the version that is in force."""
        return _PROGRAM / "current" / "bin" / "python"

    @property
    def launcher(self) -> Path:
        """A copy of its own, for the system's Python: an app starts also while Potions is being installed anew."""
        return _PROGRAM / "launcher.py"

    @property
    def caddy_program(self) -> Path:
        return _PROGRAM / "caddy"

    def entries(self) -> tuple[Entry, ...]:
        """The directories that the agent itself works in, parents first. What other users own, the install makes."""
        return (
            Entry(self.root, "platform", 0o755),
            Entry(self.trash, "platform", 0o700),
            Entry(self.state, "platform", 0o700),
            Entry(self.locks, "platform", 0o700),
            Entry(self.programs, "platform", 0o700),
            Entry(self.stopped, "platform", 0o755),
            Entry(self.epmd, "platform", 0o755),
            Entry(self.logs, "platform", 0o750),
            Entry(self.run, "platform", 0o755),
            Entry(self.starting, "platform", 0o755),
        )


SERVER = Server()
