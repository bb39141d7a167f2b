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
_DASHBOARD = Path("/var/lib/potions-dashboard")

#: Whom the apps run as, and the parts of the platform that are not root.
APPS_USER = "deploy"
DASHBOARD_USER = "potions"
CADDY_USER = "potions-caddy"
#: Its members may command the agent, and with that everything on the computer.
ADMIN_GROUP = "potions-admin"

#: What Caddy's user may read, and nobody may who is not in its group.
SITE_MODE = 0o640


@dataclass(frozen=True)
class Directory:
    """A directory of a server: whose it is, by name, and its exact mode, whatever the umask says."""

    path: Path
    mode: int
    user: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Server(Home):
    """A server: ``root`` is where the apps are. There is one a computer, so nothing else follows from it."""

    root: Path = Path("/opt/potions")

    @property
    def how_to_start(self) -> str:
        return "sudo systemctl start potions-agent"

    @property
    def how_to_restart(self) -> str:
        return "sudo systemctl restart potions-agent"

    @property
    def how_to_make(self) -> str:
        return "sudo potions server install"

    @property
    def how_to_read_caddy(self) -> str:
        return "sudo systemctl status potions-caddy"

    @property
    def how_to_be_allowed(self) -> str:
        return f"Put sudo before it; or become a member of {ADMIN_GROUP}: sudo usermod -aG {ADMIN_GROUP} USER"

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
        return _DASHBOARD / "dashboard.key"

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

    # What the install makes beside them

    def version(self, name: str) -> Path:
        """The virtual environment of one version of Potions: ``0.1.0-1f2e3d4c5b6a``."""
        return _PROGRAM / name

    @property
    def current(self) -> Path:
        """A link to the version in force."""
        return _PROGRAM / "current"

    @property
    def previous(self) -> Path:
        """A link to the one before, which is kept."""
        return _PROGRAM / "previous"

    @property
    def finished(self) -> Path:
        """The name of the version whose install came to its end. Everybody may read it."""
        return _PROGRAM / ".finished"

    @property
    def command(self) -> Path:
        """What people type."""
        return Path("/usr/local/bin/potions")

    @property
    def kept_settings(self) -> Path:
        """Where the settings lie while Potions is uninstalled and the apps' data stayed."""
        return self.state / "potions.json"

    @property
    def acme_root(self) -> Path:
        """A copy of the root certificate of an ACME directory of one's own: Caddy's user has to read it."""
        return _CADDY / "acme-root.pem"

    @property
    def firewall(self) -> Path:
        return _ETC / "firewall.nft"

    @property
    def run_entries(self) -> Path:
        """Has systemd make the folders below ``run`` before anything starts."""
        return Path("/etc/tmpfiles.d/potions.conf")

    @property
    def upgrades(self) -> Path:
        """Sorted before what Debian and an admin say of the same: theirs counts."""
        return Path("/etc/apt/apt.conf.d/10potions")

    def directories(self) -> tuple[Directory, ...]:
        """All directories that the install makes, parents first: the agent's own, and those of the other users."""
        # The set-group-ID bit: what root writes into it, Caddy's user may read and not change.
        proxy = (
            Directory(self.caddy, 0o2750, group=CADDY_USER),
            Directory(self.sites, 0o2750, group=CADDY_USER),
            Directory(self.caddy_data, 0o700, CADDY_USER, CADDY_USER),
        )
        own = tuple(Directory(entry.path, entry.mode) for entry in self.entries())
        return (
            Directory(_ETC, 0o755),
            Directory(_PROGRAM, 0o755),
            *own,
            *proxy,
            Directory(_DASHBOARD, 0o700, DASHBOARD_USER, DASHBOARD_USER),
            Directory(self.caddy_socket.parent, 0o700, CADDY_USER, CADDY_USER),
            Directory(self.dashboard_socket.parent, 0o750, group=CADDY_USER),
        )

    def entries(self) -> tuple[Entry, ...]:
        """The directories that the agent itself works in, parents first. What other users own, the install makes."""
        return (
            Entry(self.root, "platform", 0o755),
            Entry(self.trash, "platform", 0o700),
            Entry(self.state, "platform", 0o700),
            Entry(self.locks, "platform", 0o700),
            Entry(self.programs, "platform", 0o700),
            Entry(self.stopped, "platform", 0o755),
            Entry(self.logs, "platform", 0o750),
            Entry(self.run, "platform", 0o755),
            Entry(self.starting, "platform", 0o755),
        )


SERVER = Server()


def home_of_socket(agent: Path) -> Home:
    """The home whose agent listens there, on whichever of its sockets."""
    return SERVER if agent.is_relative_to(SERVER.run) else Home(agent.parent.parent)
