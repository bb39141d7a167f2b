"""What a person runs against what the doctor finds: it differs between an embedded home and a server."""

from __future__ import annotations

import msgspec


class Cures(msgspec.Struct, frozen=True):
    """Words for ``do``, each for one thing that is wrong."""

    supervisor: str
    proxy: str
    old_proxy: str
    lost_proxy: str
    """Where its supervisor does not know it."""
    agent: str
    other_version: str
    programs: str
    directories: str
    settings: str
    search_path: str
    open_files: str
    file_size: str
    http_port: str
    memory_disk: str


_INSTALL = "sudo potions server install"

EMBEDDED = Cures(
    supervisor="potions up starts everything anew",
    proxy="potions up",
    old_proxy="potions down, then potions up, when visitors can wait for a moment",
    lost_proxy="potions down, then potions up",
    agent="potions up",
    other_version="potions up starts it anew",
    programs="Install Potions again, with all its dependencies",
    directories="potions doctor --fix, or: potions up",
    settings="Mend it, or remove it and name the ports again: potions up --http-port PORT --first-port PORT",
    search_path="PATH=$PATH:/usr/bin:/bin potions up; then: potions redeploy APP",
    open_files="potions down; ulimit -n 4096; potions up",
    file_size="potions down; ulimit -f unlimited; potions up",
    http_port="End that program; or: potions down, then potions up --http-port PORT",
    memory_disk="For what has to stay, choose another home: POTIONS_HOME=~/potions potions up",
)

SERVER = Cures(
    supervisor="See: systemctl status",
    proxy="sudo systemctl start potions-caddy",
    old_proxy="When visitors can wait for a moment: sudo systemctl restart potions-caddy",
    lost_proxy=_INSTALL,
    agent="sudo systemctl start potions-agent",
    other_version=_INSTALL,
    programs=_INSTALL,
    directories=f"sudo potions doctor --fix, or: {_INSTALL}",
    settings=f"Mend it; or remove it, and run with all options again: {_INSTALL}",
    search_path="Put /usr/bin into search_path in /etc/potions/potions.json; then: potions redeploy APP",
    open_files="Take away what limits it, and start it anew: systemctl cat potions-agent; "
    "sudo systemctl restart potions-agent",
    file_size="Take away what limits it, and start it anew: systemctl cat potions-agent; "
    "sudo systemctl restart potions-agent",
    http_port="End that program",
    memory_disk="Mount a disk there, before anything is in it",
)
