"""The parts of the platform itself: supervisord, Caddy and the agent."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from potions.model.doctor.cures import EMBEDDED, Cures
from potions.model.doctor.finding import Finding, Kind, Severity
from potions.model.service import Phase

_UP = "potions up"
_ON_SERVER = "; on a server: "

NEVER_STARTED = Kind("never-started", Severity.ERROR, "Potions was never started in this home.", f"Start it: {_UP}")
NOT_RUNNING = Kind("not-running", Severity.ERROR, "Potions is stopped, and its apps with it.", f"Start it: {_UP}")
LEFT_BEHIND = Kind(
    "left-behind",
    Severity.ERROR,
    "supervisord is gone, and what it kept running runs on: nothing starts it again when it ends.",
    f"{_UP} ends what is left and starts everything anew; potions down only ends it",
)
SUPERVISOR_DOWN = Kind(
    "supervisor-down",
    Severity.ERROR,
    "supervisord, or on a server systemd, does not answer: no app can be deployed, started or stopped.",
    f"{_UP} starts everything anew{_ON_SERVER}see systemctl status",
)
PROXY_DOWN = Kind(
    "proxy-down",
    Severity.ERROR,
    "Caddy does not run, or does not answer: no visitor reaches any app.",
    f"{_UP}{_ON_SERVER}sudo systemctl start potions-caddy",
    "starts it, where nothing else has its port",
)
PROXY_OUTDATED = Kind(
    "proxy-outdated",
    Severity.WARNING,
    "Caddy's program was replaced since it started, as by an upgrade: the old one runs on.",
    "When visitors can wait for a moment: potions down, then potions up"
    f"{_ON_SERVER}sudo systemctl restart potions-caddy",
)
AGENT_DOWN = Kind(
    "agent-down",
    Severity.ERROR,
    "The agent does not run, or ends again and again. The apps serve on; nothing can be asked for.",
    f"{_UP}{_ON_SERVER}sudo systemctl start potions-agent",
    "starts it",
)
AGENT_SILENT = Kind(
    "agent-silent",
    Severity.ERROR,
    "The agent runs and does not answer. For a minute after a start it may be settling what a crash left.",
    "Look again in a minute; then see the end of its log",
)
AGENT_VERSION = Kind(
    "agent-version",
    Severity.WARNING,
    "The agent is of another version than this command.",
    f"{_UP} starts it anew{_ON_SERVER}sudo potions server install",
)
PROGRAM_MISSING = Kind(
    "program-missing",
    Severity.ERROR,
    "A program that Potions brings along is missing or cannot be run.",
    f"Install Potions again, with all its dependencies{_ON_SERVER}sudo potions server install",
)

KINDS = (
    NEVER_STARTED,
    NOT_RUNNING,
    LEFT_BEHIND,
    SUPERVISOR_DOWN,
    PROXY_DOWN,
    PROXY_OUTDATED,
    AGENT_DOWN,
    AGENT_SILENT,
    AGENT_VERSION,
    PROGRAM_MISSING,
)


#: So many ends in two minutes are no accident any more.
_OFTEN = 3
AGAIN_SECONDS = 120.0


class PartSeen(msgspec.Struct, frozen=True):
    """One part, as the supervisor and the part itself tell of it."""

    phase: Phase
    answers: bool
    log: str
    """Where it writes what it has to say."""
    last_lines: str = ""
    """The end of that."""
    replaced: bool = False
    """Its program was removed or replaced since it started."""
    cures: Cures = EMBEDDED
    ends: int = 0
    """How often it ended by itself in the last two minutes: what takes long to fail seems to run meanwhile."""


def judge_proxy(seen: PartSeen) -> Iterator[Finding]:
    """Caddy runs, answers, and is the program that is installed."""
    if not seen.answers:
        yield PROXY_DOWN.found(
            f"Caddy does not answer. Its process: {seen.phase.value}.",
            place="caddy",
            expected="It runs, and answers the agent.",
            why=seen.last_lines,
            do=seen.cures.lost_proxy if seen.phase is Phase.ABSENT else seen.cures.proxy,
            fixable=seen.phase not in {Phase.ABSENT, Phase.RUNNING, Phase.STOPPING},
        )
    elif seen.replaced:
        yield PROXY_OUTDATED.found(
            "Caddy runs from a program that was replaced since.", place="caddy", do=seen.cures.old_proxy
        )


def judge_agent(seen: PartSeen) -> Iterator[Finding]:
    """The agent, asked about because it did not answer."""
    again = seen.phase is Phase.CRASHING or seen.ends >= _OFTEN
    if seen.phase is Phase.RUNNING and not again:
        yield AGENT_SILENT.found(
            "The agent runs, and does not answer.",
            place="agent",
            why=seen.last_lines,
            do=f"Look again in a minute. Its log is {seen.log}",
        )
    else:
        yield AGENT_DOWN.found(
            "The agent ends again and again." if again else f"The agent does not run: {seen.phase.value}.",
            place="agent",
            expected="It runs.",
            why=seen.last_lines,
            do=f"What it says last stands above; its whole log is {seen.log}" if again else seen.cures.agent,
            fixable=not again,
        )
