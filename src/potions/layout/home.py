"""Everything below one embedded home. Pure: nothing here touches the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from potions.layout.app_tree import AppTree, Entry

#: The longest path that fits a unix socket's address, with its closing NUL (``sun_path`` is 108 bytes on Linux).
SOCKET_PATH_MAX = 107


#: The one socket on which a request without a credential has all rights.
AGENT_SOCKET = "agent.sock"


TERMINAL_SUFFIX = ".terminal.json"


@dataclass(frozen=True)
class Home:
    """An embedded home: the same tree as on a server, below one directory of the user's."""

    root: Path

    @property
    def apps(self) -> Path:
        return self.root / "apps"

    @property
    def how_to_start(self) -> str:
        """What to type where Potions does not run there."""
        return "potions up"

    @property
    def how_to_restart(self) -> str:
        return "potions down, then potions up"

    @property
    def how_to_make(self) -> str:
        """What to type where it was never made."""
        return "potions up"

    @property
    def how_to_read_caddy(self) -> str:
        """What to type to see what the proxy says of itself."""
        return "potions doctor"

    @property
    def how_to_be_allowed(self) -> str:
        return "Become the user who started it, or ask for the right to open that socket."

    def app(self, name: str) -> AppTree:
        return AppTree(self.apps / name)

    @property
    def trash(self) -> Path:
        """Deleted apps for a while. Here, because a rename must stay on one file system."""
        return self.apps / ".trash"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def database(self) -> Path:
        return self.state / "agent.db"

    @property
    def secret_key(self) -> Path:
        return self.state / "secret.key"

    @property
    def dashboard_key(self) -> Path:
        """What the dashboard seals its cookies with."""
        return self.state / "dashboard.key"

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    @property
    def settings(self) -> Path:
        return self.root / "potions.json"

    @property
    def caddy(self) -> Path:
        return self.root / "caddy"

    @property
    def caddyfile(self) -> Path:
        return self.caddy / "Caddyfile"

    @property
    def sites(self) -> Path:
        return self.caddy / "sites"

    def site(self, name: str) -> Path:
        return self.sites / f"{name}.caddy"

    @property
    def unloaded(self) -> Path:
        """There while the sites on disk may differ from what Caddy has loaded."""
        return self.caddy / "unloaded"

    @property
    def caddy_data(self) -> Path:
        """What Caddy itself keeps: certificates and locks."""
        return self.caddy / "data"

    @property
    def certificate_log(self) -> Path:
        """Where a server's Caddy writes how it fares in getting certificates, a JSON object a line."""
        return self.caddy_data / "certificates.log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def agent_socket(self) -> Path:
        """Where whoever connects has all rights."""
        return self.run / AGENT_SOCKET

    @property
    def web_socket(self) -> Path:
        """Where the same API asks who it is on whose behalf something is wanted."""
        return self.run / "web.sock"

    @property
    def dashboard_socket(self) -> Path:
        return self.run / "dashboard.sock"

    @property
    def caddy_socket(self) -> Path:
        return self.run / "caddy.sock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "super.sock"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def programs(self) -> Path:
        return self.run / "programs"

    def program(self, unit: str) -> Path:
        return self.programs / f"{unit}.conf"

    def terminal(self, name: str) -> Path:
        """What the launcher reads of a program that a person opened."""
        return self.run / f"{name}{TERMINAL_SUFFIX}"

    @property
    def epmd(self) -> Path:
        """The platform's own copy of Erlang's port mapper, which runs as the apps' user."""
        return self.root / "epmd"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def part_log(self, part: str) -> Path:
        """What a part of the platform prints: ``supervisord``, ``caddy``, ``agent``, ``dashboard``."""
        return self.logs / f"{part}.log"

    def entries(self) -> tuple[Entry, ...]:
        """The directories of a home, parents first."""
        return (
            Entry(self.root, "platform", 0o755),
            Entry(self.apps, "platform", 0o755),
            Entry(self.trash, "platform", 0o700),
            Entry(self.state, "platform", 0o700),
            Entry(self.locks, "platform", 0o700),
            Entry(self.caddy, "platform", 0o700),
            Entry(self.sites, "platform", 0o700),
            Entry(self.run, "platform", 0o700),
            Entry(self.programs, "platform", 0o700),
            Entry(self.epmd, "platform", 0o755),
            Entry(self.logs, "platform", 0o700),
        )
