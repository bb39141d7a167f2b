"""Reads the project in a directory, and writes what was agreed to: the disk's part of `potions init`."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from potions.errors import ProjectRefused
from potions.project.evidence import KEEPERS, Project, is_read
from potions.project.setting_up import GITIGNORE, MANIFESTS, FilePlan, FileState

STORAGE = "storage"

_DEEPEST = 3
_MOST_FILES = 20_000
_READ_BYTES = 256 * 1024
_MOST_LOOKED_AT = 100
_NAMES_SHOWN = 3
#: Other people's code, and what is made anew: nothing there says what the project is.
_NOT_LOOKED_INTO = frozenset({STORAGE, "node_modules", "_build", "deps", "vendor", "dist", "build", "target"})
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"


def read_project(directory: Path) -> Project:
    """Look at a project without running anything of it, and without following a link.

    Raises ProjectRefused for what is no project: no directory, an empty one, somebody's home.
    """
    _refuse_odd(directory)
    try:
        files = sorted(_files(directory))
    except OSError as error:
        raise _unreadable(directory, error) from error
    texts = {path: text for path in files if is_read(path) and (text := _text(directory / path, path)) is not None}
    _refuse_unreadable(directory, texts)
    return Project(directory.name, frozenset(files), texts, _shipped(directory))


def write_files(directory: Path, changes: list[FilePlan]) -> None:
    """Write each file whole or not at all. One that has changed since it was read is left alone.

    A crash leaves the old file or the new one, and at most a ``.potions-*`` beside it. Raises ProjectRefused.
    """
    for change in changes:
        path = directory / change.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, change) if change.state is FileState.CHANGED else _create(path, change)
        except FileExistsError as error:
            raise ProjectRefused(f"{path} has come into being meanwhile.", do="Look at it, then try again.") from error
        except OSError as error:
            raise ProjectRefused(f"{path} cannot be written.", why=f"{error.strerror or error}.") from error


def _refuse_odd(directory: Path) -> None:
    if not directory.exists():
        raise ProjectRefused(
            f"There is no directory {directory}.", do="Name the one that the project is in; --app names the app."
        )
    if not directory.is_dir():
        raise ProjectRefused(f"{directory} is not a directory.", do="Name the directory that the project is in.")
    if directory.resolve() in {Path.home().resolve(), Path("/")}:
        what = "the root directory" if directory == Path("/") else "your home directory"
        raise ProjectRefused(f"This is {what}, not a project.", do="Go to the project first: cd PROJECT")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise ProjectRefused(f"{directory} cannot be read.", why="Permission denied.")
    if not any(path.name != ".git" for path in directory.iterdir()):
        raise ProjectRefused(
            f"{directory} is empty.",
            why="What has to be written depends on the project's own files.",
            do="Begin the project first (Potions' docs/guides show how for several frameworks), then try again.",
        )


def _refuse_unreadable(directory: Path, texts: dict[str, str]) -> None:
    """What may have to be changed, or must not be, has to be a file that was read whole."""
    for path in (*MANIFESTS, GITIGNORE):
        if path not in texts and os.path.lexists(directory / path):
            raise ProjectRefused(
                f"{directory / path} is not a file that Potions reads.",
                why=f"It is a link, no file at all, or longer than {_READ_BYTES // 1024} kB.",
                do="Put a file in its place, then try again.",
            )


def _files(directory: Path) -> Iterator[str]:
    """The regular files, not too deep below; breadth first, so that the nearest are found in a huge tree too."""
    ahead: list[tuple[Path, str]] = [(directory, "")]
    count = 0
    for folder, prefix in ahead:
        # Somebody else's folder inside a project says nothing about it.
        with suppress(PermissionError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{prefix}{entry.name}"
                if entry.is_file(follow_symlinks=False) and (entry.name[0] != "." or path == GITIGNORE):
                    count += 1
                    yield path
                elif entry.is_dir(follow_symlinks=False) and _is_looked_into(entry, path):
                    ahead.append((Path(entry.path), f"{path}/"))
                if count >= _MOST_FILES:
                    return


def _is_looked_into(entry: os.DirEntry[str], path: str) -> bool:
    if entry.name[0] == "." or entry.name in _NOT_LOOKED_INTO or path.count("/") >= _DEEPEST:
        return False
    return not Path(entry.path, _VIRTUAL_ENVIRONMENT).exists()


def _text(file: Path, path: str) -> str | None:
    """What stands in a file; None for one that cannot be read or is too long to be a person's."""
    # Bytes of .gitignore that are no UTF-8 have to come out again as they were.
    errors = "surrogateescape" if path == GITIGNORE else "replace"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = opened.read(_READ_BYTES + 1)
    return None if len(data) > _READ_BYTES else data.decode("utf-8", errors)


def _shipped(directory: Path) -> tuple[str, ...]:
    """Some of the directories in ``storage`` that Git is to keep, as Laravel's: a file in them is there for that alone.

    Whatever else lies there is what the app itself stored on this computer.
    """
    storage = directory / STORAGE
    if storage.is_symlink() or not storage.is_dir():
        return ()
    with suppress(OSError):
        kept = [folder.name for folder in sorted(storage.iterdir()) if _is_kept(folder)]
        shown = tuple(f"{STORAGE}/{name}" for name in kept[:_NAMES_SHOWN])
        return (*shown, "…") if len(kept) > _NAMES_SHOWN else shown
    return ()


def _is_kept(folder: Path, levels: int = _DEEPEST) -> bool:
    # Bounded in depth and number, because an app may have stored a million files there.
    if folder.is_symlink() or not folder.is_dir():
        return False
    if any((folder / keeper).is_file() for keeper in KEEPERS):
        return True
    return levels > 1 and any(
        _is_kept(below, levels - 1) for below in itertools.islice(folder.iterdir(), _MOST_LOOKED_AT)
    )


def _create(path: Path, change: FilePlan) -> None:
    """Make a file that is not there; FileExistsError where it is, be it a link that leads nowhere."""
    temporary = _written_beside(path, change.text)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
    _sync(path.parent)


def _replace(path: Path, change: FilePlan) -> None:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or _text(path, change.path) != change.before:
        raise ProjectRefused(f"{path} has changed meanwhile.", do="Look at it, then try again.")
    temporary = _written_beside(path, change.text)
    try:
        temporary.chmod(stat.S_IMODE(status.st_mode))
        temporary.rename(path)
    except OSError:
        temporary.unlink()
        raise
    _sync(path.parent)


def _written_beside(path: Path, text: str) -> Path:
    temporary = path.with_name(f".potions-{os.getpid()}-{path.name}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(descriptor)
    except OSError:
        temporary.unlink()
        raise
    return temporary


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(directory: Path, error: OSError) -> ProjectRefused:
    return ProjectRefused(f"{error.filename or directory} cannot be read.", why=f"{error.strerror or error}.")
