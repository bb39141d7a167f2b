"""Consoles and commands: what people open in the live slot of an app, and the words about it in the audit log."""

from __future__ import annotations

import logging
import secrets
import shlex
import time
from dataclasses import dataclass
from pathlib import PurePath

from potions.errors import NothingDeployed, PotionsError, SlotGone, TooManyTerminals
from potions.host.terminals import OpenProgram
from potions.layout import AppTree
from potions.model.access import Principal
from potions.model.app import App
from potions.model.console import Console, choose_console
from potions.model.deployment import SlotContent
from potions.model.service import Limits
from potions.model.terminal import ProgramEnd, Purpose, TerminalProgram, Window
from potions.service.context import Context
from potions.service.people.audit import AuditService

_log = logging.getLogger(__name__)

#: At once: of one app, and of all of them.
MOST_OF_APP = 10
MOST = 50

_AGENT_STOPS = "Potions was stopped."


@dataclass(frozen=True)
class OpenTerminal:
    """What somebody opened, for whoever carries its bytes."""

    process: OpenProgram
    console: Console
    """What it is; for a command without a kind."""
    release: str
    """The label of the release it was opened in."""
    asker: Principal
    began: float


class TerminalService:
    """What may be asked about consoles and commands."""

    def __init__(self, context: Context, audit: AuditService) -> None:
        self._context = context
        self._audit = audit
        self._open: dict[str, OpenTerminal] = {}

    def open(self, asker: Principal, name: str, argv: tuple[str, ...] | None, window: Window | None) -> OpenTerminal:
        """Start a command, or the app's console, in the live slot with its variables. In the log before it runs.

        Raises NothingDeployed, SlotGone, TooManyTerminals, CommandNotStarted, and what the log refuses with.
        """
        app, tree = self._context.present(name)
        purpose = Purpose.CONSOLE if argv is None else Purpose.RUN
        decided: list[tuple[Console, SlotContent]] = []

        def choose(open_now: int) -> TerminalProgram:
            self._refuse_too_many(app, open_now)
            program, console, held = self._choose(app, tree, purpose, argv, window)
            decided.append((console, held))
            self._audit.write(asker, f"open {purpose.value}", app.name, told(console.argv), "ok")
            return program

        process = self._context.terminals.open(choose)
        console, held = decided[0]
        opened = OpenTerminal(process, console, held.label, asker, time.monotonic())
        self._open[process.program.name] = opened
        return opened

    def close(self, opened: OpenTerminal, why: str = "") -> ProgramEnd:
        """End it with all that came of it, whether it has ended by itself or not, and write that down. Once."""
        program = opened.process.program
        opened.process.end(why)
        end = opened.process.wait()
        if self._open.pop(program.name, None) is not None:
            self._context.terminals.forget(opened.process)
            self._write_end(opened, end)
        return end

    def end_all(self) -> None:
        """End all that is open: the agent stops."""
        self._context.terminals.end_all(_AGENT_STOPS)
        for opened in list(self._open.values()):
            self.close(opened, _AGENT_STOPS)

    def _refuse_too_many(self, app: App, open_now: int) -> None:
        if self._context.terminals.count(app.name) >= MOST_OF_APP:
            raise TooManyTerminals(f"of {app.name}", MOST_OF_APP)
        if open_now >= MOST:
            raise TooManyTerminals("of all apps together", MOST)

    def _choose(
        self, app: App, tree: AppTree, purpose: Purpose, argv: tuple[str, ...] | None, window: Window | None
    ) -> tuple[TerminalProgram, Console, SlotContent]:
        trees = self._context.trees
        colour = trees.live(tree)
        held = trees.record_of(tree, colour)
        if held is None:
            raise NothingDeployed(app.name)
        if not tree.slot(colour).is_dir() or not tree.env_file(colour).is_file():
            raise SlotGone(app.name, str(tree.slot(colour)))
        marks = trees.console_marks(tree, colour)
        said = held.plan.manifest.console if held.plan else None
        console = choose_console(said, marks) if argv is None else Console("", argv)
        program = TerminalProgram(
            app=app.name,
            colour=colour,
            purpose=purpose,
            token=secrets.token_hex(6),
            argv=console.argv,
            app_directory=tree.root,
            directory=tree.slot(colour),
            env_file=tree.env_file(colour),
            account=self._context.world.account,
            window=window,
            limits=held.plan.manifest.limits if held.plan else Limits(),
            path_first=(str(tree.slot(colour) / marks.environment / "bin"),) if marks.environment else (),
        )
        return program, console, held

    def _write_end(self, opened: OpenTerminal, end: ProgramEnd) -> None:
        program = opened.process.program
        seconds = time.monotonic() - opened.began
        why = f"; {opened.process.why}" if opened.process.why else ""
        detail = f"{told(program.argv)}: {end} after {seconds:.0f} s{why}"
        try:
            self._audit.write(opened.asker, f"end {program.purpose.value}", program.app, detail, "ok")
        except PotionsError as error:
            # It has ended in any case; nothing is left that could be refused.
            _log.error("not in the audit log: %s, end of %s: %s (%s)", opened.asker.name, program.name, detail, error)


def shown_command(console: Console) -> str:
    """A command as a person would type it; of a text for a shell, the text."""
    match console.argv:
        case ("/bin/sh" | "sh", "-c", text):
            return text
    return shlex.join(console.argv)


def told(argv: tuple[str, ...]) -> str:
    """A command for the log: its program, and how many words it was given. They may be passwords."""
    more = len(argv) - 1
    program = PurePath(argv[0]).name
    return program if not more else f"{program} and {more} {'word' if more == 1 else 'words'}"
