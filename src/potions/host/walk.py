"""Going through a tree by descriptors, however deep it is and whatever an app does to it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from potions.host.descriptors import DIRECTORY, is_not_directory

Parts = tuple[str, ...]

#: How many folders are kept open at once. One further up is opened anew, by its names, when something is left in it.
_KEPT_OPEN = 64


@dataclass
class _Step:
    """A folder on the way down, and the names in it that are still to be entered."""

    parts: Parts
    ahead: list[str]
    folder: int | None


def walk(
    top: int,
    enter: Callable[[Parts, int], Iterable[str]],
    leave: Callable[[Parts], None] = lambda _parts: None,
    kept_out: Callable[[Parts], None] = lambda _parts: None,
) -> None:
    """Call ``enter(parts, folder)`` for the directory ``top`` and for each below it, before what is in it.

    ``enter`` returns the names to go into; ``folder`` is good until it returns. ``leave`` is called when all below a
    directory was done, ``kept_out`` for one that may not be opened. Links are never followed, and what vanishes or
    becomes something else meanwhile is left out. Needs few descriptors and no stack. Raises OSError.
    """
    steps: list[_Step] = []
    try:
        _enter(steps, (), os.dup(top), enter)
        while steps:
            step = steps[-1]
            if not step.ahead:
                steps.pop()
                _close(step)
                leave(step.parts)
                continue
            name = step.ahead.pop()
            folder = _open(top, step, name, kept_out)
            if folder is not None:
                _enter(steps, (*step.parts, name), folder, enter)
    finally:
        for step in steps:
            _close(step)


def _enter(steps: list[_Step], parts: Parts, folder: int, enter: Callable[[Parts, int], Iterable[str]]) -> None:
    step = _Step(parts, [], folder)
    steps.append(step)
    if len(steps) > _KEPT_OPEN:
        _close(steps[-_KEPT_OPEN - 1])
    step.ahead = list(enter(parts, folder))[::-1]


def _open(top: int, step: _Step, name: str, kept_out: Callable[[Parts], None]) -> int | None:
    try:
        if step.folder is None:
            step.folder = _open_anew(top, step.parts)
        return os.open(name, DIRECTORY, dir_fd=step.folder)
    except FileNotFoundError:
        return None
    except PermissionError:
        kept_out((*step.parts, name))
        return None
    except OSError as error:
        if is_not_directory(error):
            return None
        raise


def _open_anew(top: int, parts: Parts) -> int:
    folder = os.dup(top)
    for name in parts:
        above = folder
        try:
            folder = os.open(name, DIRECTORY, dir_fd=above)
        finally:
            os.close(above)
    return folder


def _close(step: _Step) -> None:
    if step.folder is not None:
        os.close(step.folder)
        step.folder = None


def some(paths: Iterable[str], limit: int = 5) -> str:
    """The first of some paths, for people, and whether there are more."""
    first = list(islice(paths, limit + 1))
    return ", ".join(first[:limit]) + (", and more" if len(first) > limit else "")
