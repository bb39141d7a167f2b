"""The directory of an embedded Potions: whether it can be one, what it has to hold, and its settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from potions.errors import AgentUnreachable, HomeRefused, StoreFailed
from potions.host.account import account_of, refuse_unreachable
from potions.host.files import provision
from potions.layout import SOCKET_PATH_MAX, Home, Server
from potions.model.service import Account
from potions.settings import Settings

Say = Callable[[str], None]

#: Caddy reads a path as a pattern, so a home with one of these would never match.
_PATTERN_CHARACTERS = "[]*?{}\\"
_ROOTS_APP_USER = "nobody"


def prepare_home(home: Home, say: Say) -> Account:
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


def load_settings(home: Home) -> Settings:
    """The settings of a home; raises AgentUnreachable where none was ever started there."""
    try:
        return msgspec.json.decode(home.settings.read_bytes(), type=Settings)
    except FileNotFoundError:
        raise AgentUnreachable(
            f"Potions was never started in {home.root}.",
            why=f"There is no {home.settings}.",
            do=f"Start it with: {home.how_to_make}",
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, IsADirectoryError) as error:
        raise HomeRefused(
            f"{home.settings} cannot be read.", why=str(error), do=f"Mend it, or remove it and run: {home.how_to_make}"
        ) from error


def refuse_missing_key(home: Home) -> None:
    """Raise StoreFailed where the database is there without the key of its sealed values."""
    if home.database.exists() and not home.secret_key.exists():
        raise StoreFailed(
            "secret.key is missing.",
            why=f"The variables in {home.database} are sealed with the key that was in {home.secret_key}.",
            do="Put that file back. Nothing was changed.",
        )


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


def refuse_server(home: Home) -> None:
    """Raise HomeRefused where this computer is a server: systemd starts and stops it there."""
    if isinstance(home, Server):
        raise HomeRefused(
            "This computer is a Potions server already.",
            why="There systemd starts and stops Potions and its apps.",
            do="See what runs: sudo potions status. A home beside it, for trying things: POTIONS_HOME=~/try potions up",
        )


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


@contextmanager
def refusals_told(home: Home) -> Iterator[None]:
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
