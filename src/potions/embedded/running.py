"""Bringing an embedded Potions up and taking it down, with what an earlier one left running."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import psutil

from potions import __version__
from potions.client import Client
from potions.embedded.home import Say, prepare_home, refusals_told, refuse_home, refuse_missing_key, refuse_server
from potions.embedded.settling import free_from, refuse_ports, settle_settings
from potions.errors import AgentUnreachable, PortBusy, StartFailed
from potions.host import processes
from potions.host.caddy import Caddy
from potions.host.files import remove_tree, write_atomically
from potions.host.locks import Locks
from potions.host.programs import caddy_program, supervisord_program
from potions.host.supervisord import Supervisord
from potions.layout import SECRET_KEY_MODE, Home
from potions.model.service import PARTS, Phase
from potions.render.supervisord import render_supervisord
from potions.schema import PlatformStatus
from potions.settings import Settings

_TIMEOUT = 30.0
_POLL = 0.05
_GRACE = 30.0
_LAST_LINES = 8


def bring_up(home: Home, http_port: int | None, first_port: int | None, say: Say) -> PlatformStatus:
    """Have everything run; what runs already stays as it is. Returns what runs.

    Raises HomeRefused (for a server too), PortBusy (with who has the port), UsageRefused for another port while one
    runs, StartFailed.
    """
    refuse_server(home)
    with refusals_told(home):
        return _bring_up(home, http_port, first_port, say)


def _bring_up(home: Home, http_port: int | None, first_port: int | None, say: Say) -> PlatformStatus:
    refuse_home(home)
    refuse_ports(http_port, first_port)
    refuse_missing_key(home)
    account = prepare_home(home, say)
    supervisor = Supervisord(home)
    lock = Locks(home.locks).take("up", give_up=_after(_TIMEOUT))
    try:
        settings = settle_settings(home, account, http_port, first_port, say)
        if supervisor.is_up():
            say(f"Potions runs already, at home in {home.root}.")
            _have_parts_run(supervisor, say)
        else:
            _start(home, settings, say)
        status = _wait_until_up(home, settings)
        if status.version != __version__:
            say(f"The agent is of version {status.version}; it is started anew as {__version__}.")
            supervisor.stop(["agent"], _GRACE)
            supervisor.start("agent")
            status = _wait_until_up(home, settings)
        return status
    finally:
        if lock is not None:
            lock.release()


def take_down(home: Home, say: Say) -> bool:
    """Stop everything of this home, apps included; False where nothing ran. What is stored stays.

    Raises HomeRefused for the home of somebody else.
    """
    refuse_server(home)
    with refusals_told(home):
        return _take_down(home, say)


def _take_down(home: Home, say: Say) -> bool:
    supervisor = Supervisord(home)
    if not supervisor.is_up():
        return bool(_end_leftovers(home))
    names = supervisor.states()
    # The agent before the apps: it must not take the stops for crashes. Then the proxy, while they can still answer it.
    for name in reversed(PARTS):
        say(f"stopping {name}")
        supervisor.stop([name], _GRACE)
    apps = [name for name in names if name not in PARTS]
    if apps:
        say(f"stopping {', '.join(sorted({name.split('.')[0] for name in apps}))}")
    supervisor.stop_all(apps)
    processes.end_processes(lambda: processes.home_processes(home.apps), _GRACE)
    pid = _supervisord_pid(home)
    supervisor.shut_down()
    processes.wait_for_end(lambda: {pid} & set(psutil.pids()), _GRACE)
    return True


# Starting


def _start(home: Home, settings: Settings, say: Say) -> None:
    if ended := _end_leftovers(home):
        say(f"Ended {ended} processes that an earlier Potions had left behind.")
    if not processes.is_port_free(settings.http_port):
        raise PortBusy(
            f"Port {settings.http_port}, on which Potions was to answer, is taken.",
            why=f"{processes.listener_on(settings.http_port) or 'Another program'} listens on it.",
            do=f"End that program, or take another port: potions up --http-port {free_from(settings.http_port)}",
        )
    caddy = Caddy(home, settings)
    caddy.write_caddyfile()
    caddy_words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(home.caddyfile)]
    agent_words = [sys.executable, "-m", "potions.agent", str(home.root)]
    text = render_supervisord(
        home,
        caddy=caddy_words,
        agent=agent_words,
        dashboard=[sys.executable, "-m", "potions.dashboard", str(home.root)],
        as_root=os.geteuid() == 0,
    )
    write_atomically(home.supervisor_config, text.encode(), 0o600)
    # Each is written anew when it is started. Those of before may name paths that are gone, in a home that was moved.
    for program in home.programs.glob("*.*.conf"):
        remove_tree(program, below=home.run)
    if not home.dashboard_key.exists():
        write_atomically(home.dashboard_key, secrets.token_bytes(32), SECRET_KEY_MODE)
    say(f"starting supervisord, Caddy, the agent and the dashboard in {home.root}")
    command = [*supervisord_program(), "-c", str(home.supervisor_config)]
    done = subprocess.run(
        command, cwd=home.root, env=_own_environment(), capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if done.returncode != 0:
        raise StartFailed("supervisord did not start.", why=(done.stderr or done.stdout)[-500:].strip())


def _own_environment() -> dict[str, str]:
    """What supervisord and the agent run with: nothing of the caller's that they do not need."""
    wanted = ("PATH", "HOME", "LANG", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME")
    return {name: value for name, value in os.environ.items() if name in wanted or name.startswith("POTIONS_")}


def _have_parts_run(supervisor: Supervisord, say: Say) -> None:
    for name in PARTS:
        if not supervisor.is_running(name):
            say(f"{name} was down; starting it")
            supervisor.start(name)


def _wait_until_up(home: Home, settings: Settings) -> PlatformStatus:
    """Wait until Caddy and the agent answer; raises StartFailed with the last lines of the one that does not."""
    caddy = Caddy(home, settings)
    over = _after(_TIMEOUT)
    while not caddy.is_up():
        if over():
            raise _not_up(home, "caddy")
        time.sleep(_POLL)
    # The agent settles what a crash left before it answers; stopping a slot may take its whole time.
    over = _after(_TIMEOUT * 3)
    while True:
        try:
            return Client(home.agent_socket).status()
        except AgentUnreachable:
            # supervisord has given up on it: waiting any longer helps nobody.
            if over() or Supervisord(home).state("agent").phase is Phase.EXITED:
                raise _not_up(home, "agent") from None
            time.sleep(_POLL)


def _not_up(home: Home, part: str) -> StartFailed:
    log = home.part_log(part)
    lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
    return StartFailed(f"The {part} did not come up.", why="\n".join(lines), do=f"Its whole log is {log}")


# Leftovers


def _end_leftovers(home: Home) -> int:
    """End what still runs of this home, where no supervisord answers; returns how many processes that were.

    A supervisord that lives and only lost its socket is among them, or it would start the others again.
    """
    found = set(leftovers(home))
    processes.end_processes(lambda: set(leftovers(home)), _GRACE)
    return len(found)


def leftovers(home: Home) -> Iterator[int]:
    yield from processes.home_processes(home.apps)
    own = {
        ("-c", str(home.supervisor_config)),
        ("--config", str(home.caddyfile)),
        ("potions.agent", str(home.root)),
        ("potions.dashboard", str(home.root)),
    }
    epmd = str(home.epmd / "epmd")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            is_ours = words[:1] == [epmd] or not own.isdisjoint(pairwise(words))
            if is_ours and process.pid != os.getpid():
                yield process.pid


def _supervisord_pid(home: Home) -> int:
    try:
        return int(home.supervisor_pid.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _after(seconds: float) -> Callable[[], bool]:
    """A function that says whether ``seconds`` have passed."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline
