"""A small Internet of a test's own: a network namespace with a DNS server and an authority that speaks ACME.

Needs root. Everything that is started inside, threads and programs, is on it; ports 80 and 443 are free there.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from potions.host.programs import caddy_program
from potions.settings import Certificates
from support.dns_server import DnsServer
from support.platform import wait_for

#: The server's addresses, from the ranges for documentation.
HERE = "192.0.2.10"
HERE_IPV6 = "2001:db8::10"
ELSEWHERE = "192.0.2.99"
AUTHORITY = "ca.example.net"
#: A name for which it gives no certificate.
DENIED = "denied.example.com"
_AUTHORITY_PORT = 14_000
_NEW_NETWORK, _NEW_MOUNTS, _NEW_VIEW_OF_FILES = 0x40000000, 0x00020000, 0x00000200

_AUTHORITY_FILE = """\
{{
	admin off
	persist_config off
	storage file_system {folder}
	skip_install_trust
	auto_https disable_redirects
	log {{
		level ERROR
	}}
}}
https://{name}:{port} {{
	bind 127.0.0.1
	tls internal
	acme_server {{
		resolvers udp/127.0.0.1:53
		deny {{
			domains {denied}
		}}
	}}
}}
"""


class SmallInternet(NamedTuple):
    """What a test finds on it."""

    dns: DnsServer
    certificates: Certificates
    """The settings by which a server gets its certificates here."""
    root: Path
    """The root certificate of the authority, by which visitors know it."""

    def visitor(self) -> ssl.SSLContext:
        """How a browser of this Internet looks at certificates."""
        context = ssl.create_default_context(cafile=str(self.root))
        # Its authority's own certificates live for a day, and say less than Python has asked for since 3.13.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        return context


@contextmanager
def small_internet() -> Iterator[SmallInternet]:
    """Be on it until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="pt-net-", dir="/tmp"))
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        closing.enter_context(_own_network(folder))
        server = DnsServer(53)
        closing.callback(server.close)
        server.point(AUTHORITY, "127.0.0.1")
        closing.enter_context(_authority(folder))
        root = folder / "pki" / "authorities" / "local" / "root.crt"
        certificates = Certificates(
            directory=f"https://{AUTHORITY}:{_AUTHORITY_PORT}/acme/local/directory", root=str(root)
        )
        wait_for(lambda: root.exists() and _answers(certificates.directory, root), "the authority answers")
        yield SmallInternet(server, certificates, root)


@contextmanager
def _own_network(folder: Path) -> Iterator[None]:
    """A network of this thread's own, and mounts of its own, because of the one file that names DNS servers."""
    before = [(os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY), flag) for kind, flag in _NAMESPACES]
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_NEW_NETWORK | _NEW_MOUNTS))
    try:
        resolv = folder / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\n")
        for words in (
            ("mount", "--make-rprivate", "/"),
            ("mount", "--bind", str(resolv), os.path.realpath("/etc/resolv.conf")),
            ("ip", "link", "set", "lo", "up"),
            ("ip", "address", "add", f"{HERE}/32", "dev", "lo"),
            ("ip", "address", "add", f"{HERE_IPV6}/128", "dev", "lo", "nodad"),
        ):
            subprocess.run(words, check=True, capture_output=True)
        yield
    finally:
        # Threads that were started meanwhile share this one's view of files, and would keep it where it is.
        _check(libc.unshare(_NEW_VIEW_OF_FILES))
        for descriptor, flag in before:
            _check(libc.setns(descriptor, flag))
            os.close(descriptor)


_NAMESPACES = (("net", _NEW_NETWORK), ("mnt", _NEW_MOUNTS))


def _check(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def _authority(folder: Path) -> Iterator[None]:
    file = folder / "Caddyfile"
    file.write_text(_AUTHORITY_FILE.format(folder=folder, name=AUTHORITY, port=_AUTHORITY_PORT, denied=DENIED))
    words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(file)]
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": os.defpath}
    with (folder / "authority.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _answers(directory: str, root: Path) -> bool:
    context = ssl.create_default_context(cafile=str(root))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    try:
        return httpx.get(directory, verify=context, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
