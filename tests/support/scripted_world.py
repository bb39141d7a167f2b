"""A world for the flows in which a test says what is seen: states, answers, listeners, logs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar

from potions.errors import OutputUnreadable
from potions.flows.ports import Answer
from potions.flows.run import SlotRun, World
from potions.host.epmd import SlotEpmds
from potions.layout import AppTree, Colour
from potions.model.app import App, Ports
from potions.model.deployment import Release, SlotContent
from potions.model.output import Source
from potions.model.plan import ReleaseFiles
from potions.model.service import Account, Phase, Service, ServiceState
from potions.names import AppName
from support.remembering import DEPLOYMENT, Log, Records, Remembered

T = TypeVar("T")

RUNNING = ServiceState(Phase.RUNNING, pid=100)
PORTS = Ports(4000)
TREE = AppTree(Path("/nowhere/apps/blog"))


def lasting(items: Iterable[T]) -> Iterator[T]:
    """The items, and then the last of them for ever."""
    every = list(items)
    return chain(every, repeat(every[-1]))


@dataclass
class Script:
    """What is seen, look by look; the last look goes on for ever. The app's slot is blue, its port 4000."""

    manifest: str = ""
    procfile: str = "web: serve"
    states: Iterable[ServiceState] = (RUNNING,)
    """Of the slot's ``web``."""
    every_state: Iterable[dict[str, ServiceState]] = ({},)
    """Of all services, where all are asked for."""
    answers: Iterable[Answer | None] = (Answer(200),)
    asked: Iterable[Answer | None] = (Answer(200, "blue"),)
    in_flight: Iterable[int] = (0,)
    listening: dict[int, list[tuple[str, int]]] = field(default_factory=lambda: {100: [("127.0.0.1", 4000)]})
    """Process by process."""
    marked: set[int] = field(default_factory=lambda: {100})
    """The processes that are known by their environment."""
    holder: str = "nginx (process 55)"
    free: set[int] = field(default_factory=set)
    """Ports at which nobody listens."""
    unreadable: bool = False
    """What programs printed cannot be read back."""
    unending: set[int] = field(default_factory=set)
    output: dict[str, bytes] = field(default_factory=dict)
    """Logs by their file's name, and what a process printed by its own."""
    remembered: Remembered = field(default_factory=Remembered)

    def run(self, **more: Any) -> SlotRun:
        """A run of a deployment in this world."""
        world = World(
            supervisor=_Supervisor(self),  # type: ignore[arg-type]
            proxy=_Proxy(self),  # type: ignore[arg-type]
            network=_Network(self),  # type: ignore[arg-type]
            trees=_Trees(self),  # type: ignore[arg-type]
            outputs=_Outputs(self),  # type: ignore[arg-type]
            erlang=SlotEpmds(9480, 4000),
            terminals=_Terminals(),
            account=Account("nobody", 65534, 65534, switch=False),
            search_path=lambda: "/usr/bin",
        )
        given: dict[str, Any] = {
            "deployment": DEPLOYMENT,
            "log": Log(self.remembered),
            "records": Records(self.remembered),
            "world": world,
            "app": App(1, AppName("blog"), PORTS, datetime(2026, 1, 1, tzinfo=UTC)),
            "tree": TREE,
            "slot": Colour.BLUE,
            "variables": {},
            "served": lambda _number: True,
            "releases_to_prune": lambda _keep: [],
            "forget_release": lambda release: self.remembered.tell("forget", release.label),
            "mark_drained": lambda: self.remembered.tell("drained"),
        }
        return SlotRun(**(given | more))

    @property
    def notes(self) -> list[str]:
        return [said.removeprefix("note ") for said in self.remembered.of("log") if said.startswith("note")]

    @property
    def lines(self) -> list[str]:
        """The app's own lines in the log."""
        return [said.removeprefix("output ") for said in self.remembered.of("log") if said.startswith("output")]


class _Supervisor:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._states = lasting(script.states)
        self._every = lasting(script.every_state)

    def install(self, service: Service) -> None:
        self._script.remembered.tell("install", service.name)

    def start(self, name: str) -> None:
        self._script.remembered.tell("start", name)

    def remove(self, name: str) -> None:
        self._script.remembered.tell("remove", name)

    def states(self) -> dict[str, ServiceState]:
        return next(self._every)

    def state(self, name: str) -> ServiceState:
        assert name in ("blog.blue", "blog.green")
        return next(self._states)

    def stop(self, names: list[str], grace: float, cut_short: Callable[[], bool] = lambda: False) -> None:
        how = "at once" if cut_short() else "in its time"
        self._script.remembered.tell("stop", ",".join(names), f"{grace:g}", how)


class _Terminals:
    """In this world nobody has a console open."""

    def end_slot(self, app: str, colour: Colour, why: str) -> None:
        pass


class _Proxy:
    own_port = 8080

    def __init__(self, script: Script) -> None:
        self._script = script
        self._asked = lasting(script.asked)
        self._in_flight = lasting(script.in_flight)

    def ask(self, app: str, path: str) -> Answer | None:
        assert (app, path[:1]) == ("blog", "/")
        return next(self._asked)

    def begin_hold(self, app: str) -> None:
        self._script.remembered.tell("calm for", app)

    def end_hold(self, app: str) -> None:
        self._script.remembered.tell("calm no more for", app)

    def in_flight(self, app: str, colour: Colour, port: int) -> int:
        assert (app, port) == ("blog", PORTS.of(colour))
        return next(self._in_flight)


class _Network:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._answers = lasting(script.answers)

    def get(self, port: int, path: str, host: str) -> Answer | None:
        assert (port, host) == (4000, "blog.localhost")
        self._script.remembered.tell("get", path)
        return next(self._answers)

    def is_port_free(self, port: int) -> bool:
        return port in self._script.free

    def holder_of(self, port: int) -> str:
        assert port == 4000
        return self._script.holder

    def processes_of(self, tree: AppTree, colour: Colour) -> set[int]:
        assert (tree, colour) == (TREE, Colour.BLUE)
        return self._script.marked

    def family_of(self, pid: int) -> set[int]:
        return {pid} if pid else set()

    def listening(self, pids: Collection[int]) -> list[tuple[str, int]]:
        return sorted(where for pid in pids for where in self._script.listening.get(pid, []))

    def end_processes(
        self, tree: AppTree, colour: Colour, grace: float, cut_short: Callable[[], bool] = lambda: False
    ) -> Collection[int]:
        assert tree == TREE
        self._script.remembered.tell("end", colour.value, f"{grace:g}")
        return self._script.unending


class _Trees:
    def __init__(self, script: Script) -> None:
        self._script = script

    def inspect(self, tree: AppTree, colour: Colour) -> ReleaseFiles:
        return ReleaseFiles(manifest=self._script.manifest, procfile=self._script.procfile)

    def point(self, tree: AppTree, colour: Colour, *, sync: bool = True) -> None:
        self._script.remembered.tell("point", colour.value, "after a sync" if sync else "at once")

    def hold_requests(self, tree: AppTree, colour: Colour, ports: Collection[int]) -> None:
        self._script.remembered.tell("hold", colour.value)

    def let_requests_go(self, tree: AppTree, colour: Colour, port: int) -> None:
        self._script.remembered.tell("let go", colour.value, port)

    def end_hold(self, tree: AppTree, colour: Colour) -> None:
        self._script.remembered.tell("end hold", colour.value)

    def record_of(self, tree: AppTree, colour: Colour) -> SlotContent | None:
        return SlotContent(DEPLOYMENT.release.id, "r2", 2)

    def size_of(self, path: Path) -> int:
        return len(self._script.output.get(path.name, b""))

    def read_output(self, path: Path, offset: int) -> bytes:
        data = self._script.output.get(path.name, b"")
        return data[offset if offset <= len(data) else 0 :]

    def discard_parked(self, tree: AppTree, colour: Colour) -> None:
        self._script.remembered.tell("discard parked", colour.value)

    def prune(self, tree: AppTree, release: Release) -> None:
        self._script.remembered.tell("prune", release.label)


class _Outputs:
    """Places count bytes."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def now(self, app: App, source: Source) -> str:
        return str(len(self._printed(source)))

    def since(self, app: App, source: Source, place: str, lines: int) -> list[str]:
        if self._script.unreadable:
            raise OutputUnreadable("The journal cannot be read.", why="It is broken.")
        return self._printed(source)[int(place or 0) :].decode(errors="replace").splitlines()[-lines:]

    def _printed(self, source: Source) -> bytes:
        assert source.slot is Colour.BLUE
        return self._script.output.get(source.process, b"")
