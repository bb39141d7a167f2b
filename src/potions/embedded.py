"""An embedded Potions: supervisord, Caddy and the agent in the background, below one directory, without root."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil

from potions import __version__
from potions.client import Client
from potions.errors import AgentUnreachable, HomeRefused, PortBusy, StartFailed, StoreFailed, UsageRefused
from potions.host import processes
from potions.host.account import account_of, apps_search_path, refuse_unreachable
from potions.host.caddy import Caddy
from potions.host.files import provision, remove_tree, write_atomically
from potions.host.locks import Locks
from potions.host.programs import caddy_program, own_programs, supervisord_program
from potions.host.supervisord import Supervisord
from potions.layout import SOCKET_PATH_MAX, Home
from potions.model.app import LAST_PORT
from potions.model.service import Account, Phase
from potions.render.supervisord import render_supervisord
from potions.schema import PlatformStatus
from potions.settings import EPMD_DISTANCE, FIRST_PORT, HTTP_PORT, Settings

Say = Callable[[str], None]

#: Caddy reads a path as a pattern, so a home with one of these would never match.
_PATTERN_CHARACTERS = "[]*?{}\\"
_ROOTS_APP_USER = "nobody"
_TIMEOUT = 30.0
_POLL = 0.05
_GRACE = 30.0
_LAST_LINES = 8


def bring_up(home: Home, http_port: int | None, first_port: int | None, say: Say) -> PlatformStatus:
    """Have everything run; what runs already stays as it is. Returns what runs.

    Raises HomeRefused, PortBusy (with who has the port), UsageRefused for another port while one
    runs, StartFailed.
    """
    with _refusals_told(home):
        return _bring_up(home, http_port, first_port, say)


def _bring_up(home: Home, http_port: int | None, first_port: int | None, say: Say) -> PlatformStatus:
    refuse_home(home)
    _refuse_ports(http_port, first_port)
    refuse_missing_key(home)
    account = _prepare_home(home, say)
    supervisor = Supervisord(home)
    lock = Locks(home.locks).take("up", give_up=_after(_TIMEOUT))
    try:
        settings = _settle_settings(home, account, http_port, first_port, say)
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
    with _refusals_told(home):
        return _take_down(home, say)


def _take_down(home: Home, say: Say) -> bool:
    supervisor = Supervisord(home)
    if not supervisor.is_up():
        return bool(_end_leftovers(home))
    names = supervisor.states()
    # The agent first: it must not take the stops for crashes. Then the proxy, while the apps can still answer it.
    for name in ("agent", "caddy"):
        say(f"stopping {name}")
        supervisor.stop([name], _GRACE)
    apps = [name for name in names if name not in {"agent", "caddy"}]
    if apps:
        say(f"stopping {', '.join(sorted({name.split('.')[0] for name in apps}))}")
    supervisor.stop_all(apps)
    processes.end_processes(lambda: processes.home_processes(home.apps), _GRACE)
    pid = _supervisord_pid(home)
    supervisor.shut_down()
    processes.wait_for_end(lambda: {pid} & set(psutil.pids()), _GRACE)
    return True


@contextmanager
def _refusals_told(home: Home) -> Iterator[None]:
    """Tell in words whose home it is not."""
    try:
        yield
    except PermissionError as error:
        if not str(error.filename).startswith(str(home.root)):
            raise
        raise _not_yours(home) from error


def _not_yours(home: Home) -> HomeRefused:
    return HomeRefused(
        f"{home.root} cannot be your Potions' home.",
        why="You may not read what is there.",
        do="Choose another place: POTIONS_HOME=~/potions potions up",
    )


def load_settings(home: Home) -> Settings:
    """The settings of a home; raises AgentUnreachable where none was ever started there."""
    try:
        return msgspec.json.decode(home.settings.read_bytes(), type=Settings)
    except FileNotFoundError:
        raise AgentUnreachable(f"Potions was never started in {home.root}.", do="Start it with: potions up") from None
    except msgspec.MsgspecError as error:
        raise HomeRefused(
            f"{home.settings} cannot be read.", why=str(error), do="Mend it, or remove it and run: potions up"
        ) from error


def refuse_missing_key(home: Home) -> None:
    """Raise StoreFailed where the database is there without the key of its sealed values."""
    if home.database.exists() and not home.secret_key.exists():
        raise StoreFailed(
            "secret.key is missing.",
            why=f"The variables in {home.database} are sealed with the key that was in {home.secret_key}.",
            do="Put that file back. Nothing was changed.",
        )


# Settings


def _prepare_home(home: Home, say: Say) -> Account:
    """Have the home's directories. Returns whom its apps run as."""
    known = _known_settings(home)
    account = account_of(known.app_user if known else _ROOTS_APP_USER)
    if account.switch:
        say(f"Running as root: the apps run as the user {account.name}.")
    refuse_unreachable(home.root, account)
    try:
        _make_parents(home.root)
        provision(home.entries(), account)
    except OSError as error:
        raise HomeRefused(
            f"{home.root} cannot be made Potions' home.",
            why=f"{error.strerror}: {error.filename or home.root}",
            do="Make the directory above it, or choose another place: POTIONS_HOME=~/potions potions up",
        ) from error
    return account


def _known_settings(home: Home) -> Settings | None:
    try:
        return load_settings(home) if home.settings.exists() else None
    except PermissionError as error:
        raise _not_yours(home) from error


def _make_parents(root: Path) -> None:
    """Make what is missing above the home, so that everybody may enter it: the apps' user has to."""
    for folder in reversed(root.parents):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)


def _settle_settings(home: Home, account: Account, http_port: int | None, first_port: int | None, say: Say) -> Settings:
    """What this home runs with from now on: what it had, what was asked for, or what is free."""
    known = load_settings(home) if home.settings.exists() else None
    path = apps_search_path(os.environ.get("PATH", os.defpath), account, own_programs())
    if known is None:
        chosen = http_port or _choose_http_port(say)
        settings = Settings(
            http_port=chosen,
            first_port=first_port or FIRST_PORT,
            epmd_port=_choose_epmd_port(chosen),
            probe_token=secrets.token_urlsafe(24),
            app_user=account.name,
            search_path=path,
        )
    else:
        _refuse_another_port(home, "--http-port", known.http_port, http_port)
        _refuse_another_port(home, "--first-port", known.first_port, first_port)
        settings = msgspec.structs.replace(
            known,
            http_port=http_port or known.http_port,
            first_port=first_port or known.first_port,
            search_path=path,
        )
    if settings != known:
        write_atomically(home.settings, msgspec.json.format(msgspec.json.encode(settings)) + b"\n", 0o600)
    return settings


def _refuse_ports(*ports: int | None) -> None:
    for port in ports:
        if port is not None and not 1024 <= port < LAST_PORT:
            raise UsageRefused(f"{port} cannot be a port here.", why=f"It has to be from 1024 to {LAST_PORT - 1}.")


def _refuse_another_port(home: Home, option: str, known: int, wanted: int | None) -> None:
    if wanted not in {None, known} and Supervisord(home).is_up():
        raise UsageRefused(
            f"Potions runs already, with {option} {known}.",
            do=f"To change it: potions down, then potions up {option} {wanted}",
        )


def _choose_http_port(say: Say) -> int:
    port = _free_from(HTTP_PORT)
    if port != HTTP_PORT:
        say(f"Port {HTTP_PORT} is taken by {processes.listener_on(HTTP_PORT)}; this home uses {port} from now on.")
    return port


def _choose_epmd_port(http_port: int) -> int:
    """A port apart from that of any other home, because their HTTP ports differ too while both run."""
    is_room_above = http_port + 2 * EPMD_DISTANCE <= LAST_PORT
    return _free_from(http_port + EPMD_DISTANCE if is_room_above else http_port - EPMD_DISTANCE)


def _free_from(port: int) -> int:
    while not processes.is_port_free(port):
        port += 1
    return port


def refuse_home(home: Home) -> None:
    path = str(home.root)
    for folder in (home.root, *home.root.parents):
        if _is_no_directory(folder):
            raise HomeRefused(
                f"{path!r} cannot be Potions' home.",
                why=f"{folder} is no directory.",
                do="Choose another place: POTIONS_HOME=~/potions potions up",
            )
    bad = sorted({character for character in path if character in _PATTERN_CHARACTERS or not character.isprintable()})
    if bad:
        raise HomeRefused(
            f"{path!r} cannot be Potions' home.",
            why=f"Caddy takes {' '.join(map(repr, bad))} in a path for a pattern, so no app would be found there.",
            do="Choose another place: POTIONS_HOME=~/potions potions up",
        )
    longest = max((home.agent_socket, home.caddy_socket, home.supervisor_socket), key=lambda one: len(str(one)))
    # supervisord makes its socket under a longer name first: the path, a dot and its process id.
    if len(os.fsencode(longest)) + 9 > SOCKET_PATH_MAX:
        raise HomeRefused(
            f"{path} is too long to be Potions' home.",
            why=f"The sockets in it have longer names than the {SOCKET_PATH_MAX} bytes the system allows.",
            do="Choose a shorter one: POTIONS_HOME=~/potions potions up",
        )


def _is_no_directory(path: Path) -> bool:
    """Whether something else than a directory is there; what is missing or out of reach is not told here."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


# Starting


def _start(home: Home, settings: Settings, say: Say) -> None:
    if ended := _end_leftovers(home):
        say(f"Ended {ended} processes that an earlier Potions had left behind.")
    if not processes.is_port_free(settings.http_port):
        raise PortBusy(
            f"Port {settings.http_port}, on which Potions was to answer, is taken.",
            why=f"{processes.listener_on(settings.http_port) or 'Another program'} listens on it.",
            do=f"End that program, or take another port: potions up --http-port {_free_from(settings.http_port)}",
        )
    caddy = Caddy(home, settings.http_port, settings.probe_token)
    caddy.write_caddyfile()
    caddy_words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(home.caddyfile)]
    agent_words = [sys.executable, "-m", "potions.agent", str(home.root)]
    text = render_supervisord(home, caddy=caddy_words, agent=agent_words, as_root=os.geteuid() == 0)
    write_atomically(home.supervisor_config, text.encode(), 0o600)
    # Each is written anew when it is started. Those of before may name paths that are gone, in a home that was moved.
    for program in home.programs.glob("*.*.conf"):
        remove_tree(program, below=home.run)
    say(f"starting supervisord, Caddy and the agent in {home.root}")
    command = [*supervisord_program(), "-c", str(home.supervisor_config)]
    done = subprocess.run(
        command, cwd=home.root, env=_own_environment(), capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if done.returncode != 0:
        raise StartFailed("supervisord did not start.", why=(done.stderr or done.stdout)[-500:].strip())


def _own_environment() -> dict[str, str]:
    """What supervisord and the agent run with: nothing of the caller's that they do not need."""
    wanted = ("PATH", "HOME", "LANG", "USER", "LOGNAME", "TMPDIR")
    return {name: value for name, value in os.environ.items() if name in wanted or name.startswith("POTIONS_")}


def _have_parts_run(supervisor: Supervisord, say: Say) -> None:
    for name in ("caddy", "agent"):
        if not supervisor.is_running(name):
            say(f"{name} was down; starting it")
            supervisor.start(name)


def _wait_until_up(home: Home, settings: Settings) -> PlatformStatus:
    """Wait until Caddy and the agent answer; raises StartFailed with the last lines of the one that does not."""
    caddy = Caddy(home, settings.http_port, settings.probe_token)
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
