"""The platform's own parts as the doctor asks about them: below supervisord, or as systemd's units."""

from __future__ import annotations

from typing import Protocol

from potions.host.doctor.entries import files_in
from potions.host.doctor.exits import Exit, exits_since
from potions.host.doctor.journal import last_lines_of, restarts_since, service_of
from potions.host.doctor.texts import last_lines
from potions.host.systemd import systemd_version
from potions.layout import Home, Server
from potions.model.doctor.cures import EMBEDDED, SERVER, Cures
from potions.render.systemd import unit_name

#: What Potions' own units of apps begin with.
_OWN = b"# Written by Potions"


class PlatformParts(Protocol):
    """What differs by who keeps the programs running."""

    @property
    def cures(self) -> Cures:
        """What a person runs."""

    def supervisor(self) -> str:
        """Who keeps the programs running, in words: ``systemd 252``."""

    def exits_since(self, moment: float) -> list[Exit]:
        """What ended by itself since a moment (Unix time)."""

    def ends_of(self, part: str, moment: float) -> int:
        """How often a part ended by itself since then."""

    def log_of(self, part: str) -> str:
        """Where a person reads what a part says."""

    def last_lines(self, part: str) -> str:
        """The end of that."""

    def programs(self) -> list[str]:
        """The names of the services that are written down for the supervisor, of apps and of nobody."""


class EmbeddedParts:
    """Those of an embedded home."""

    cures = EMBEDDED

    def __init__(self, home: Home) -> None:
        self._home = home

    def supervisor(self) -> str:
        return "supervisord"

    def exits_since(self, moment: float) -> list[Exit]:
        return exits_since(self._home.part_log("supervisord"), moment)

    def ends_of(self, part: str, moment: float) -> int:
        return sum(one.program == part for one in self.exits_since(moment))

    def log_of(self, part: str) -> str:
        return str(self._home.part_log(part))

    def last_lines(self, part: str) -> str:
        return last_lines(self._home.part_log(part))

    def programs(self) -> list[str]:
        return [path.stem for path, _ in files_in(self._home.programs) if path.suffix in {".conf", ".json"}]


class ServerParts:
    """Those of a server."""

    cures = SERVER

    def __init__(self, server: Server) -> None:
        self._server = server

    def supervisor(self) -> str:
        return f"systemd {systemd_version()}"

    def exits_since(self, moment: float) -> list[Exit]:
        return restarts_since(moment)

    def ends_of(self, part: str, moment: float) -> int:
        return sum(one.program == part for one in self.exits_since(moment))

    def log_of(self, part: str) -> str:
        return f"journalctl -u {unit_name(part)}"

    def last_lines(self, part: str) -> str:
        return last_lines_of(unit_name(part))

    def programs(self) -> list[str]:
        """By their specs, and by the units that Potions wrote: of each the other may be gone."""
        specs = (path.stem for path, _ in files_in(self._server.programs) if path.suffix == ".json")
        return sorted({*specs, *self._units()})

    def _units(self) -> list[str]:
        folders = (self._server.units, self._server.passing_units)
        files = (path for folder in folders for path, _ in files_in(folder) if "." in service_of(path.name))
        return [service_of(path.name) for path in files if not path.is_symlink() and path.read_bytes().startswith(_OWN)]


def parts_of(home: Home) -> PlatformParts:
    """Those of a home, or of a server."""
    return ServerParts(home) if isinstance(home, Server) else EmbeddedParts(home)
