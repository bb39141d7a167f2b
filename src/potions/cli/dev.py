"""`potions dev`: a command of a developer's own, with what Potions would give the app."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import Parameter

from potions.cli.screen import sanitise, say, stderr
from potions.errors import CommandNotStarted, ManifestRefused, ProjectRefused, UsageRefused
from potions.manifest import parse_manifest
from potions.project.gitignore import is_ignored
from potions.project.setting_up import GITIGNORE, MANIFESTS

_STORAGE = "storage"
#: By which a framework knows that it is on a server. There the manifest says "production"; here it does not hold.
_FOR_THE_SERVER = frozenset({"RAILS_ENV", "RACK_ENV", "NODE_ENV", "MIX_ENV", "APP_ENV"})
_FIRST_PORT = 8000
_PORTS = 100

_Command = Annotated[str, Parameter(name="COMMAND", help="The command, with its words.", allow_leading_hyphen=True)]
_Json = Annotated[bool, Parameter(name="--json", help="Say what goes wrong before it starts as JSON.")]


def dev(*command: _Command, json: _Json = False) -> int:
    """Run a command here with STORAGE_DIR pointing at ./storage.

    That is the directory beside potions.toml, here or further up; it is made
    if it is not there. What [env] in potions.toml says is set too, where this
    shell does not set it, but for NODE_ENV, RAILS_ENV and their like; and PORT
    is 8000 or the next free one, where it is not set. Everything else is the
    command's own: input, output, signals and exit status. Potions itself need
    not run.

    For example:

        potions dev -- python3 manage.py runserver
        potions dev -- npm start
        potions dev -- sh -c 'ls "$STORAGE_DIR"'
    """
    if not command:
        raise UsageRefused("Which command?", do="For example: potions dev -- npm start")
    manifest = find_manifest(Path.cwd())
    project = project_of(manifest) if manifest else Path.cwd()
    given, storage = given_environment(), project / _STORAGE
    environment = local_environment(given, _defaults(manifest), storage, _port(given))
    notes = [] if project == Path.cwd() else [f"The project is in {project}, where {manifest} is; its storage is used."]
    notes += [*_provide(storage), *_what_is_set(environment, given)]
    for note in notes if not json else ():
        say(sanitise(note), "dim", console=stderr())
    _become(list(command), environment)


def find_manifest(directory: Path) -> Path | None:
    """The nearest manifest, here or further up; never beyond a Git checkout's top, nor in a home directory."""
    for folder in (directory, *directory.parents):
        if folder == Path.home() and folder != directory:
            return None
        found = next((folder / name for name in MANIFESTS if (folder / name).is_file()), None)
        if found or (folder / ".git").exists():
            return found
    return None


def project_of(manifest: Path) -> Path:
    """The directory that a manifest is of: its own, or the Mix project whose overlay it is."""
    below = next(name for name in reversed(MANIFESTS) if manifest.as_posix().endswith(f"/{name}"))
    return manifest.parents[below.count("/")]


def local_environment(
    given: dict[bytes, bytes], defaults: dict[str, str], storage: Path, port: int | None
) -> dict[bytes, bytes]:
    """What the command finds: the shell's own variables, over those of ``[env]``, and the storage over both."""
    environment = {name.encode(): value.encode() for name, value in defaults.items()} | given
    if port is not None:
        environment[b"PORT"] = str(port).encode()
    return environment | {b"STORAGE_DIR": os.fsencode(storage)}


def given_environment() -> dict[bytes, bytes]:
    """The variables that this process was started with.

    Python adds LC_CTYPE where the locale is that of C; the command is to find what it would have found without us.
    """
    given = dict(os.environb)
    try:
        first = Path("/proc/self/environ").read_bytes()
    except OSError:
        return given
    if not any(entry.startswith(b"LC_CTYPE=") for entry in first.split(b"\0")):
        given.pop(b"LC_CTYPE", None)
    return given


def _defaults(manifest: Path | None) -> dict[str, str]:
    if manifest is None:
        return {}
    try:
        said = parse_manifest(manifest.read_text(encoding="utf-8")).env
        return {name: value for name, value in said.items() if name not in _FOR_THE_SERVER}
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestRefused(f"{manifest} cannot be read.", why=str(error)) from error


def _provide(storage: Path) -> list[str]:
    """Make the directory, and say so. A link to another one is a developer's own choice, and taken."""
    if storage.is_dir():
        return []
    try:
        storage.mkdir()
    except FileExistsError as error:
        why = "It is a link that leads nowhere." if storage.is_symlink() else "It is a file."
        raise ProjectRefused(f"{storage} is not a directory.", why=why, do="Take it away, then try again.") from error
    except OSError as error:
        raise ProjectRefused(f"{storage} cannot be made.", why=f"{error.strerror or error}.") from error
    gitignore = storage.with_name(GITIGNORE)
    ignored = gitignore.is_file() and is_ignored(gitignore.read_text(encoding="utf-8", errors="replace"))
    return [f"Made {storage}." + ("" if ignored else f" Git should not keep it: /storage belongs into {GITIGNORE}.")]


def _port(given: dict[bytes, bytes]) -> int | None:
    """The first port from 8000 on that nobody listens on; None where the shell says one."""
    if b"PORT" in given:
        return None
    return next((port for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS) if _is_free(port)), _FIRST_PORT)


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _what_is_set(environment: dict[bytes, bytes], given: dict[bytes, bytes]) -> list[str]:
    storage, before = environment[b"STORAGE_DIR"], given.get(b"STORAGE_DIR")
    told = [f"STORAGE_DIR={os.fsdecode(storage)} PORT={os.fsdecode(environment[b'PORT'])}"]
    if before not in {None, storage}:
        here = f"STORAGE_DIR was {os.fsdecode(before or b'')}; here it is ./storage"
        told.insert(0, f"{here}, so that nothing reaches an app's live files.")
    return told


def _become(command: list[str], environment: dict[bytes, bytes]) -> NoReturn:
    """Replace this process by the command, so that signals and the exit status are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these two, and a command would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606
    except FileNotFoundError as error:
        raise CommandNotStarted(f"There is no command {command[0]!r}.", why="It is not in PATH.") from error
    except OSError as error:
        why = "It is not a program." if error.errno == errno.ENOEXEC else f"{error.strerror or error}."
        raise CommandNotStarted(f"{command[0]!r} cannot be started.", why=why) from error
