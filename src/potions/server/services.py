"""Starting the parts: each is enabled, runs, and runs what is on the disk now. Only what has to is started anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from potions.client import Client
from potions.errors import AgentNotStarted, AgentUnreachable, InstallFailed, PotionsError
from potions.host.caddy import Caddy
from potions.layout import SERVER
from potions.schema import Status
from potions.server.gap import Gap
from potions.server.programs import answer_of, run
from potions.server.step import Say, Step
from potions.settings import Settings

_PROPERTIES = "Id,ActiveState,SubState,UnitFileState,ActiveEnterTimestampMonotonic,ExecMainStartTimestampMonotonic"
_POLL = 0.1
#: The agent settles what a crash left before it answers; stopping a slot may take its whole time.
_AGENT_SECONDS = 120.0
_LONGEST_DEPLOY = 300.0
#: An agent that says why it cannot start is started again within that time, in case that the reason passes.
_REASON_SECONDS = 10.0


@dataclass(frozen=True)
class Part:
    """A unit of the platform, and what it has to be started anew for."""

    unit: str
    inputs: tuple[Path, ...] = ()


def _unit_file(name: str) -> Path:
    return SERVER.units / name


CADDY = Part("potions-caddy.service", (_unit_file("potions-caddy.service"), SERVER.caddy_program))
AGENT = Part("potions-agent.service", (_unit_file("potions-agent.service"), SERVER.settings))
DASHBOARD = Part("potions-dashboard.service", (_unit_file("potions-dashboard.service"),))
#: Each with the service that has to be down while the socket is made anew.
SOCKETS = {
    Part("potions-agent.socket", (_unit_file("potions-agent.socket"),)): AGENT,
    Part("potions-agent-web.socket", (_unit_file("potions-agent-web.socket"),)): AGENT,
    Part("potions-dashboard.socket", (_unit_file("potions-dashboard.socket"),)): DASHBOARD,
}
PARTS = (CADDY, *SOCKETS, AGENT, DASHBOARD)


def proxy_step(settings: Settings) -> Step:
    """The proxy's main file, which Caddy starts with; where it runs, it is told at once."""
    return Step("proxy", lambda: _proxy_differences(settings), lambda say: _configure_proxy(settings, say))


def _proxy_differences(settings: Settings) -> list[str]:
    caddy = Caddy(SERVER, settings)
    if not SERVER.caddyfile.exists():
        return [f"{SERVER.caddyfile} is not there"]
    if SERVER.caddyfile.read_bytes() != caddy.caddyfile_text():
        return [f"{SERVER.caddyfile} has another text"]
    if not caddy.is_up() or _looks()[CADDY].is_stale:
        return []
    difference = caddy.difference()
    return [f"Caddy does not run with what is in {SERVER.caddy}: {difference}"] if difference else []


def _configure_proxy(settings: Settings, say: Say) -> None:
    caddy = Caddy(SERVER, settings)
    can_load = caddy.is_up() and not _looks()[CADDY].is_stale
    if can_load:
        # A load would end the waiting of visitors who are held in a hand-over.
        _wait_for_deploys(say, "Caddy was not told of its new configuration")
    caddy.put_caddyfile(load=can_load)


def services_step(settings: Settings) -> Step:
    return Step("services", _differences, lambda say: _start(settings, say))


@dataclass(frozen=True)
class _Look:
    is_enabled: bool
    is_up: bool
    is_stale: bool
    """It runs, and was started before something changed that it is made of."""

    @property
    def is_right(self) -> bool:
        return self.is_enabled and self.is_up and not self.is_stale


def _differences() -> list[str]:
    found = []
    looks = _looks()
    for part, look in looks.items():
        if not look.is_up:
            found.append(f"{part.unit} does not run")
        elif look.is_stale:
            found.append(f"{part.unit} runs what was there before")
        if not look.is_enabled:
            found.append(f"{part.unit} does not start with the computer")
    if reason := _why_not_started(looks[AGENT]):
        found.append(f"{AGENT.unit} cannot start: {reason}")
    return found


def _why_not_started(look: _Look) -> str:
    """Why the agent cannot start, where it says so: then it is up, for the time that this takes."""
    if not look.is_up:
        return ""
    try:
        with Client(SERVER.agent_socket) as client:
            client.status()
    except AgentNotStarted as error:
        return error.why
    except PotionsError:
        # What an agent of another version says is another step's concern.
        pass
    return ""


def _looks() -> dict[Part, _Look]:
    told = answer_of("systemctl", "show", f"--property={_PROPERTIES}", *(part.unit for part in PARTS))
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in told.strip().split("\n\n") if block]
    by_unit = {block["Id"]: block for block in blocks}
    return {part: _look(part, by_unit.get(part.unit, {})) for part in PARTS}


def _look(part: Part, said: dict[str, str]) -> _Look:
    is_up = said.get("ActiveState") == "active"
    began = int(said.get("ExecMainStartTimestampMonotonic") or said.get("ActiveEnterTimestampMonotonic") or 0)
    since = time.time() - time.monotonic() + began / 1e6
    changed = max((path.stat().st_mtime for path in part.inputs if path.exists()), default=0.0)
    return _Look(said.get("UnitFileState") == "enabled", is_up, is_up and changed > since)


def _start(settings: Settings, say: Say) -> None:
    looks = _looks()
    run(["systemctl", "daemon-reload"], "systemd cannot read its units.")
    disabled = [part.unit for part, look in looks.items() if not look.is_enabled]
    if disabled:
        run(["systemctl", "--quiet", "enable", *disabled], "The units cannot be enabled.")
    _start_caddy(looks[CADDY], settings, say)
    _start_agent(looks, say)
    _start_dashboard(looks)


def _start_caddy(look: _Look, settings: Settings, say: Say) -> None:
    if look.is_stale:
        with Gap(settings.http_port) as gap:
            _systemctl("restart", CADDY)
        say(f"Caddy was started anew; for {gap.seconds * 1000:.0f} ms nobody was answered")
    elif not look.is_up:
        say("starting Caddy")
        _systemctl("start", CADDY)


def _start_agent(looks: dict[Part, _Look], say: Say) -> None:
    sockets = [part for part, service in SOCKETS.items() if service is AGENT]
    is_right = all(looks[part].is_right for part in (*sockets, AGENT))
    if is_right and not _why_not_started(looks[AGENT]):
        return
    if looks[AGENT].is_up:
        _wait_for_deploys(say, "The agent was not started anew")
    if any(looks[part].is_stale or not looks[part].is_up for part in sockets):
        _systemctl("stop", AGENT)
        for part in sockets:
            _systemctl("restart", part)
    say("the agent is started anew" if looks[AGENT].is_stale else "starting the agent")
    _systemctl("restart", AGENT)
    _wait_until_it_answers()


def _start_dashboard(looks: dict[Part, _Look]) -> None:
    socket = next(part for part, service in SOCKETS.items() if service is DASHBOARD)
    if looks[socket].is_stale or not looks[socket].is_up:
        _systemctl("stop", DASHBOARD)
        _systemctl("restart", socket)
    elif looks[DASHBOARD].is_up and not looks[DASHBOARD].is_stale:
        return
    _systemctl("restart", DASHBOARD)


def _systemctl(verb: str, part: Part) -> None:
    try:
        run(["systemctl", verb, part.unit], f"systemd could not {verb} {part.unit}.")
    except InstallFailed as error:
        raise _not_up(part, error.what) from error


def _not_up(part: Part, what: str) -> InstallFailed:
    lines = answer_of("journalctl", "--no-pager", "--lines=8", "--output=cat", f"--unit={part.unit}")
    return InstallFailed(what, why=lines.strip(), do=f"Its whole log: journalctl -u {part.unit}")


def _refused(told: AgentNotStarted) -> InstallFailed:
    return InstallFailed(told.what, why=told.why, do=told.do)


def _wait_for_deploys(say: Say, undone: str) -> None:
    """Wait until none is on its way: those in the queue wait on over a restart."""
    deadline = time.monotonic() + _LONGEST_DEPLOY
    told = ""
    while running := _running_deploys():
        if running != told:
            say(f"waiting until this is over: {running}")
            told = running
        if time.monotonic() > deadline:
            raise InstallFailed(
                f"{undone}: {running} takes longer than {_LONGEST_DEPLOY / 60:.0f} minutes.",
                why="It would disturb the deploy.",
                do="Look with: potions status. Then run it again: sudo potions server install",
            )
        time.sleep(_POLL)


def _running_deploys() -> str:
    try:
        with Client(SERVER.agent_socket) as client:
            found = client.status().running
    except PotionsError:
        # One that does not answer, or in words of another version, is started anew in any case.
        return ""
    return ", ".join(f"deploy {one.number} of {one.app}" for one in found if one.status is not Status.QUEUED)


def _wait_until_it_answers() -> None:
    deadline = time.monotonic() + _AGENT_SECONDS
    told: AgentNotStarted | None = None
    while True:
        try:
            with Client(SERVER.agent_socket) as client:
                client.status()
            return
        except AgentNotStarted as error:
            if told is None:
                told, deadline = error, time.monotonic() + _REASON_SECONDS
        except AgentUnreachable:
            pass
        except PotionsError as error:
            raise _not_up(AGENT, "The agent did not come up.") from error
        if time.monotonic() > deadline:
            raise _not_up(AGENT, "The agent did not come up.") if told is None else _refused(told)
        time.sleep(_POLL)
