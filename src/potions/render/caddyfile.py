"""Caddy's main file: what holds for every site, the dashboard, and an answer where no app has the name asked for."""

from __future__ import annotations

from potions.layout import Home
from potions.render.caddy_words import quote
from potions.settings import DASHBOARD_HOST, Certificates, ServerSettings, Settings

_HERE = "127.0.0.1"

_EMBEDDED = """\
{{
	admin {admin}
	persist_config off
	storage file_system {data}
	http_port {http_port}
	default_bind 127.0.0.1
	auto_https off
	grace_period 10s
	log {{
		output stderr
		level WARN
	}}
	servers {{
		protocols h1
	}}
}}
"""

# The log of certificates is a file of Caddy's own: the agent reads there why one could not be got.
_SERVER = """\
{{
	admin {admin}
	persist_config off
	storage file_system {data}
	grace_period 10s
	skip_install_trust
{certificates}	log {{
		output stderr
		level WARN
	}}
	log certificates {{
		output file {certificate_log} {{
			roll_size 1MiB
			roll_keep 1
		}}
		format json
		level INFO
		include tls.obtain tls.renew tls.issuance
	}}
	servers 127.0.0.1:{http_port} {{
		protocols h1
	}}
}}
"""

_IMPORT = """\

import {sites}
"""

_DASHBOARD = """\

{address} {{
{bind}	@asset path /static/*
	encode @asset zstd gzip
	reverse_proxy {dashboard} {{
		stream_close_delay 24h
	}}
	handle_errors 502 {{
		header Retry-After 5
		respond "The dashboard is not running. Start it with: {start}" 503
	}}
}}
"""

_NO_APP = """\

http://{address} {{
{bind}	respond "no app of that name here" 404
}}
"""


def render_caddyfile(home: Home, settings: Settings) -> str:
    """The main file, of an embedded home or of a server.

    Caddy waits ``grace_period`` for requests in flight when it stops, without a limit if there is none. HTTP/1 alone
    on plain HTTP, because the other protocols need TLS and Caddy warns of that at every load.

    An embedded home listens on this computer alone. A server does that too, with the same names, and beside it on
    every address: the domains of its apps and of the dashboard by HTTPS, plain HTTP for the way there.
    """
    if settings.server is None:
        return _render_embedded(home, settings.http_port)
    return _render_server(home, settings.http_port, settings.server)


def _render_embedded(home: Home, http_port: int) -> str:
    options = _EMBEDDED.format(
        admin=quote(f"unix/{home.caddy_socket}"), data=quote(str(home.caddy_data)), http_port=http_port
    )
    return options + _sites(home) + _here(home, http_port, "", "potions up")


def _render_server(home: Home, http_port: int, server: ServerSettings) -> str:
    options = _SERVER.format(
        admin=quote(f"unix/{home.caddy_socket}"),
        data=quote(str(home.caddy_data)),
        certificates=_certificates(server.certificates),
        certificate_log=quote(str(home.certificate_log)),
        http_port=http_port,
    )
    start = "systemctl start potions-dashboard"
    dashboard = _dashboard(home, server.dashboard, "", start) if server.dashboard else ""
    everywhere = _NO_APP.format(address="", bind="")
    return options + _sites(home) + _here(home, http_port, f"\tbind {_HERE}\n", start) + dashboard + everywhere


def _here(home: Home, http_port: int, bind: str, start: str) -> str:
    """What answers on this computer alone, by plain HTTP."""
    dashboard = _dashboard(home, f"http://{DASHBOARD_HOST}:{http_port}", bind, start)
    return dashboard + _NO_APP.format(address=f":{http_port}", bind=bind)


def _sites(home: Home) -> str:
    return _IMPORT.format(sites=quote(str(home.sites / "*.caddy")))


def _dashboard(home: Home, address: str, bind: str, start: str) -> str:
    socket = quote(f"unix/{home.dashboard_socket}")
    return _DASHBOARD.format(address=address, bind=bind, dashboard=socket, start=start)


def _certificates(wanted: Certificates) -> str:
    if wanted.internal:
        return "\tlocal_certs\n"
    options = {"email": wanted.email, "acme_ca": wanted.directory, "acme_ca_root": wanted.root}
    return "".join(f"\t{option} {quote(value)}\n" for option, value in options.items() if value)
