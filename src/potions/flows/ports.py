"""What the flows need of the world, as protocols. What is behind each is chosen in ``wiring`` alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Failure, Release, SlotContent, Status, Unpacked
from potions.model.output import Printed, Source, Wanted
from potions.model.plan import ReleaseFiles, Shipped, Strategy
from potions.model.service import Service, ServiceState


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer, as far as a check needs it."""

    status: int
    slot: str = ""
    """Which slot answered, where the request went through the proxy."""


class Supervisor(Protocol):
    """Keeps the programs of the apps running. Names are those of ``model.service``."""

    def install(self, service: Service) -> None:
        """Make the service known, or change a stopped one; does not start it."""

    def renew(self, services: Iterable[Service]) -> None:
        """Write what it knows of these as this version of Potions writes it. What runs of them runs on as it is."""

    def start(self, name: str) -> None:
        """Start a service and return at once. A running one stays as it is."""

    def stop(self, names: list[str], grace: float, cut_short: Callable[[], bool] = ...) -> None:
        """SIGTERM to the whole group of each; SIGKILL after ``grace`` seconds, or once ``cut_short`` says so.

        Returns when all of them have ended. A service that is stopped or unknown is fine.
        """

    def state(self, name: str) -> ServiceState: ...

    def states(self) -> Mapping[str, ServiceState]:
        """Every service of this home, in one call."""

    def remove(self, name: str) -> None:
        """Forget a service; it is stopped first. An unknown one is fine."""

    def is_running(self, name: str) -> bool: ...

    def keep_stopped(self, app: str, *, stopped: bool) -> None:
        """Whether the services of an app stay down when the computer starts; the agent may come up after them."""


class OutputReader(Protocol):
    """The lines that programs of an app printed, and those that come. Closed by whoever has it."""

    def read(self) -> list[Printed]:
        """The whole lines that came since the last call, each once; a megabyte or so. Does not wait for any.

        Raises FileNotFoundError once the app is gone.
        """

    def is_at_end(self) -> bool:
        """Whether the last ``read`` gave all that there was."""

    def fileno(self) -> int | None:
        """What becomes readable as soon as there is more; None where only looking tells."""

    def close(self) -> None:
        """Again and again is fine."""


class OutputFile(Protocol):
    """All that is kept of what one program printed, on its way out. Closed by whoever has it."""

    @property
    def size(self) -> int | None:
        """In bytes; None where nobody knows before it was read."""

    def pieces(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Again and again is fine."""


class Outputs(Protocol):
    """What the programs of the apps print: kept for a while by whoever it is, and read back.

    Raises OutputUnreadable where that one does not answer.
    """

    def now(self, app: App, source: Source) -> str:
        """A place: behind all that the program has printed until now. The empty one is before all of it."""

    def since(self, app: App, source: Source, place: str, lines: int) -> list[str]:
        """The last lines that it printed since, also one that it has not ended."""

    def processes(self, app: App) -> list[str]:
        """``web``, then every worker that runs or of which output is kept."""

    def begin_with_last(self, app: App, wanted: Wanted, lines: int, slots: Collection[Colour]) -> OutputReader:
        """Read the last lines of each program in those slots, and what comes from now on of all that is wanted."""

    def begin_after(self, app: App, wanted: Wanted, cursor: str) -> OutputReader:
        """Read what came behind the line with that cursor. Raises RequestRefused for one of nothing wanted here."""

    def whole(self, app: App, source: Source) -> OutputFile:
        """All that is kept of one program."""


class Erlang(Protocol):
    """Who maps the names of Erlang nodes to ports: epmd."""

    @property
    def is_of_slots(self) -> bool:
        """Whether each slot has one of its own, which its node starts; else the platform has one for all."""

    def ensure_port_mapper(self, tree: AppTree, colour: Colour, port: int) -> int:
        """Have an epmd run, taken from the release in that slot where there is none yet; returns its port."""


class Log(Protocol):
    """The kept log of one deployment. Values of variables are blacked out on the way in."""

    def status(self, status: Status) -> None: ...
    def began(self, step: str) -> None: ...
    def ended(self, step: str, seconds: float) -> None: ...
    def undone(self, step: str) -> None: ...
    def note(self, text: str) -> None: ...
    def output(self, text: str) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def failed(self, step: str, failure: Failure) -> None: ...
    def hide(self, values: Mapping[str, str]) -> None:
        """Black these values out from here on."""


class Records(Protocol):
    """What the runner remembers of a deployment, so that a crash finds its way."""

    def set_strategy(self, deployment_id: int, strategy: Strategy) -> None: ...
    def step_began(self, deployment_id: int, name: str, status: Status | None = None) -> None: ...
    def step_ended_and_began(
        self, deployment_id: int, ended: str, began: str, status: Status | None = None
    ) -> None: ...
    def step_ended(self, deployment_id: int, name: str) -> None: ...
    def step_undone(self, deployment_id: int, name: str) -> None: ...
    def succeed(self, deployment_id: int) -> None: ...
    def fail(self, deployment_id: int, failure: Failure) -> None: ...
    def cancel(self, deployment_id: int) -> None: ...


class Proxy(Protocol):
    """The program in front of all apps."""

    def put_site(self, app: str, ports: tuple[int, int], tree: AppTree, *, gated: bool) -> bool:
        """Make the proxy know an app; True if anything changed. Raises ProxyRefused and leaves what was.

        Only a ``gated`` site can hold requests.
        """

    def remove_site(self, app: str) -> None: ...

    @property
    def own_port(self) -> int:
        """Where it listens itself."""

    def begin_hold(self, app: str) -> None:
        """Requests of an app wait from now on: no change of any site is loaded, which would end their waiting."""

    def end_hold(self, app: str) -> None:
        """They wait no longer."""

    def in_flight(self, app: str, colour: Colour, port: int) -> int:
        """Requests that the slot behind ``port`` still answers, WebSockets included."""

    def ask(self, app: str, path: str) -> Answer | None:
        """GET through the proxy; None when no answer came."""


class Network(Protocol):
    """Ports and processes of this computer."""

    def is_port_free(self, port: int) -> bool: ...

    def holder_of(self, port: int) -> str:
        """Who listens on the port, for people; empty when nobody does."""

    def processes_of(self, tree: AppTree, colour: Colour) -> set[int]:
        """What runs in a slot, by the marks in its environment."""

    def family_of(self, pid: int) -> set[int]:
        """A process and all that descend from it; nothing where there is no such process."""

    def end_processes(
        self, tree: AppTree, colour: Colour, grace: float, cut_short: Callable[[], bool] = ...
    ) -> Collection[int]:
        """End what is left of a slot, in the same way; returns what could not be ended."""

    def listening(self, pids: Collection[int]) -> list[tuple[str, int]]:
        """Where the processes listen: address and port."""

    def get(self, port: int, path: str, host: str) -> Answer | None:
        """GET on a slot's own port, as the proxy would ask; None when no answer came."""


class Terminals(Protocol):
    """The programs that people opened in the slots: consoles, and commands they run."""

    def end_slot(self, app: str, colour: Colour, why: str) -> None:
        """End what is open in a slot, as a terminal that is closed, and tell whoever has it open why.

        Returns when all of it has ended, after a few seconds at most.
        """


Report = Callable[[int, int], None]


class Trees(Protocol):
    """The directories of the apps. What lies below a slot or a storage is touched as the app's user only."""

    def live(self, tree: AppTree) -> Colour: ...

    def begin_sync(self, tree: AppTree) -> None:
        """Have what was written go to the disk meanwhile, so that ``point`` waits for less. Returns at once."""

    def point(self, tree: AppTree, colour: Colour, *, sync: bool = True) -> None:
        """THE switch: what was written is on disk, then one rename. Without ``sync`` it is known to be on disk."""

    def hold_requests(self, tree: AppTree, colour: Colour, ports: Collection[int]) -> None:
        """Have requests for a slot wait in the proxy from now on; those that wait already go on waiting.

        ``ports`` are where they may be sent afterwards. What that needs is made now: the disk may be full then.
        """

    def let_requests_go(self, tree: AppTree, colour: Colour, port: int) -> None:
        """Send those that wait for a slot to ``port``. Later ones are held on until ``end_hold``.

        Also on a full disk, if ``port`` was among those of ``hold_requests``.
        """

    def end_hold(self, tree: AppTree, colour: Colour) -> None:
        """Have requests for a slot go straight to it again."""

    def is_held(self, tree: AppTree, colour: Colour) -> bool:
        """Whether requests for a slot wait, or are sent elsewhere."""

    def holds(self, tree: AppTree, colour: Colour) -> SlotContent | None:
        """What can be run from a slot; raises AppDamaged where that was written down and cannot be read."""

    def record_of(self, tree: AppTree, colour: Colour) -> SlotContent | None:
        """The same, also where a slot's files were removed by hand since."""

    def discard_parked(self, tree: AppTree, colour: Colour) -> None:
        """Remove what a slot held before a deploy that is over."""

    def check_archive(self, tree: AppTree, release: Release) -> None:
        """Raises ReleaseUnknown where the kept archive is missing or has another size."""

    def verify_archive(self, tree: AppTree, release: Release) -> None:
        """The same, also where one byte of it is another one."""

    def unpack(
        self, tree: AppTree, colour: Colour, release: Release, *, report: Report, cancelled: Callable[[], bool]
    ) -> Unpacked:
        """Unpack beside the slots, and say what the release turned out to hold."""

    def place(self, tree: AppTree, colour: Colour, content: SlotContent) -> None:
        """Park what the slot holds and put the unpacked release there."""

    def put_back(self, tree: AppTree, colour: Colour) -> None:
        """Undo ``unpack`` and ``place``, however far they got."""

    def rewrite_holds(self, tree: AppTree, colour: Colour, content: SlotContent) -> None:
        """Say that the slot runs for another deployment now."""

    def inspect(self, tree: AppTree, colour: Colour) -> ReleaseFiles: ...

    def link_storage(self, tree: AppTree, colour: Colour, shipped: Shipped) -> list[str]: ...

    def write_environment(self, tree: AppTree, colour: Colour, environment: Mapping[str, str]) -> None: ...

    def size_of(self, path: Path) -> int:
        """The size of a file of the platform's own, 0 where it is missing."""

    def read_output(self, path: Path, offset: int) -> bytes:
        """What a log of the platform's got since ``offset``."""

    def discard_output(self, tree: AppTree, path: Path) -> None:
        """Remove a log, with what was rotated out of it."""

    def prune(self, tree: AppTree, release: Release) -> None:
        """Remove a kept archive."""
