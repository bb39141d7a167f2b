"""A switch on a real server, seen from outside: by HTTPS at the app's own domain, under load."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import httpx
import pytest

from support.platform import wait_for
from support.server import InstalledServer

DOMAIN = "gallery.test"
ROOT = "/var/lib/potions-caddy/data/pki/authorities/local/root.crt"


class Visitors:
    """Some who ask by HTTPS one after another, some on a kept connection and some on a new one each time."""

    def __init__(self, address: str, trusted: Path) -> None:
        self._address = address
        self._context = ssl.create_default_context(cafile=str(trusted))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(kept,)) for kept in (True, True, False)]
        self.answers: list[str] = []
        """A version, or what went wrong."""

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        wait_for(lambda: len(self.answers) > 20, "they are answered")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _visit(self, kept: bool) -> None:
        client = self._client()
        while not self._over.is_set():
            if not kept:
                client = self._client()
            try:
                answer = client.get(
                    f"https://{self._address}/", headers={"Host": DOMAIN}, extensions={"sni_hostname": DOMAIN}
                )
                self.answers.append(answer.json()["version"] if answer.status_code == 200 else str(answer.status_code))
            except httpx.HTTPError as error:
                self.answers.append(repr(error))

    def _client(self) -> httpx.Client:
        return httpx.Client(verify=self._context, timeout=30, trust_env=False)


@pytest.mark.contract("B1")
@pytest.mark.contract("P9")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_no_visitor_of_a_domain_notices_a_switch(fresh_server: InstalledServer, tmp_path: Path) -> None:
    """Deploys, a rollback and the agent's end: every request is answered, by the old release or the new one."""
    server = fresh_server
    server.do("server", "install", "--internal-certificates")
    server.do("apps", "create", "gallery")
    server.do("domains", "add", "gallery", DOMAIN, "--skip-dns-check")
    server.deploy("gallery", "one")
    server.settled("gallery")
    root = tmp_path / "root.crt"
    wait_for(lambda: server.machine.run(["test", "-s", ROOT]).status == 0, "Caddy has its own authority", 60)
    root.write_text(server.machine.read(ROOT))
    with Visitors(server.machine.address, root) as visitors:
        server.deploy("gallery", "two")
        server.do("rollback", "gallery")
        server.machine.do("systemctl kill --signal=KILL potions-agent.service")
        wait_for(lambda: server.potions("status").status == 0, "the agent is back", 60)
        server.deploy("gallery", "three")
    assert set(visitors.answers) == {"one", "two", "three"}
    environment = server.ask("gallery", "/env").json()
    assert "PHX_HOST" in environment
    plain = httpx.get(f"http://{server.machine.address}/", headers={"Host": DOMAIN}, trust_env=False)
    assert plain.status_code in {301, 308}
    assert plain.headers["location"].startswith(f"https://{DOMAIN}")
    unknown = httpx.get(f"http://{server.machine.address}/", headers={"Host": "else.test"}, trust_env=False)
    assert unknown.status_code == 404
