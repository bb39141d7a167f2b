"""supervisord's configuration: the main file, and a program for each service."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence

from potions.errors import HomeRefused
from potions.layout import Home
from potions.model.service import Service

_MAIN = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={log}
logfile_maxbytes=10MB
logfile_backups=1
loglevel=info
pidfile={pid}
identifier=potions
nodaemon=false
nocleanup=true
umask=022
minfds=1024
minprocs=200
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

{parts}
[include]
files=programs/*.conf
"""

_PROGRAM = """\
[program:{name}]
command={command}
directory=/
priority={priority}
autostart={autostart}
autorestart={autorestart}
startsecs={startsecs}
startretries={startretries}
stopsignal=TERM
stopasgroup={stopasgroup}
killasgroup=true
stopwaitsecs={stopwaitsecs}
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=1
"""

# supervisord ends programs one group after another, the highest first: the dashboard, which only asks the agent; the
# agent, before it could react to the others going; then Caddy, so that requests in flight are answered while the apps
# still run.
_DASHBOARD_PRIORITY = 1002
_AGENT_PRIORITY = 1001
_CADDY_PRIORITY = 1000
_APP_PRIORITY = 999

#: `potions up` says so where a part of the platform does not come up. An app is never given up: what it waits for, a
#: database perhaps, may come back in an hour. Each try waits a second longer than the one before.
_PART_RETRIES = 10
_APP_RETRIES = 1_000_000_000


def render_supervisord(
    home: Home, *, caddy: Sequence[str], agent: Sequence[str], dashboard: Sequence[str], as_root: bool
) -> str:
    """The main file of an embedded home. ``caddy``, ``agent`` and ``dashboard`` are the words that start them.

    The services' programs are found in ``programs`` beside this file: a relative pattern, because supervisord cuts the
    setting at spaces. ``as_root`` says so to supervisord, which otherwise warns.
    """
    # Caddy keeps files of its own below these. Words of env and not supervisord's setting, which cuts at quotes.
    own_folders = [f"{name}={home.caddy}" for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")]
    parts = (
        _part(home, "caddy", ["/usr/bin/env", *own_folders, *caddy], priority=_CADDY_PRIORITY, stopwaitsecs=15),
        _part(home, "agent", agent, priority=_AGENT_PRIORITY, stopwaitsecs=30),
        _part(home, "dashboard", dashboard, priority=_DASHBOARD_PRIORITY, stopwaitsecs=10),
    )
    return _MAIN.format(
        socket=_value(str(home.supervisor_socket)),
        log=_value(str(home.part_log("supervisord"))),
        pid=_value(str(home.supervisor_pid)),
        user="user=root\n" if as_root else "",
        parts="\n".join(parts),
    )


def _part(home: Home, name: str, argv: Sequence[str], *, priority: int, stopwaitsecs: int) -> str:
    return _PROGRAM.format(
        name=name,
        command=_command(argv),
        priority=priority,
        autostart="true",
        autorestart="true",
        startsecs=1,
        startretries=_PART_RETRIES,
        # The agent ends its children itself, after it has undone what they were doing.
        stopasgroup="false",
        stopwaitsecs=stopwaitsecs,
        log=_log(str(home.part_log(name))),
    )


def render_program(service: Service, launcher: Sequence[str]) -> str:
    """The program of a service. ``launcher`` are the words that start it, the path of its spec among them.

    Neither the command nor a variable is in here: supervisord would expand ``%`` and cut at ``;`` and quotes. The whole
    group gets the signals, because a shell does not pass them on.
    """
    return _PROGRAM.format(
        name=service.name,
        command=_command(launcher),
        priority=_APP_PRIORITY,
        autostart="false",
        autorestart="true" if service.restart else "false",
        startsecs=1 if service.restart else 0,
        startretries=_APP_RETRIES,
        stopasgroup="true",
        stopwaitsecs=math.ceil(service.stop_timeout),
        log=_log(str(service.log_file)),
    )


_COMMENT = re.compile(r"(?<=\s)([;#])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _value(text: str) -> str:
    """A setting that supervisord reads back as ``text``.

    It expands ``%``, and takes ``;`` or ``#`` after a space for a comment: an expansion to nothing goes between them.
    """
    if _CONTROL.search(text):
        raise HomeRefused("A path with a control character in it cannot be Potions' home.", why=repr(text))
    return _COMMENT.sub(r"%(here).0s\1", text.replace("%", "%%"))


def _log(path: str) -> str:
    """A log file's setting, which supervisord expands twice."""
    return _value(path.replace("%", "%%"))


def _command(argv: Sequence[str]) -> str:
    return _value(shlex.join(argv))
