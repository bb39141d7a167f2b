"""The stage of every bench: a Potions of its own, apps deployed in it, both slots running, a proxy beside."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from potions.embedded import load_settings
from potions.host.account import account_of, own_account
from potions.host.below import Below
from potions.host.caddy import Caddy
from potions.host.files import provision
from potions.host.programs import caddy_program
from potions.host.supervisord import Supervisord
from potions.host.trees import Trees
from potions.layout import Colour, Home
from potions.model.service import slot_service
from potions.schema import Deployment
from potions.settings import Settings
from support.platform import Platform, free_port
from support.releases import as_tar_gz, behave_release

_TIMEOUT = 120.0
#: Blue's version and green's, once `deploy_both` is done.
VERSIONS = {Colour.BLUE: "1", Colour.GREEN: "2"}


class BenchBroken(RuntimeError):
    """What was to be measured did not come about."""


@contextmanager
def platform() -> Iterator[Platform]:
    """A Potions that runs, and is gone afterwards."""
    running = Platform()
    try:
        yield running.up()
    finally:
        running.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A directory for releases and floors, on the file system where the platform's home is too."""
    with tempfile.TemporaryDirectory(prefix="pb-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def trees_of(running: Platform) -> Trees:
    """The product's own switch, over the home of ``running``."""
    account = account_of(load_settings(running.home).app_user)
    return Trees(account, Below(account))


def send(running: Platform, app: str, archive: Path) -> str:
    """Bring an archive to the server; the release's id."""
    with running.client as client:
        return client.send_release(app, archive.name, [archive.read_bytes()], packed_bytes=archive.stat().st_size).id


def deploy(running: Platform, app: str, archive: Path) -> Deployment:
    """Deploy an archive and wait until the slot before has retired."""
    release = send(running, app, archive)
    with running.client as client:
        return settled(running, app, client.deploy(app, release).number)


def settled(running: Platform, app: str, number: int) -> Deployment:
    """A deployment when it has ended and nothing drains for it; raises BenchBroken where it did not serve."""
    with running.client as client:
        for _ in client.events(app, number, follow=True, drain=True):
            pass
        deployment = client.deployment(app, number)
    if not deployment.status.served:
        raise BenchBroken(f"deployment {number} of {app}: {deployment.status.value}\n{running.report()}")
    return deployment


def deploy_both(running: Platform, app: str, make: Callable[[str], Path]) -> None:
    """Deploy version 1 to blue and version 2 to green, and have both run. ``make(version)`` gives the archive.

    The deploy of version 2 retires blue, so it is started again as the platform starts it, through its supervisor.
    """
    with running.client as client:
        client.create_app(app)
    for version in VERSIONS.values():
        deploy(running, app, make(version))
    Supervisord(running.home).start(slot_service(app, Colour.BLUE))
    wait_until(lambda: all(answers(port(running, app, colour)) for colour in Colour), f"both slots of {app} answer")


def behave_archive(place: Path, version: str, name: str = "behave", manifest: str | None = None) -> Path:
    """The archive of a behave app that says ``version``."""
    return as_tar_gz(behave_release(place / f"{name}-{version}", version, manifest=manifest))


def still_archive(place: Path, version: str) -> Path:
    """The archive of an app that is a Caddy with one fixed answer: the quickest there is behind a proxy."""
    release = place / f"still-{version}"
    release.mkdir()
    (release / "Caddyfile").write_text(
        "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n"
        f'http://:{{$PORT}} {{\n\tbind 127.0.0.1\n\theader X-Version {version}\n\trespond "still\n"\n}}\n'
    )
    words = f"exec {caddy_program()} run --adapter caddyfile --config Caddyfile"
    (release / "Procfile").write_text(f"web: {words}\n")
    return as_tar_gz(release)


def port(running: Platform, app: str, colour: Colour) -> int:
    """Where a slot listens."""
    with running.client as client:
        return next(slot.port for slot in client.app(app).slots if slot.colour is colour)


def _settings(port: int) -> Settings:
    """Of a proxy without a platform around it."""
    return Settings(http_port=port, first_port=0, epmd_port=0, probe_token="", app_user="", search_path="")


class Proxy:
    """A Caddy as the platform starts it, with the same main file, in front of one site of the bench's choosing.

    A process of the bench, as the one it is compared with: Linux shares the processor out among sessions first, so one
    of the platform's session would be scheduled in another way, and that alone changed its cost a request by half.
    """

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self._home = Home(place / f"proxy-{self.port}")
        provision(self._home.entries(), own_account())
        self._caddy = Caddy(self._home, _settings(self.port))
        self._caddy.write_caddyfile()
        words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(self._home.caddyfile)]
        with self._home.part_log("caddy").open("wb") as log:
            self._popen = subprocess.Popen(words, env=self._caddy.environment(), stdout=log, stderr=log)
        self._process = psutil.Process(self._popen.pid)
        wait_until(self._caddy.is_up, "the proxy is up")

    def serve(self, site: str) -> None:
        """Have it serve this site and no other."""
        self._home.site("only").write_text(site)
        self._caddy.load()

    def processor_seconds(self) -> float:
        """How much processor time it has used so far."""
        times = self._process.cpu_times()
        return times.user + times.system

    def close(self) -> None:
        """End it."""
        self._popen.terminate()
        self._popen.wait(_TIMEOUT)


@contextmanager
def proxy(place: Path) -> Iterator[Proxy]:
    """A Caddy beside the platform's."""
    started = Proxy(place)
    try:
        yield started
    finally:
        started.close()


def answers(at: int) -> bool:
    """Whether somebody accepts connections on a port of this computer."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", at)) == 0


def wait_until(condition: Callable[[], bool], what: str, every: float = 0.02) -> None:
    """Wait until ``condition`` holds; raises BenchBroken when it does not come about."""
    deadline = time.monotonic() + _TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise BenchBroken(f"in {_TIMEOUT:g} s it did not happen: {what}")
        time.sleep(every)


def quiet_disk() -> None:
    """Bring everything to the disk, so that no round pays for what another has written."""
    os.sync()
