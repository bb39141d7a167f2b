"""Directories, files and links of the platform's own: are they there, whose are they, who may open them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity


class Thing(StrEnum):
    """What lies at a path itself; a link is a link."""

    NOTHING = "nothing"
    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    SOCKET = "socket"
    OTHER = "other"


class Seen(msgspec.Struct, frozen=True):
    """What was found at a path."""

    thing: Thing
    mode: int = 0
    """The permission bits, those for setuid, setgid and sticky among them."""
    owner: str = ""
    """The user's name, or its number where it has none."""
    target: str = ""
    """Where a link leads, as its text says."""
    group: str = ""
    """Of the group the same as of the user."""


class Wanted(msgspec.Struct, frozen=True):
    """What should be at a path."""

    path: Path
    thing: Thing
    mode: int
    owner: str
    secret: bool = False
    """Whether anybody else who can read it is worse than untidy."""
    optional: bool = False
    """Whether it may be missing."""
    of_app: bool = False
    """The app owns it, and may give it a mode of its own: only what locks itself out, or lets strangers in, counts."""
    fixable: bool = True
    makeable: bool = True
    """Whether one that is missing can be made anew, empty."""
    do: str = ""
    """What to run where it is missing and cannot be made."""
    group: str = ""
    """Empty where it does not matter."""

    @property
    def belongs_to(self) -> str:
        """As ``chown`` reads it."""
        return f"{self.owner}:{self.group}" if self.group else self.owner


DIRECTORY_MISSING = Kind(
    "directory-missing",
    Severity.ERROR,
    "A directory that Potions keeps things in is not there.",
    "potions doctor --fix, or: potions up; on a server: sudo potions server install",
    "makes it anew, empty",
)
FILE_MISSING = Kind(
    "file-missing",
    Severity.ERROR,
    "A file that Potions cannot do without is not there.",
    "Put it back, from a backup of the home",
    "makes it anew, where it is one of the empty files that only mark something",
)
NOT_OURS = Kind(
    "something-else",
    Severity.ERROR,
    "Where Potions keeps a directory or a file there is something else, perhaps a link.",
    "Move it away; then potions doctor --fix",
)
OWNER_WRONG = Kind(
    "owner-wrong",
    Severity.ERROR,
    "A directory or a file of Potions belongs to another user than it should.",
    "potions doctor --fix, as root",
    "gives it to the user it should belong to",
)
MODE_WRONG = Kind(
    "mode-wrong",
    Severity.WARNING,
    "A directory or a file of Potions has other permissions than it should.",
    "potions doctor --fix",
    "sets the permissions it should have",
)
OPEN_TO_OTHERS = Kind(
    "open-to-others",
    Severity.ERROR,
    "Other users of this computer can read a file with secrets in it, or the directory around it.",
    "potions doctor --fix; then change the secrets in it if anybody may have read them",
    "closes it to everybody else",
)
LINK_WRONG = Kind(
    "link-wrong",
    Severity.WARNING,
    "A link that Potions keeps in an app's directory leads elsewhere, or is missing.",
    "potions doctor --fix",
    "makes the link anew",
)

KINDS = (DIRECTORY_MISSING, FILE_MISSING, NOT_OURS, OWNER_WRONG, MODE_WRONG, OPEN_TO_OTHERS, LINK_WRONG)

_OTHERS = 0o007
_OWNERS = 0o700
_ANYBODY = 0o077


def judge_entries(pairs: Iterable[tuple[Wanted, Seen]], *, app: str = "", as_root: bool) -> list[Finding]:
    """What is wrong with what was seen. ``as_root``: whether this process may give something to another user."""
    return [found for wanted, seen in pairs for found in _judge(wanted, seen, app, as_root)]


def _judge(wanted: Wanted, seen: Seen, app: str, as_root: bool) -> Iterator[Finding]:
    if seen.thing is Thing.NOTHING:
        if not wanted.optional and wanted.thing is not Thing.NOTHING:
            yield _missing(wanted, app)
    elif wanted.thing is Thing.NOTHING:
        yield NOT_OURS.found(
            f"{wanted.path} is there, where nothing may be.",
            app=app,
            place=wanted.path,
            do=f"Remove it: rm {wanted.path}",
        )
    elif seen.thing is not wanted.thing:
        yield NOT_OURS.found(
            f"{wanted.path} is no {wanted.thing.value}: there is {_words(seen.thing)}.", app=app, place=wanted.path
        )
    else:
        yield from _judge_owner(wanted, seen, app, as_root)
        yield from _judge_mode(wanted, seen, app)


def _missing(wanted: Wanted, app: str) -> Finding:
    kind = DIRECTORY_MISSING if wanted.thing is Thing.DIRECTORY else FILE_MISSING
    return kind.found(
        f"{wanted.path} is missing.",
        app=app,
        place=wanted.path,
        do=wanted.do or ("potions doctor --fix" if wanted.makeable else ""),
        fixable=wanted.makeable,
    )


def _judge_owner(wanted: Wanted, seen: Seen, app: str, as_root: bool) -> Iterator[Finding]:
    there = f"{seen.owner}:{seen.group}" if wanted.group else seen.owner
    if there != wanted.belongs_to:
        yield OWNER_WRONG.found(
            f"{wanted.path} belongs to {there}.",
            app=app,
            place=wanted.path,
            expected=f"It belongs to {wanted.belongs_to}.",
            do=f"As root: chown -h {wanted.belongs_to} {wanted.path}",
            fixable=as_root and wanted.fixable,
        )


def _judge_mode(wanted: Wanted, seen: Seen, app: str) -> Iterator[Finding]:
    if _is_mode_right(wanted, seen.mode):
        return
    is_open = wanted.secret and seen.mode & _ANYBODY & ~wanted.mode
    kind = OPEN_TO_OTHERS if is_open else MODE_WRONG
    yield kind.found(
        f"{wanted.path} has the permissions {seen.mode:04o}.",
        app=app,
        place=wanted.path,
        expected=f"They are {wanted.mode:04o}.",
        do=f"chmod {wanted.mode:04o} {wanted.path}",
        fixable=wanted.fixable,
    )


def _is_mode_right(wanted: Wanted, mode: int) -> bool:
    if wanted.of_app:
        return mode & _OWNERS == _OWNERS and not mode & _OTHERS & ~wanted.mode
    return mode == wanted.mode


def _words(thing: Thing) -> str:
    return {Thing.OTHER: "something else"}.get(thing, f"a {thing.value}")


class WantedLink(msgspec.Struct, frozen=True):
    """A link that should be there."""

    path: Path
    target: str


def judge_links(pairs: Iterable[tuple[WantedLink, Seen]], *, app: str) -> list[Finding]:
    """The links of the platform's own that lead elsewhere or are missing."""
    return [_wrong_link(wanted, seen, app) for wanted, seen in pairs if not _is_right(wanted, seen)]


def _is_right(wanted: WantedLink, seen: Seen) -> bool:
    return seen.thing is Thing.LINK and seen.target == wanted.target


def _wrong_link(wanted: WantedLink, seen: Seen, app: str) -> Finding:
    if seen.thing not in {Thing.LINK, Thing.NOTHING}:
        return NOT_OURS.found(f"{wanted.path} is no link: there is {_words(seen.thing)}.", app=app, place=wanted.path)
    what = f"{wanted.path} leads to {seen.target}." if seen.target else f"The link {wanted.path} is missing."
    return LINK_WRONG.found(what, app=app, place=wanted.path, expected=f"It leads to {wanted.target}.")
