"""Caddy's sites: one an app that names both slots, so no deploy changes it; by plain HTTP and, on a server, HTTPS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent

import msgspec

from potions.layout import Colour
from potions.render.caddy_words import quote

_DEFAULT_PORT = 80

_SITE = """\
{addresses} {{
{bind}	root * {root}
	@probe header Potions-Probe {token}
{gates}	@green file /green
	handle @green {{
{green}
	}}
	handle {{
{blue}
	}}
	handle_errors 502 {{
		header Retry-After 5
{silence}	}}
}}
"""

_SILENCE = """		@empty not file /release.json
		respond @empty "nothing is deployed here yet" 503
		respond "this app is not running" 503
"""
# What a slot holds is not for a server's Caddy to read, and to look at a file it opens it.
_SILENCE_ON_A_SERVER = """		respond "nothing runs here now" 503
"""

_HANDLER = """\
		header @probe >Potions-Slot {colour}
		reverse_proxy 127.0.0.1:{port} {{
{upstream}
		}}"""

_UPSTREAM = """\
			header_up X-Forwarded-Proto https
{rewritten_up}			header_up -Potions-Probe
{rewritten_down}			header_down -Potions-Slot
			stream_close_delay 24h
			transport http {{
				keepalive 1s
			}}"""

# `map` and not the placeholder itself: an address is cut at its first slash. It is looked up anew at each try.
_GATE = """\
	map {{http.request.host}} {{{name}}} {{
		default {port}
	}}
	@hold_{colour} file {{
		root {folder}
		try_files /hold
	}}
"""

_GATED_HANDLER = """\
		handle @hold_{colour} {{
			reverse_proxy 127.0.0.1:{{{name}}} {{
				lb_try_duration {patience}
				lb_try_interval 100ms
{upstream}
			}}
		}}
		handle {{
{plain}
		}}"""

#: How long a request is held at most: as long as a release may take to stop. What ends the wait is the agent, or the
#: client.
_PATIENCE = "24h"


class Site(msgspec.Struct, frozen=True):
    """What Caddy has to know of an app."""

    app: str
    hosts: Sequence[str]
    """The names it answers at on this computer, by plain HTTP, without a port."""
    http_port: int
    ports: tuple[int, int]
    """Blue's, then green's."""
    live_root: Path
    """The link that decides. Caddy reads its path as a pattern, so it must have none of ``[ ] * ? { }`` in it."""
    probe_token: str
    """Only a request with this in ``Potions-Probe`` is told which slot answered."""
    gates: Mapping[Colour, Path] | None = None
    """For an app whose requests are held in a hand-over: the file of each slot's gate, beside its ``hold``."""
    bind: str = ""
    """The only address that the plain names listen on; empty where the main file says so for all."""
    domains: Sequence[str] = ()
    """The names it answers at from everywhere, by HTTPS with certificates of their own."""


def render_site(site: Site) -> str:
    """One app's site. Exactly one look at the file system decides between the colours.

    With one look a colour, a rename between the two finds neither. Idle connections to the app are closed after 1 s,
    before the app does (Node and uvicorn after 5 s, gunicorn after 2): a POST on one that the app is just closing would
    fail, and no proxy may send it again. The error route speaks when a slot's port is closed;
    an app's own 502 passes through as it is.

    With gates, a slot that has a file ``hold`` gets its requests by the port that stands in its ``gate``. A port where
    nobody listens (0) has Caddy try again, with the number as it is then: so whoever waits goes on where it is worth
    it, to the new slot, or to the old one if the new one failed. Each slot's own folder is looked into and not the
    live one: a switch between the two looks changes nothing. Requests that do not wait never go this way.
    """
    blocks = [_block(site, _plain_addresses(site), f"\tbind {site.bind}\n" if site.bind else "", _behind_http(site))]
    if site.domains:
        blocks.append(_block(site, ", ".join(site.domains), "", ("", "")))
    return "\n".join(blocks)


def _plain_addresses(site: Site) -> str:
    """The domains too where there are gates: a held visitor of a domain comes here, through the proxy's own port."""
    names = [*site.hosts, *(site.domains if site.gates else ())]
    return ", ".join(f"http://{host}:{site.http_port}" for host in names)


def _block(site: Site, addresses: str, bind: str, rewritten: tuple[str, str]) -> str:
    """The same for plain names and for domains, upstream addresses too: Caddy counts what is in flight by them."""
    up, down = rewritten
    upstream = _UPSTREAM.format(rewritten_up=up, rewritten_down=down)
    return _SITE.format(
        addresses=addresses,
        bind=bind,
        root=quote(str(site.live_root)),
        token=quote(site.probe_token),
        silence=_SILENCE_ON_A_SERVER if site.bind else _SILENCE,
        gates="".join(_gate(site.app, colour, gate) for colour, gate in (site.gates or {}).items()),
        green=_handler(site, Colour.GREEN, site.ports[1], upstream),
        blue=_handler(site, Colour.BLUE, site.ports[0], upstream),
    )


def gate_address(app: str, colour: Colour) -> str:
    """How Caddy calls the upstream behind a gate, for example where it counts requests in flight."""
    return f"127.0.0.1:{{{_gate_name(app, colour)}}}"


def _gate_name(app: str, colour: Colour) -> str:
    return f"gate_{app}_{colour.value}"


def _gate(app: str, colour: Colour, gate: Path) -> str:
    return _GATE.format(
        name=_gate_name(app, colour),
        port=quote(f"{{file.{gate}}}"),
        colour=colour.value,
        folder=quote(str(gate.parent)),
    )


def _handler(site: Site, colour: Colour, port: int, upstream: str) -> str:
    plain = _HANDLER.format(colour=colour.value, port=port, upstream=upstream)
    if site.gates is None:
        return plain
    return _GATED_HANDLER.format(
        colour=colour.value,
        name=_gate_name(site.app, colour),
        patience=_PATIENCE,
        upstream=indent(upstream, "\t"),
        plain=indent(plain, "\t"),
    )


def _behind_http(site: Site) -> tuple[str, str]:
    """What is rewritten on the way to a slot and back where visitors come by plain HTTP.

    A slot is told that they come by HTTPS, because many apps refuse or redirect all others. So the origin of the app's
    own pages has to say the same, or Django and Rails refuse every form; and where the app answers with an address of
    its own, the browser has to be sent to where it came from. At a domain it is true, and nothing is rewritten.
    """
    hosts = "|".join(map(re.escape, site.hosts))
    # A browser leaves the default port out.
    own = f"(?:{hosts})" + ("(?::80)?" if site.http_port == _DEFAULT_PORT else f":{site.http_port}")
    plain, secure = quote(f"^http://({own})$"), quote(f"^https://({own}(?:[/?#].*)?)$")
    return f"\t\t\theader_up Origin {plain} https://$1\n", f"\t\t\theader_down Location {secure} http://$1\n"
