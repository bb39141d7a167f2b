"""A Potions whose agent kills itself at a named point of a flow, and what must hold once it is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from potions.errors import AgentLost, AgentUnreachable
from potions.host.processes import slot_processes
from potions.layout import Colour
from potions.packing import open_release
from potions.schema import Deployment, SlotDetail
from support.platform import Platform, wait_for
from support.releases import behave_release

APP = "blog"
STORED = b"a customer's file"

TASKS = """
[run]
start = "python3 behave.py"
migrate = "echo migrated >> storage/migrations.txt"
[build]
command = "echo built > built.txt"
[deploy]
drain = "1s"
"""


class Crashing:
    """A Potions with one app, whose agent dies on order. ``storage/kept.txt`` must never change."""

    def __init__(self, platform: Platform, releases: Path, manifest: str = TASKS) -> None:
        self.platform = platform
        self._releases = releases
        self._manifest = manifest
        self._order = platform.folder / "die-at"
        self._made = 0

    def prepare(self) -> None:
        """The app, with a release that serves, one to go back to, and an older one."""
        self.platform.client.create_app(APP)
        for version in ("older", "first", "second"):
            assert self.follow(self.deploy(version)).status == "succeeded"
        stored = self.platform.request("PUT", APP, "/file?path=storage/kept.txt", content=STORED)
        assert stored.is_success

    def deploy(self, version: str, **behaviour: object) -> int:
        """Send a release and have it deployed; the deployment's number. Does not wait."""
        self._made += 1
        folder = behave_release(self._releases / str(self._made), version, manifest=self._manifest, **behaviour)  # type: ignore[arg-type]
        source = open_release(folder)
        sent = self.platform.client.send_release(APP, source.name, source.chunks())
        return self.asked(lambda: self.platform.client.deploy(APP, sent.id))

    def rollback(self, to: str | None = None) -> int:
        """Have the app rolled back; the deployment's number. Does not wait."""
        return self.asked(lambda: self.platform.client.rollback(APP, to))

    def asked(self, ask: Callable[[], Deployment]) -> int:
        """The number of a deployment that is asked for, also where the agent dies before it has answered."""
        before = self._newest()
        try:
            return ask().number
        except AgentLost:
            return int(
                wait_for(lambda: self._newest() if self._newest() > before else 0, "what was asked for is there")
            )

    def _newest(self) -> int:
        try:
            return max((one.number for one in self.platform.client.deployments(APP, 1)), default=0)
        except (AgentUnreachable, AgentLost):
            return 0

    def follow(self, number: int) -> Deployment:
        """Wait for the end of a deployment and of its drain, however often the agent dies meanwhile."""

        def ended() -> Deployment | None:
            try:
                deployment = self.platform.client.deployment(APP, number)
            except (AgentUnreachable, AgentLost):
                return None
            return deployment if deployment.status.ended and not deployment.draining else None

        found = wait_for(ended, f"deployment {number} ends\n{self.platform.report()}", timeout=60)
        assert isinstance(found, Deployment)
        return found

    def die_at(self, point: str) -> None:
        self._order.write_text(point)

    def break_confirm(self) -> None:
        """Have Caddy run with sites that never say which slot answered. Visitors notice nothing."""
        home = self.platform.home
        other = self.platform.folder / "mute-sites"
        shutil.copytree(home.sites, other, dirs_exist_ok=True)
        for site in other.iterdir():
            site.write_text(site.read_text().replace("header Potions-Probe ", "header Potions-Probe never-"))
        self._load(home.caddyfile.read_text().replace(str(home.sites), str(other)))

    def mend_confirm(self) -> None:
        self._load(self.platform.home.caddyfile.read_text())

    def _load(self, caddyfile: str) -> None:
        transport = httpx.HTTPTransport(uds=str(self.platform.home.caddy_socket))
        with httpx.Client(transport=transport) as caddy:
            answer = caddy.post("http://localhost/load", content=caddyfile, headers={"Content-Type": "text/caddyfile"})
            assert answer.status_code == 200, answer.text

    def assert_died(self) -> None:
        """The point was reached, so the test tested something."""
        assert not self._order.exists(), f"the flow never came to {self._order.read_text()}"

    def holding(self) -> dict[Colour, str]:
        """Which version each slot holds on the disk."""
        tree = self.platform.tree(APP)
        return {colour: (tree.slot(colour) / "behaviour.json").read_text() for colour in Colour}

    def slots(self) -> list[SlotDetail]:
        return self.platform.client.app(APP).slots

    def assert_settled(self, version: str) -> None:
        """The four things that must hold after every crash."""
        platform, tree = self.platform, self.platform.tree(APP)
        live = platform.live(APP)
        # Exactly one slot serves, and it is the right one.
        wait_for(lambda: platform.version(APP) == version, f"{version} serves, not {platform.version(APP)}", timeout=20)
        states = {slot.colour: slot for slot in self.slots()}
        assert states[live].pid and not states[live.other].pid, states
        assert not slot_processes(tree.root, live.other)
        # Nothing is stuck, nothing half done is left.
        assert platform.client.status().running == []
        left = [path.name for path in tree.slots.iterdir() if path.name not in {"blue", "green"}]
        assert left == [], left
        assert not tree.hold(live).exists(), "visitors wait for nothing"
        assert not list(tree.releases.glob(".incoming-*"))
        # No stored byte is lost.
        assert (tree.storage / "kept.txt").read_bytes() == STORED
        # Both slots are whole: what serves, and what a rollback needs.
        for colour in Colour:
            assert (tree.slot(colour) / "storage").is_symlink()
            assert (tree.slot(colour) / "built.txt").read_text() == "built\n"
