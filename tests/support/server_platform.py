"""A whole Potions with a server's settings on a small Internet: domains, certificates and HTTPS as on a server.

Its tree is that of a home and its programs are kept alive by supervisord, so that it stands beside others of its kind.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from potions.settings import ServerSettings
from support.bare_home import bare_settings
from support.platform import Platform, wait_for
from support.small_internet import HERE, HERE_IPV6, SmallInternet


class ServerPlatform(Platform):
    """One that visitors of a small Internet come to."""

    def __init__(self, net: SmallInternet, **server: Any) -> None:
        super().__init__()
        self.net = net
        settings = msgspec.structs.replace(
            bare_settings(self.http_port),
            first_port=self.first_port,
            search_path=os.environ["PATH"],
            server=ServerSettings(
                **{
                    "address": "box.example.com",
                    "addresses": (HERE, HERE_IPV6),
                    "certificates": net.certificates,
                    **server,
                }
            ),
        )
        self.home.root.mkdir()
        self.home.root.chmod(0o755)
        self.home.settings.write_bytes(msgspec.json.encode(settings))

    def visit(self, url: str, **options: Any) -> httpx.Response:
        """A request of somebody on this Internet, on a connection of its own; certificates are looked at."""
        return httpx.get(url, verify=self.net.visitor(), trust_env=False, timeout=60, **options)

    def wait_for_certificate(self, name: str) -> None:
        """Wait until visitors of a name are shown a certificate that they trust."""
        wait_for(lambda: self.has_certificate(name), f"a certificate of {name}")

    def has_certificate(self, name: str) -> bool:
        try:
            with (
                socket.create_connection((HERE, 443), 10) as plain,
                self.net.visitor().wrap_socket(plain, server_hostname=name),
            ):
                return True
        except OSError:
            return False

    def add_domain(self, app: str, name: str) -> None:
        """Make its record, add it, and wait for its certificate."""
        self.net.dns.point(name, HERE)
        self.do("domains", "add", app, name)
        self.wait_for_certificate(name)


@contextmanager
def server_platform(net: SmallInternet, **server: Any) -> Iterator[ServerPlatform]:
    """One that is up until the end of the block."""
    made = ServerPlatform(net, **server)
    try:
        made.up()
        yield made
    finally:
        made.close()
