"""Caddy behind the proxy port. It is reloaded only when a site's text differs; a switch never comes here."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import httpx

from potions.errors import ProxyRefused
from potions.flows.ports import Answer
from potions.host.files import remove_tree, write_atomically
from potions.host.programs import caddy_program
from potions.layout import AppTree, Colour, Home
from potions.render.caddy import Site, gate_address, render_caddyfile, render_site

PROBE_HEADER = "Potions-Probe"
SLOT_HEADER = "Potions-Slot"
_TIMEOUT = 10.0
#: A check takes 50 ms; a machine that is busy with builds may take long.
_PATIENCE = 60.0


class Caddy:
    """The Caddy of one embedded home, spoken to through the unix socket of its admin endpoint."""

    def __init__(self, home: Home, http_port: int, probe_token: str) -> None:
        self._home = home
        self._http_port = http_port
        self._probe_token = probe_token
        self._changing = threading.Lock()
        # Neither speaks TLS, and reading the certificate authorities takes 50 ms.
        transport = httpx.HTTPTransport(uds=str(home.caddy_socket), verify=False)
        self._admin = httpx.Client(transport=transport, base_url="http://localhost", timeout=_TIMEOUT)
        self._visitor = httpx.Client(timeout=_TIMEOUT, verify=False, trust_env=False)  # noqa: S501 - plain HTTP

    def put_site(self, app: str, ports: tuple[int, int], tree: AppTree, *, gated: bool) -> bool:
        """Write and load an app's site; True if it changed. A refused one is taken back; Caddy keeps what it had."""
        path = self._home.site(app)
        text = render_site(
            Site(
                app=app,
                hosts=[f"{app}.localhost"],
                http_port=self._http_port,
                ports=ports,
                live_root=tree.live,
                probe_token=self._probe_token,
                gates={colour: tree.gate(colour) for colour in Colour} if gated else None,
            )
        ).encode()
        with self._changing:
            before = path.read_bytes() if path.exists() else None
            if before == text and not self._home.unloaded.exists():
                return False
            self._mark_unloaded()
            write_atomically(path, text, 0o600)
            try:
                self._load()
            except ProxyRefused:
                self._restore(path, before)
                raise
            return True

    def remove_site(self, app: str) -> None:
        """Take an app out of the proxy; one that is not there is fine."""
        path = self._home.site(app)
        with self._changing:
            if path.exists() or self._home.unloaded.exists():
                self._mark_unloaded()
                remove_tree(path, below=self._home.caddy)
                self._load()

    def sites(self) -> list[str]:
        """The apps that have a site."""
        return sorted(path.stem for path in self._home.sites.glob("*.caddy"))

    def write_caddyfile(self) -> None:
        """Write the file that Caddy starts with and that every load sends."""
        write_atomically(self._home.caddyfile, render_caddyfile(self._home, self._http_port).encode(), 0o600)

    def load(self) -> None:
        """Load what is on disk; raises ProxyRefused and leaves what was in force."""
        with self._changing:
            self._load()

    def is_up(self) -> bool:
        """Whether a Caddy answers on this home's admin socket."""
        try:
            return self._admin.get("/config/admin").status_code == 200
        except httpx.HTTPError:
            return False

    def in_flight(self, app: str, colour: Colour, port: int) -> int:
        """Requests the slot behind ``port`` still answers, those that came through its gate too.

        A Caddy that is down holds none.
        """
        try:
            upstreams = self._admin.get("/reverse_proxy/upstreams").json() or []
        except httpx.HTTPError:
            return 0
        addresses = {f"127.0.0.1:{port}", gate_address(app, colour)}
        return sum(upstream["num_requests"] for upstream in upstreams if upstream["address"] in addresses)

    def ask(self, app: str, path: str) -> Answer | None:
        """GET an app's ``path`` through the proxy, on a fresh connection; None when no answer came."""
        headers = {"Host": f"{app}.localhost", PROBE_HEADER: self._probe_token, "Connection": "close"}
        try:
            with self._visitor.stream("GET", f"http://127.0.0.1:{self._http_port}{path}", headers=headers) as answer:
                return Answer(answer.status_code, answer.headers.get(SLOT_HEADER, ""))
        except httpx.HTTPError:
            return None

    def _restore(self, path: Path, before: bytes | None) -> None:
        if before is None:
            remove_tree(path, below=self._home.caddy)
        else:
            write_atomically(path, before, 0o600)

    def _mark_unloaded(self) -> None:
        """Remember it before a site changes: after a crash on the way its text alone would not tell."""
        write_atomically(self._home.unloaded, b"", 0o600)

    def _load(self) -> None:
        # Validated first: a refused load that lacks the admin block would move the endpoint away from us.
        self._validate()
        try:
            answer = self._admin.post(
                "/load", content=self._home.caddyfile.read_bytes(), headers={"Content-Type": "text/caddyfile"}
            )
        except httpx.HTTPError as error:
            raise ProxyRefused("Caddy does not answer.", why=str(error), do="See: potions status") from error
        if answer.status_code != 200:
            raise ProxyRefused("Caddy refused its configuration.", why=answer.text[:500])
        remove_tree(self._home.unloaded, below=self._home.caddy)

    def _validate(self) -> None:
        command = [caddy_program(), "validate", "--adapter", "caddyfile", "--config", str(self._home.caddyfile)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=self.environment()
            )
        except subprocess.TimeoutExpired as error:
            raise ProxyRefused(f"Caddy did not check its configuration within {_PATIENCE:.0f} s.") from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "Error" in line or "error" in line] or [done.stderr]
            raise ProxyRefused("Caddy would refuse this configuration.", why=lines[-1][:500])

    def environment(self) -> dict[str, str]:
        """The environment Caddy runs with: nothing of ours, and its own files inside the home."""
        folder = str(self._home.caddy)
        return {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "PATH": "/usr/bin:/bin"}


def wait_until_up(caddy: Caddy, timeout: float) -> bool:
    """Wait until Caddy answers; False when it did not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if caddy.is_up():
            return True
        time.sleep(0.05)
    return False
