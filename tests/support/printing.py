"""An app whose programs print what a test says, kept by the supervisor of a stage and read back through the port."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec

from potions.flows.ports import OutputReader, Outputs
from potions.host.file_outputs import FileOutputs
from potions.host.journal_outputs import JournalOutputs
from potions.layout import AppTree, Colour, Server
from potions.model.app import App, Ports
from potions.model.output import WEB, Printed, Source, Wanted, journal_fields
from potions.model.service import Service
from potions.names import AppName
from support.platform import wait_for
from support.supervised import Stage

GREEN, BLUE = Source(Colour.GREEN, WEB), Source(Colour.BLUE, WEB)
MAIL = Source(Colour.GREEN, "mail")
#: Prints what is put into its ``say``, and says by ``said`` when it has; a line ``end`` ends it.
_ECHO = """
import os, sys
os.mkfifo("say") if not os.path.exists("say") else None
open("ready", "w").close()
while True:
    with open("say", "rb") as told:
        data = told.read()
    os.remove("said") if os.path.exists("said") else None
    if data == b"end":
        sys.exit(3)
    while data:
        data = data[os.write(1, data):]
    open("said", "w").close()
"""
_IDS = count(int(datetime.now(UTC).timestamp()))


def outputs_of(stage: Stage) -> Outputs:
    """What reads back what this supervisor keeps."""
    return JournalOutputs(stage.home) if isinstance(stage.home, Server) else FileOutputs(stage.home)


@dataclass
class Printer:
    """An app, with programs that were begun."""

    stage: Stage
    app: App
    services: dict[Source, Service] = field(default_factory=dict)

    @property
    def outputs(self) -> Outputs:
        return outputs_of(self.stage)

    @property
    def tree(self) -> AppTree:
        return self.stage.home.app(self.app.name)

    def begin(self, source: Source) -> Service:
        """Have a program of the app run that prints on request."""
        name = source.service(self.app.name)
        service = self.stage.service(f"exec /usr/bin/python3 -c '{_ECHO}'", name=name)
        worker = self.tree.worker_log(source.slot, source.process)
        log = self.tree.output_log(source.slot) if source.process == WEB else worker
        service = msgspec.structs.replace(service, log_file=log, journal_fields=journal_fields(self.app))
        self.services[source] = service
        self.stage.supervisor.install(service)
        self.stage.supervisor.start(service.name)
        self._wait_until_it_listens(service)
        return service

    def print(self, source: Source, data: str | bytes) -> None:
        """Print exactly these bytes, and return once they are on their way."""
        folder = (self.services.get(source) or self.begin(source)).directory
        _tell(folder, data.encode() if isinstance(data, str) else data)
        wait_for((folder / "said").exists, f"{source} prints")

    def end(self, source: Source) -> None:
        """Have the program end by itself; the supervisor starts it again."""
        service = self.services[source]
        before = self.stage.supervisor.state(service.name).pid
        (service.directory / "ready").unlink()
        _tell(service.directory, b"end")
        self._wait_until_it_listens(service)
        assert self.stage.supervisor.state(service.name).pid != before

    def stop(self, source: Source) -> None:
        self.stage.supervisor.stop([self.services.pop(source).name], 5)

    def _wait_until_it_listens(self, service: Service) -> None:
        wait_for((service.directory / "ready").exists, f"{service.name} is up\n{self.stage.output(service)}")

    @contextmanager
    def last(
        self, lines: int, wanted: Wanted | None = None, slots: tuple[Colour, ...] = tuple(Colour)
    ) -> Iterator[OutputReader]:
        """A reader that begins with the last lines."""
        yield from _closed(self.outputs.begin_with_last(self.app, wanted or Wanted(), lines, slots))

    @contextmanager
    def after(self, cursor: str, wanted: Wanted | None = None) -> Iterator[OutputReader]:
        yield from _closed(self.outputs.begin_after(self.app, wanted or Wanted(), cursor))

    def read(self, lines: int = 1000, wanted: Wanted | None = None, *, until: int = 0) -> list[Printed]:
        """The last lines, asked for anew until there are so many: a supervisor takes its time to keep them."""

        def look() -> list[Printed] | None:
            with self.last(lines, wanted) as reader:
                found = everything(reader)
            return found if len(found) >= until else None

        return wait_for(look, f"{until} lines") if until else look() or []


def _closed(reader: OutputReader) -> Iterator[OutputReader]:
    try:
        yield reader
    finally:
        reader.close()


def _tell(folder: Path, data: bytes) -> None:
    said = folder / "said"
    said.unlink(missing_ok=True)
    descriptor = os.open(folder / "say", os.O_WRONLY)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def everything(reader: OutputReader) -> list[Printed]:
    """All there is now."""
    found = reader.read()
    while not reader.is_at_end():
        found += reader.read()
    return found


def more(reader: OutputReader, lines: int) -> list[Printed]:
    """The next so many lines, and those that came with them."""
    found: list[Printed] = []

    def look() -> bool:
        found.extend(reader.read())
        return len(found) >= lines

    wait_for(look, f"{lines} more lines")
    return found


def texts(lines: list[Printed]) -> list[str]:
    return ["GAP" if line.gap else line.text for line in lines]


@contextmanager
def printer_of(stage: Stage, name: str = "") -> Iterator[Printer]:
    """A new app, gone with its directory at the end."""
    number = next(_IDS)
    app = App(number, AppName(name or f"printer{number}"), Ports(4000), datetime.now(UTC))
    printer = Printer(stage, app)
    printer.tree.logs.mkdir(parents=True)
    try:
        yield printer
    finally:
        for service in printer.services.values():
            stage.supervisor.remove(service.name)
        shutil.rmtree(printer.tree.root, ignore_errors=True)
