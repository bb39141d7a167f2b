"""systemd's units of the platform's own parts: the proxy, the agent, the dashboard, the firewall; and their sockets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from potions.layout import ADMIN_GROUP, CADDY_USER, DASHBOARD_USER, Directory, Server

_HEAD = "# Written by Potions, and written anew when it changes. What you want to add belongs into {name}.d/own.conf\n"

#: Walls that cost none of the parts anything.
_WALLS = """\
NoNewPrivileges=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
"""
#: Those for a part that is not root.
_HIGHER_WALLS = f"""\
{_WALLS}ProtectSystem=strict
ProtectHome=yes
ProtectControlGroups=yes
ProtectKernelTunables=yes
ProtectProc=invisible
PrivateTmp=yes
PrivateDevices=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
UMask=0077
"""

# As Caddy's own unit has it. It is told of a new configuration by the agent, through its socket.
_CADDY = """\
[Unit]
Description=Potions: caddy, the proxy in front of all apps
After=network-online.target potions-firewall.service
Wants=network-online.target
RequiresMountsFor={apps} {data}
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
Group={user}
Environment=HOME={data} XDG_DATA_HOME={data} XDG_CONFIG_HOME={data}
ExecStart={program} run --adapter caddyfile --config {caddyfile}
Restart=always
RestartSec=1s
TimeoutStopSec=15s
LimitNOFILE=1048576
OOMScoreAdjust=-500
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
ReadWritePaths={data} {run}
InaccessiblePaths={state} -{dashboard}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
{walls}
[Install]
WantedBy=multi-user.target
"""

# Told to end, it alone is told: a systemctl or journalctl that it waits for has to answer what was asked before.
_AGENT = """\
[Unit]
Description=Potions: the agent, which does what is asked
After=network-online.target potions-caddy.service potions-agent.socket potions-agent-web.socket
Wants=network-online.target potions-caddy.service
Requires=potions-agent.socket potions-agent-web.socket
RequiresMountsFor={apps} {state}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={python} -m potions.agent
Sockets=potions-agent.socket potions-agent-web.socket
KillMode=mixed
Restart=always
RestartSec=1s
TimeoutStopSec=30s
LimitNOFILE=65536
OOMScoreAdjust=-250
{walls}
[Install]
WantedBy=multi-user.target
"""

_DASHBOARD = """\
[Unit]
Description=Potions: the dashboard
After=potions-agent-web.socket potions-dashboard.socket
Wants=potions-agent-web.socket
Requires=potions-dashboard.socket
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
StateDirectory={state_name}
StateDirectoryMode=0700
ExecStart={python} -m potions.dashboard --server {address}
Restart=always
RestartSec=1s
TimeoutStopSec=15s
CapabilityBoundingSet=
InaccessiblePaths={apps} {state} -{caddy}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{walls}
[Install]
WantedBy=multi-user.target
"""

# Held by systemd, so that whoever connects while the service is started anew waits and is not refused.
_SOCKET = """\
[Unit]
Description=Potions: the socket of {of}

[Socket]
ListenStream={path}
SocketUser={user}
SocketGroup={group}
SocketMode={mode:04o}
Service={service}
Backlog=512

[Install]
WantedBy=sockets.target
"""

# After nftables.service, whose rules begin by forgetting all others; and loaded again whenever those are.
_FIREWALL = """\
[Unit]
Description=Potions: the firewall
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Conflicts=shutdown.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {rules}
ExecReload=/usr/sbin/nft -f {rules}
ExecStop=-/usr/sbin/nft delete table inet potions
ProtectHome=yes
ProtectSystem=full

[Install]
WantedBy=sysinit.target nftables.service
"""

FIREWALL_UNIT = "potions-firewall.service"


def render_platform_units(server: Server, *, python: Path, dashboard_address: str) -> Mapping[str, str]:
    """The units by their names. ``python`` is the interpreter of one version, not of whichever is in force.

    A part that runs while Potions is installed anew would else read modules of two versions.
    """
    units = {
        "potions-caddy.service": _caddy(server),
        "potions-agent.socket": _socket("the agent", server.agent_socket, "potions-agent", "root", ADMIN_GROUP, 0o660),
        "potions-agent-web.socket": _socket(
            "the agent for the dashboard", server.web_socket, "potions-agent", DASHBOARD_USER, DASHBOARD_USER, 0o600
        ),
        "potions-agent.service": _AGENT.format(apps=server.apps, state=server.state, python=python, walls=_WALLS),
        "potions-dashboard.socket": _socket(
            "the dashboard", server.dashboard_socket, "potions-dashboard", "root", CADDY_USER, 0o660
        ),
        "potions-dashboard.service": _dashboard(server, python, dashboard_address),
    }
    return {name: _HEAD.format(name=name) + text for name, text in units.items()}


def render_firewall_unit(server: Server) -> str:
    return _HEAD.format(name=FIREWALL_UNIT) + _FIREWALL.format(rules=server.firewall)


def render_run_entries(server: Server, directories: tuple[Directory, ...]) -> str:
    """For systemd-tmpfiles: the directories below ``/run``, which are gone after each boot."""
    lines = [
        f"d {one.path} {one.mode:04o} {one.user} {one.group} -\n"
        for one in directories
        if one.path.is_relative_to(server.run)
    ]
    return "# Written by Potions, and written anew when it changes.\n" + "".join(lines)


def _caddy(server: Server) -> str:
    return _CADDY.format(
        apps=server.apps,
        data=server.caddy_data,
        user=CADDY_USER,
        program=server.caddy_program,
        caddyfile=server.caddyfile,
        run=server.caddy_socket.parent,
        state=server.state,
        dashboard=server.dashboard_key.parent,
        walls=_HIGHER_WALLS,
    )


def _dashboard(server: Server, python: Path, address: str) -> str:
    return _DASHBOARD.format(
        user=DASHBOARD_USER,
        state_name=server.dashboard_key.parent.name,
        python=python,
        address=address,
        apps=server.apps,
        state=server.state,
        caddy=server.caddy,
        walls=_HIGHER_WALLS,
    )


def _socket(of: str, path: Path, service: str, user: str, group: str, mode: int) -> str:
    return _SOCKET.format(of=of, path=path, service=f"{service}.service", user=user, group=group, mode=mode)
