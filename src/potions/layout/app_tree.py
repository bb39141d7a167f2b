"""The tree of one app, in the same shape wherever it lies. Pure: nothing here touches the disk.

Each app has one directory. ``storage`` lies beside the two slots, never inside one, which is why it survives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal


class Colour(StrEnum):
    """The two slots of an app."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


#: Where ``.live`` points before anything was deployed. The first deploy goes to the idle slot, so to blue.
FIRST_LIVE = Colour.GREEN

Owner = Literal["platform", "app"]


@dataclass(frozen=True)
class Entry:
    """A directory of an app's tree: whose it is and its exact mode, whatever the umask says."""

    path: Path
    owner: Owner
    mode: int


@dataclass(frozen=True)
class AppTree:
    """Everything below one app's directory."""

    root: Path

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    def slot(self, colour: Colour) -> Path:
        return self.root / colour.value

    @property
    def current(self) -> Path:
        """What serves now, for people and scripts: ``current -> .live/slot``, never changed."""
        return self.root / "current"

    @property
    def live(self) -> Path:
        """The switch: a link to the marker of the live slot, replaced by one rename(2)."""
        return self.root / ".live"

    @property
    def live_new(self) -> Path:
        """The link that is about to become ``.live``."""
        return self.root / ".live.new"

    @property
    def slots(self) -> Path:
        return self.root / ".slots"

    def marker(self, colour: Colour) -> Path:
        """The folder ``.live`` points at; it names its slot by a file called as the colour."""
        return self.slots / colour.value

    def marker_name(self, colour: Colour) -> Path:
        """The empty file that Caddy looks for to decide between the colours."""
        return self.marker(colour) / colour.value

    def marker_slot(self, colour: Colour) -> Path:
        return self.marker(colour) / "slot"

    def holds(self, colour: Colour) -> Path:
        """``release.json``: which release and deployment the slot holds. Missing while it holds none."""
        return self.marker(colour) / "release.json"

    def gate(self, colour: Colour) -> Path:
        """The port that held requests go to: 0 while they are held. For hand-overs to this slot.

        A link to one of the ``gate_port`` files: turning it takes no room on the disk.
        """
        return self.marker(colour) / "gate"

    def gate_new(self, colour: Colour) -> Path:
        """The link that is about to become the gate."""
        return self.marker(colour) / "gate.new"

    def gate_port(self, colour: Colour, port: int) -> Path:
        """A file with the number of a port in it, made before requests are held."""
        return self.marker(colour) / f"port-{port}"

    def hold(self, colour: Colour) -> Path:
        """An empty file: while it is there, requests for this slot go through its gate."""
        return self.marker(colour) / "hold"

    def previous(self, colour: Colour) -> Path:
        """What a slot held before the deploy that runs now: the slot's directory and its ``release.json``."""
        return self.slots / f"{colour.value}.previous"

    def previous_slot(self, colour: Colour) -> Path:
        return self.previous(colour) / "slot"

    def previous_holds(self, colour: Colour) -> Path:
        return self.previous(colour) / "release.json"

    def incoming(self, colour: Colour) -> Path:
        """Where a release is unpacked before it is renamed into its slot."""
        return self.slots / f"{colour.value}.incoming"

    def env_file(self, colour: Colour) -> Path:
        return self.root / f".env.{colour.value}"

    @property
    def home(self) -> Path:
        """HOME of builds and of the app: caches, crash dumps."""
        return self.root / ".home"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    def archive(self, release: str, suffix: str) -> Path:
        """A kept archive, as it was sent. ``suffix`` says which kind it is: ``tar.gz``, ``zip`` …"""
        return self.releases / f"{release}.{suffix}"

    @property
    def puts(self) -> Path:
        """What is on its way into the storage: a file for each, which says where to. What a crash cut off is in it."""
        return self.root / ".puts"

    def put(self, token: str) -> Path:
        return self.puts / token

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def deployment_log(self, number: int) -> Path:
        """The kept log of one deployment: a JSON object a line."""
        return self.logs / f"deployment-{number}.jsonl"

    def output_log(self, colour: Colour) -> Path:
        """What the slot's processes print."""
        return self.logs / f"{colour.value}.log"

    def worker_log(self, colour: Colour, worker: str) -> Path:
        """What a worker of the slot prints."""
        return self.logs / f"{colour.value}.{worker}.log"

    def worker_of_log(self, log: Path) -> str | None:
        """The worker that a file of ``logs`` belongs to; None for every other file."""
        colour, dot, worker = log.name.removesuffix(".log").partition(".")
        return worker if dot and worker and colour in set(Colour) and log.suffix == ".log" else None

    def task_log(self, colour: Colour, task: str) -> Path:
        """What a one-shot (build, migrate) prints; read into the deployment's log while it runs."""
        return self.logs / f"{colour.value}-{task}.log"

    def entries(self) -> tuple[Entry, ...]:
        """The directories to make when an app is created, parents first. Slots come with their first deploy."""
        return (
            Entry(self.root, "platform", 0o755),
            Entry(self.storage, "app", 0o750),
            Entry(self.home, "app", 0o750),
            Entry(self.slots, "platform", 0o755),
            Entry(self.marker(Colour.BLUE), "platform", 0o755),
            Entry(self.marker(Colour.GREEN), "platform", 0o755),
            Entry(self.releases, "platform", 0o700),
            Entry(self.puts, "platform", PUTS_MODE),
            Entry(self.logs, "platform", 0o750),
        )


SLOT_MODE = 0o750
#: It has the manifest's defaults of variables in it.
HOLDS_MODE = 0o600
#: The app's user may see which puts there are; where they go to, only the platform reads.
PUTS_MODE = 0o755
ENV_FILE_MODE = 0o600
SECRET_KEY_MODE = 0o600
