"""Caddy behind the proxy port. It is reloaded only when a site's text differs; a switch never comes here."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from potions.errors import ProxyRefused
from potions.flows.ports import Answer
from potions.host.files import remove_tree, write_atomically
from potions.host.programs import caddy_program
from potions.layout import CADDY_USER, SITE_MODE, AppTree, Colour, Home, Server
from potions.render.caddy import Site, gate_address, render_site
from potions.render.caddyfile import render_caddyfile
from potions.settings import Settings

PROBE_HEADER = "Potions-Probe"
SLOT_HEADER = "Potions-Slot"
_TIMEOUT = 10.0
#: A check takes 50 ms; a machine that is busy with builds may take long.
_PATIENCE = 60.0
#: Seconds that a change of the sites waits for a hand-over of another app at most.
_LONGEST_WAIT = 300.0
_WHICH_SITE = "See which site is wrong: potions doctor"


@dataclass(frozen=True)
class InFlight:
    """How many requests each address behind the proxy still answers."""

    _by_address: Mapping[str, int]

    def of(self, app: str, colour: Colour, port: int) -> int:
        """Those of a slot, on its port and through its gate."""
        return sum(self._by_address.get(address, 0) for address in (f"127.0.0.1:{port}", gate_address(app, colour)))


#: The public names of an app, asked for by its own; read while the sites are locked, so that no change is lost.
PublicNames = Callable[[str], Sequence[str]]


def no_public_names(_app: str) -> Sequence[str]:
    """In an embedded home no app has any."""
    return ()


class Caddy:
    """The Caddy of a home or a server, spoken to through the unix socket of its admin endpoint."""

    def __init__(self, home: Home, settings: Settings, public_names: PublicNames = no_public_names) -> None:
        self._home = home
        self._settings = settings
        self._public_names = public_names
        #: A server's Caddy has a user of its own, whose group the folder of the sites passes on.
        self._mode = SITE_MODE if isinstance(home, Server) else 0o600
        self._http_port = settings.http_port
        self._probe_token = settings.probe_token
        #: Held while the sites change; told when nobody is held at a gate any more.
        self._calm = threading.Condition()
        self._holding: set[str] = set()
        # Neither speaks TLS, and reading the certificate authorities takes 50 ms.
        transport = httpx.HTTPTransport(uds=str(home.caddy_socket), verify=False)
        self._admin = httpx.Client(transport=transport, base_url="http://localhost", timeout=_TIMEOUT)
        self._visitor = httpx.Client(timeout=_TIMEOUT, verify=False, trust_env=False)  # noqa: S501 - plain HTTP

    def put_site(self, app: str, ports: tuple[int, int], tree: AppTree, *, gated: bool) -> bool:
        """Write and load an app's site; True if it changed. A refused one is taken back; Caddy keeps what it had."""
        path = self._home.site(app)
        with self._calm:
            if not self._differs(path, self.site_text(app, ports, tree, gated=gated)):
                return False
        with self._change():
            text = self.site_text(app, ports, tree, gated=gated)
            before = path.read_bytes() if path.exists() else None
            self._mark_unloaded()
            write_atomically(path, text, self._mode)
            try:
                self._load()
            except ProxyRefused:
                self._restore(path, before)
                raise
            return True

    def site_text(self, app: str, ports: tuple[int, int], tree: AppTree, *, gated: bool) -> bytes:
        """What stands in an app's site."""
        return render_site(
            Site(
                app=app,
                hosts=[f"{app}.localhost"],
                http_port=self._http_port,
                ports=ports,
                live_root=tree.live,
                probe_token=self._probe_token,
                gates={colour: tree.gate(colour) for colour in Colour} if gated else None,
                bind="" if self._settings.server is None else "127.0.0.1",
                domains=() if self._settings.server is None else self._public_names(app),
            )
        ).encode()

    def remove_site(self, app: str) -> None:
        """Take an app out of the proxy; one that is not there is fine."""
        path = self._home.site(app)
        if not path.exists() and not self._home.unloaded.exists():
            return
        with self._change():
            self._mark_unloaded()
            remove_tree(path, below=self._home.caddy)
            self._load()

    def amend(self, write: Mapping[str, bytes], remove: Iterable[str]) -> None:
        """Write some sites, remove others, write the main file, and load all of it at once.

        At once, because Caddy refuses every site for one that is broken. Raises ProxyRefused; what was written stays,
        and Caddy runs with what it had.
        """
        with self._change():
            self._mark_unloaded()
            for app, text in write.items():
                write_atomically(self._home.site(app), text, self._mode)
            for app in remove:
                remove_tree(self._home.site(app), below=self._home.caddy)
            self.write_caddyfile()
            self._load()

    def difference(self) -> str | None:
        """How what Caddy runs with differs from what is on disk: not at all (None), or in words.

        Raises ProxyRefused where it does not answer.
        """
        headers = {"Content-Type": "text/caddyfile"}
        try:
            on_disk = self._admin.post("/adapt", content=self._home.caddyfile.read_bytes(), headers=headers)
            loaded = self._admin.get("/config/")
        except httpx.HTTPError as error:
            raise self._no_answer(error) from error
        except FileNotFoundError:
            return "There is no main file."
        if on_disk.status_code != 200:
            return f"Caddy would refuse it: {_refusal(on_disk)}"
        return None if on_disk.json()["result"] == loaded.json() else "It was changed since it was loaded."

    @property
    def own_port(self) -> int:
        return self._http_port

    def begin_hold(self, app: str) -> None:
        with self._calm:
            self._holding.add(app)

    def end_hold(self, app: str) -> None:
        with self._calm:
            self._holding.discard(app)
            self._calm.notify_all()

    def sites(self) -> list[str]:
        """The apps that have a site."""
        return sorted(path.stem for path in self._home.sites.glob("*.caddy"))

    def write_caddyfile(self) -> None:
        """Write the file that Caddy starts with and that every load sends."""
        write_atomically(self._home.caddyfile, self.caddyfile_text(), self._mode)

    def put_caddyfile(self, *, load: bool) -> None:
        """Write that file and load it, or only see that Caddy would take it. A refused one is taken back."""
        path = self._home.caddyfile
        with self._change():
            before = path.read_bytes() if path.exists() else None
            self._mark_unloaded()
            self.write_caddyfile()
            try:
                if load:
                    self._load()
                else:
                    self._validate()
                    # Caddy reads it when it starts, and runs with nothing older then.
                    remove_tree(self._home.unloaded, below=self._home.caddy)
            except ProxyRefused:
                self._restore(path, before)
                raise

    def caddyfile_text(self) -> bytes:
        """What stands in that file."""
        return render_caddyfile(self._home, self._settings).encode()

    def load(self) -> None:
        """Load what is on disk; raises ProxyRefused and leaves what was in force."""
        with self._change():
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
        return self.every_in_flight().of(app, colour, port)

    def every_in_flight(self) -> InFlight:
        """The requests that all slots of all apps still answer, by one look."""
        try:
            upstreams = self._admin.get("/reverse_proxy/upstreams").json() or []
        except httpx.HTTPError:
            return InFlight({})
        counts: Counter[str] = Counter()
        for upstream in upstreams:
            counts[upstream["address"]] += upstream["num_requests"]
        return InFlight(counts)

    def ask(self, app: str, path: str) -> Answer | None:
        """GET an app's ``path`` through the proxy, on a fresh connection; None when no answer came."""
        headers = {"Host": f"{app}.localhost", PROBE_HEADER: self._probe_token, "Connection": "close"}
        try:
            with self._visitor.stream("GET", f"http://127.0.0.1:{self._http_port}{path}", headers=headers) as answer:
                return Answer(answer.status_code, answer.headers.get(SLOT_HEADER, ""))
        except httpx.HTTPError:
            return None

    def _differs(self, path: Path, text: bytes) -> bool:
        return self._home.unloaded.exists() or not path.exists() or path.read_bytes() != text

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Alone, and while nobody waits at a gate: a load ends the waiting of everybody who does, with an error."""
        with self._calm:
            self._calm.wait_for(lambda: not self._holding, _LONGEST_WAIT)
            yield

    def _restore(self, path: Path, before: bytes | None) -> None:
        if before is None:
            remove_tree(path, below=self._home.caddy)
        else:
            write_atomically(path, before, self._mode)

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
            raise self._no_answer(error) from error
        if answer.status_code != 200:
            raise ProxyRefused("Caddy refused its configuration.", why=_refusal(answer), do=_WHICH_SITE)
        remove_tree(self._home.unloaded, below=self._home.caddy)

    def _validate(self) -> None:
        command = [
            caddy_program(self._home),
            "validate",
            "--adapter",
            "caddyfile",
            "--config",
            str(self._home.caddyfile),
        ]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
                env=self.environment(),
                **self._as_caddy(),
            )
        except subprocess.TimeoutExpired as error:
            what = f"Caddy did not check its configuration within {_PATIENCE:.0f} s."
            raise ProxyRefused(what, do="Try again once the computer is less busy.") from error
        if done.returncode != 0:
            why = _last_error(done.stderr)
            raise ProxyRefused("Caddy would refuse this configuration.", why=why, do=_WHICH_SITE)

    def _no_answer(self, error: httpx.HTTPError) -> ProxyRefused:
        why = str(error)
        if isinstance(error, httpx.ConnectError):
            why = "It does not run: nothing listens at its own socket."
        return ProxyRefused("Caddy does not answer.", why=why, do=f"See why: {self._home.how_to_read_caddy}")

    def _as_caddy(self) -> dict[str, Any]:
        """A check makes certificates where there are none yet: as root, Caddy could not read its own."""
        if not isinstance(self._home, Server):
            return {}
        return {"user": CADDY_USER, "group": CADDY_USER, "extra_groups": ()}

    def environment(self) -> dict[str, str]:
        """The environment Caddy runs with: nothing of ours, and its own files inside the home."""
        folder = str(self._home.caddy_data if isinstance(self._home, Server) else self._home.caddy)
        return {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "PATH": "/usr/bin:/bin"}


def _last_error(told: str) -> str:
    """What the last line about an error says; Caddy writes most of them as JSON."""
    lines = [line for line in told.splitlines() if "error" in line.lower()] or [told]
    try:
        said = str(json.loads(lines[-1])["msg"])
    except (ValueError, KeyError, TypeError):
        said = lines[-1]
    return said[:500]


def _refusal(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])[:500]
    except (ValueError, KeyError, TypeError):
        return answer.text[:500]


def wait_until_up(caddy: Caddy, timeout: float) -> bool:
    """Wait until Caddy answers; False when it did not within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if caddy.is_up():
            return True
        time.sleep(0.05)
    return False
