"""The rules of a server's firewall: a table of Potions' own, which leaves every other one as it is."""

from __future__ import annotations

from collections.abc import Iterable

_RULES = """\
# Written by Potions, and written anew when it changes. Rules of your own belong into a table of your own.
table inet potions
delete table inet potions

table inet potions {{
	chain input {{
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif lo accept
		ct state invalid drop
		meta l4proto {{ icmp, ipv6-icmp }} accept
		udp sport 67 udp dport 68 accept
		udp sport 547 udp dport 546 accept
		tcp dport {{ {tcp} }} accept
		udp dport 443 accept
	}}
}}
"""


def render_firewall(ssh_ports: Iterable[int]) -> str:
    """What nft reads. In one transaction: at no moment is there no table, or half of one."""
    ports = sorted({*ssh_ports, 80, 443})
    return _RULES.format(tcp=", ".join(map(str, ports)))
