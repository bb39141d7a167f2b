"""systemd's units of the apps: which there are, when they start, and the walls around each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from potions.layout import Colour, Server
from potions.model.service import Service
from potions.render.spec import ENVIRONMENT_CREDENTIAL, SPEC_CREDENTIAL

Property = tuple[str, str]

_UNIT = """\
# Written by Potions, and written anew when it changes. What you want to add belongs into {unit}.d/own.conf
[Unit]
{before}

[Service]
{service}
{after}"""

_INSTALL = """
[Install]
WantedBy=multi-user.target
"""

#: The system's own interpreter: a virtual environment may be on its way to another version when an app starts.
PYTHON = "/usr/bin/python3"
#: Where a fault of the app's makes it end again and again, systemd 254 and later wait longer and longer.
_RESTART_SECONDS, _RESTART_SECONDS_MAX, _RESTART_STEPS = 1, 30, 10
_GROWING_RESTARTS = 254
_NETWORK = "network-online.target"
#: The usual limit of open files, 1024, is a thousand visitors.
_OPEN_FILES = 65_536
#: How long one app may hold up a restart of the whole computer, whatever its manifest asks for.
_STOP_MAX = 600
#: Shared memory of its own; systemd leaves the computer's there.
_SHARED_MEMORY = "/dev/shm:mode=1777"  # noqa: S108
#: What no app has any business with. A dash: it need not be there.
_OUT_OF_REACH = (
    *("/run/potions", "/var/lib/potions", "-/var/lib/potions-caddy", "-/var/lib/potions-dashboard", "-/etc/potions"),
    # Who asks systemd may see the words of every program on the computer.
    *("-/run/dbus", "-/run/systemd/private", "-/run/user", "-/run/lock"),
    # The terminals of other apps' consoles belong to the same user.
    *("-/dev/pts", "-/var/log/journal", "-/run/log/journal"),
)


def unit_name(service: str) -> str:
    """The unit of a service: ``blog-blue.service`` for ``blog.blue``, ``blog-blue.migrate.service`` for its migration.

    What has no dot in its name is a part of the platform: ``agent`` is ``potions-agent.service``. An app's name has no
    dot and a colour no dash, so no two services share a unit.
    """
    app, dot, rest = service.partition(".")
    return f"{app}-{rest}.service" if dot else f"potions-{service}.service"


def starting_marker(server: Server, service: str) -> Path:
    """The file that has a service run although its slot is not the live one."""
    return server.starting / unit_name(service).removesuffix(".service")


def render_unit(server: Server, service: Service, *, version: int) -> str:
    """The unit of a service, for a systemd of that version. No value of a variable and no command is in it.

    A slot's program starts with the computer where ``.live`` names its slot, and where nobody stopped the app. Exactly
    one of the two slots is that, so that after a reboot, without the agent, what served serves again. Raises ValueError
    for a service of no app that is to start with the computer.
    """
    unit = unit_name(service.name)
    return _UNIT.format(
        unit=unit,
        before=_lines(_unit_section(server, service)),
        service=_lines([*_running(server, service, version), *sandbox(service)]),
        after=_INSTALL if service.restart else "",
    )


def _lines(properties: list[Property]) -> str:
    return "\n".join(f"{name}={value}" for name, value in properties)


def _unit_section(server: Server, service: Service) -> list[Property]:
    found = [("Description", f"Potions: {service.name.replace('.', ' ')}"), ("After", _NETWORK)]
    if service.restart:
        found += [("Wants", "network-online.target"), ("StartLimitIntervalSec", "0")]
    if service.app_directory is not None:
        found.append(("RequiresMountsFor", str(service.app_directory)))
        if service.restart:
            found += _conditions(server, service, service.app_directory)
    return found


def _conditions(server: Server, service: Service, app: Path) -> Iterator[Property]:
    colour = service.name.split(".")[1]
    live = app / ".live" / Colour(colour)
    yield "ConditionPathExists", f"!{server.stopped / app.name}"
    yield "ConditionPathExists", f"|{live}"
    yield "ConditionPathExists", f"|{starting_marker(server, service.name)}"


def _running(server: Server, service: Service, version: int) -> Iterator[Property]:
    yield "Type", "exec"
    yield "ExecStart", f"{PYTHON} -I -S {server.launcher} %d/{SPEC_CREDENTIAL}"
    yield "TimeoutStopSec", f"{min(math.ceil(service.stop_timeout), _STOP_MAX)}s"
    yield "LimitNOFILE", str(_OPEN_FILES)
    if service.restart:
        yield "Restart", "always"
        yield "RestartSec", f"{_RESTART_SECONDS}s"
        if version >= _GROWING_RESTARTS:
            yield "RestartSteps", str(_RESTART_STEPS)
            yield "RestartMaxDelaySec", f"{_RESTART_SECONDS_MAX}s"
        yield "StandardOutput", "journal"
        # A line that begins with <3> is the app's own, and is kept as it is.
        yield "SyslogLevelPrefix", "no"
        for field, value in service.journal_fields.items():
            yield "LogExtraFields", f"{field}={value}"
    else:
        # So that how it ended is still known when somebody asks.
        yield "RemainAfterExit", "yes"
        yield "StandardOutput", f"append:{service.log_file}"
    yield "StandardError", "inherit"
    yield "SyslogIdentifier", unit_name(service.name).removesuffix(".service")
    yield "LoadCredential", f"{SPEC_CREDENTIAL}:{server.spec(service.name)}"
    yield "LoadCredential", f"{ENVIRONMENT_CREDENTIAL}:{service.env_file}"


def sandbox(service: Service) -> list[Property]:
    """The walls: the same around everything of an app, its slots, its builds and its consoles.

    It sees its own directory by one bind and no other app's; two binds would make a rename between its slot and its
    storage fail. Without a user namespace of its own, what runs as the same user could be read through ``/proc``.
    """
    found = [("User", service.account.name), ("Group", str(service.account.gid)), ("UMask", "0022")]
    found += [("TemporaryFileSystem", "/opt/potions"), ("TemporaryFileSystem", _SHARED_MEMORY)]
    if service.app_directory is not None:
        found += [("BindPaths", str(service.app_directory)), ("ReadWritePaths", str(service.app_directory))]
    found += [("InaccessiblePaths", path) for path in _OUT_OF_REACH]
    found += [
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("ProtectProc", "invisible"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("ProtectControlGroups", "yes"),
        ("ProtectClock", "yes"),
        ("ProtectHostname", "yes"),
        ("PrivateUsers", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("PrivateIPC", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictNamespaces", "yes"),
        ("RestrictRealtime", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"),
        ("LockPersonality", "yes"),
        ("KeyringMode", "private"),
        ("SystemCallArchitectures", "native"),
        # The launcher confines what it starts by Landlock.
        ("SystemCallFilter", "@system-service landlock_create_ruleset landlock_restrict_self"),
        ("SystemCallErrorNumber", "EPERM"),
    ]
    return [*found, *_limits(service)]


def _limits(service: Service) -> Iterator[Property]:
    limits = service.limits
    if limits.memory is not None:
        yield "MemoryMax", str(limits.memory)
    if limits.cpu is not None:
        yield "CPUQuota", f"{limits.cpu}%"
    if limits.tasks is not None:
        yield "TasksMax", str(limits.tasks)
